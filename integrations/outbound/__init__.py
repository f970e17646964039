"""The way out: the relay sends the messages of the outbox to the sinks."""
