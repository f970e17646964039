"""Roll-ups: small tables that are updated with each event, so that reading does not cost more as the log grows."""
