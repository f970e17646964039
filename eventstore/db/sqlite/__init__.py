"""SQLite: the part of the database layer that only SQLite uses."""
