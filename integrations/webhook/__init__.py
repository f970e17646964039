"""Webhooks out: any URL can subscribe to signals, and is sent them as the Standard Webhooks specification has it."""
