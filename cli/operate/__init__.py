"""Commands that operate the service."""
