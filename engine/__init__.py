"""The moving parts: what runs when an event comes in, when a course is published, when something failed."""
