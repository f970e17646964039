"""Parking: events that cannot be projected yet, and their retries."""
