"""The number of events by day and type: the fastest query of each database."""

from sqlalchemy.engine import Dialect

COUNT_BY_INDEX = """
    WITH RECURSIVE types (type) AS (
        SELECT min(type) FROM lms_event
        UNION ALL
        SELECT (SELECT min(e.type) FROM lms_event AS e WHERE e.type > types.type) FROM types WHERE type IS NOT NULL
    ), days (type, day) AS (
        SELECT type, (SELECT substr(min(e.occurred_at), 1, 10) FROM lms_event AS e WHERE e.type = types.type)
        FROM types WHERE type IS NOT NULL
        UNION ALL
        SELECT type, (SELECT substr(min(e.occurred_at), 1, 10) FROM lms_event AS e
                      WHERE e.type = days.type AND e.occurred_at > day || '~')
        FROM days WHERE day IS NOT NULL
    ), counts (day, type, events) AS (
        SELECT day, type, (SELECT count(*) FROM lms_event AS e
                           WHERE e.type = days.type AND e.occurred_at BETWEEN day AND day || '~' AND e.seq <= :last)
        FROM days WHERE day IS NOT NULL LIMIT -1
    )
    SELECT day, type, events FROM counts WHERE events > 0
"""
"""Looks up each day and type by the log's index and counts there; '~' sorts after everything that follows a day's text.
"""

COUNT_BY_GROUP = """
    SELECT CAST(occurred_at AT TIME ZONE 'UTC' AS DATE) AS day, type, count(*) AS events
    FROM lms_event WHERE seq <= :last GROUP BY 1, 2
"""
"""Adds each event to its group, which needs no order."""


def daily_counts(dialect: Dialect) -> str:
    """Return SQL text that selects the day, the type and the number of `events` up to the seq `:last`.

    SQLite would sort the whole log to group it; PostgreSQL's indexes do not contain `seq`.
    """
    return COUNT_BY_INDEX if dialect.name == "sqlite" else COUNT_BY_GROUP
