"""Folding in SQL: rules compiled to expressions, and the statement that runs them."""
