"""The platform that is monitored: its database is polled for what students did, and that is taken in as messages."""
