"""PostgreSQL: the part of the database layer that only PostgreSQL uses."""
