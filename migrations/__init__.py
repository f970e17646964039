"""The migrations of the schema. `lms-progress migrate` runs those that a database lacks."""
