"""The promises of a provider, each a test."""
