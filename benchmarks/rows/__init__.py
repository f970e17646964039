"""The rows of the table, one idea a module. A row takes a Bench, measures, checks, and yields its lines."""
