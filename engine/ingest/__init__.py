"""Ingest: group commit of submitted events."""
