"""Verify: compare the derived tables with the log, and repair them."""
