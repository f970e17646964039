"""Zulip: mentors are told by direct messages of a bot."""

SYSTEM = "zulip"
"""What metrics and deliveries call it."""
