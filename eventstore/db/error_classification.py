"""Classifying database errors: which are transient, and which are the fault of the statement or its data."""

from sqlalchemy.exc import DBAPIError

TRANSIENT_SQLSTATES = ("08", "40", "53", "55P03", "57", "58", "XX")
"""Lost connections, deadlocks, no space or memory or connections left, locks, shutdown, the disk, the server itself."""

STATEMENTS_FAULT = "SQLITE_ERROR"
"""SQLite's name for an error in a statement. Python raises it with the class of transient errors, such as locks."""


def is_transient(error: BaseException) -> bool:
    """Return whether the same statement may succeed later."""
    if isinstance(error, OSError | TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate is not None:
        return str(sqlstate).startswith(TRANSIENT_SQLSTATES)
    if getattr(error.orig, "sqlite_errorname", None) == STATEMENTS_FAULT:
        return False
    return error.connection_invalidated or type(error.orig).__name__ in {"OperationalError", "InterfaceError"}


def is_serialization_failure(error: BaseException) -> bool:
    """Return whether the database ended this transaction because of another one (a deadlock)."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", "")).startswith("40")
