"""The engine: ingest, projecting, parking, courses, replay and verify."""
