"""Redacting errors for logs: a database's or a sender's own words may quote learners' data, so they are left out."""

from traceback import extract_tb

from sqlalchemy.exc import DBAPIError

from eventstore.errors import LmsError


def reason_of(error: Exception) -> str:
    """Return our own message of an error, or the kind of a foreign one."""
    if isinstance(error, LmsError):
        return str(error)
    return type(error.orig if isinstance(error, DBAPIError) else error).__name__


def fault(error: BaseException) -> str:
    """Return the kind of error and where it was raised: `KeyError in translate.py, line 12; consumer.py, line 90`."""
    places = [f"{frame.filename.rpartition('/')[2]}, line {frame.lineno}" for frame in extract_tb(error.__traceback__)]
    return f"{type(error).__name__} in {'; '.join(reversed(places)) or 'no place that is known'}"
