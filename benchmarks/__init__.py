"""What unvault costs, side by side with what one would use otherwise: `make bench`."""
