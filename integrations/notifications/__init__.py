"""Notifications: mentors are notified of what their students did."""
