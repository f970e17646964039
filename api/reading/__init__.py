"""Reading: lists, statistics and schemas."""
