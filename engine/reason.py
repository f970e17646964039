"""How a log tells why something was not written: never in a database's own words, which may quote what it was."""

from sqlalchemy.exc import DBAPIError

from eventstore.errors import LmsError


def reason_of(error: Exception) -> str:
    """What we say ourselves of an error, or its kind."""
    if isinstance(error, LmsError):
        return str(error)
    return type(error.orig if isinstance(error, DBAPIError) else error).__name__
