"""Trouble with the database: which errors will pass, and which are the fault of what was asked."""

from sqlalchemy.exc import DBAPIError

TRANSIENT_SQLSTATES = ("08", "40", "53", "55P03", "57", "58", "XX")
"""Lost connections, deadlocks, no space or memory or connections left, locks, shutdown, the disk, the server itself."""

STATEMENTS_FAULT = "SQLITE_ERROR"
"""SQLite's name for a statement that is wrong. Python gives it the class of what will pass, such as a lock."""


def is_transient(error: BaseException) -> bool:
    """Whether the same statement may well succeed later: it is the database's trouble and not the data's."""
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
    """Whether the database ended this transaction for another one's sake (a deadlock)."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", "")).startswith("40")
