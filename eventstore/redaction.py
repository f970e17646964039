"""How a log tells why something was not written: never in a database's own words, which may quote what it was."""

from traceback import extract_tb

from sqlalchemy.exc import DBAPIError

from eventstore.errors import LmsError


def reason_of(error: Exception) -> str:
    """What we say ourselves of an error, or its kind."""
    if isinstance(error, LmsError):
        return str(error)
    return type(error.orig if isinstance(error, DBAPIError) else error).__name__


def fault(error: BaseException) -> str:
    """The kind of error, and where it was raised: `KeyError in translate.py, line 12; consumer.py, line 90`."""
    places = [f"{frame.filename.rpartition('/')[2]}, line {frame.lineno}" for frame in extract_tb(error.__traceback__)]
    return f"{type(error).__name__} in {'; '.join(reversed(places)) or 'no place that is known'}"
