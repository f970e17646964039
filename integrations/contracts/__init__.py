"""What we have agreed with other systems: one pydantic module a system, with as much of its messages as we read."""
