"""Courses: publishing versions, and their backfill."""
