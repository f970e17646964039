"""E-mail: mentors are told by a server that speaks SMTP."""

SYSTEM = "smtp"
"""What metrics and deliveries call it."""
