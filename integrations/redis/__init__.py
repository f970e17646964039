"""The exam system, over Redis Streams."""
