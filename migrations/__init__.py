"""The schema, step by step. `lms-progress migrate` takes the steps that a database has not taken yet."""
