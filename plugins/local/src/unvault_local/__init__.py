"""The embedded vault of unvault: secrets kept encrypted on this machine."""

__version__ = "0.1.0"
