"""The door: lms-progress over HTTP, one resource a module."""
