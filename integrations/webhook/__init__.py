"""Outgoing webhooks: any URL can subscribe to signals, and gets them in the format of Standard Webhooks."""
