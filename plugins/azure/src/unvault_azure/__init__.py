"""Secrets from Azure Key Vault, for unvault."""

__version__ = "0.1.0"
