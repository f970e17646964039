"""Replay: rebuild everything that is derived, while the service runs."""
