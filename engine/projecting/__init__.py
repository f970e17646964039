"""Projecting: from new events to progress, signals, XP and outbox, in one transaction."""
