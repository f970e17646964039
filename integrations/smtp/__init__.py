"""E-mail: mentors are notified by an SMTP server."""

SYSTEM = "smtp"
"""The name in metrics and deliveries."""
