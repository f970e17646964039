"""Zulip: mentors are notified by direct messages of a bot."""

SYSTEM = "zulip"
"""The name in metrics and deliveries."""
