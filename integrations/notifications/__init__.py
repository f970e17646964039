"""Notifications: mentors are told of what their students did, by announcements that the relay sends."""
