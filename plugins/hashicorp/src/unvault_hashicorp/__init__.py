"""Secrets from HashiCorp Vault, OpenBao and HCP, for unvault."""

__version__ = "0.1.0"
