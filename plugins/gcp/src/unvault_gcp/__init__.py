"""Secrets from Google Cloud Secret Manager, for unvault."""

__version__ = "0.1.0"
