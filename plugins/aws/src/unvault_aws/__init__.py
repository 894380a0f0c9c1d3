"""Secrets from AWS Secrets Manager, for unvault."""

__version__ = "0.1.0"
