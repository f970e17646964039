"""How a log tells of a fault of ours while a message is handled: never by the error's own words, which may quote it."""

from traceback import extract_tb


def fault(error: BaseException) -> str:
    """The kind of error, and where it was raised: `KeyError in translate.py, line 12; consumer.py, line 90`."""
    places = [f"{frame.filename.rpartition('/')[2]}, line {frame.lineno}" for frame in extract_tb(error.__traceback__)]
    return f"{type(error).__name__} in {'; '.join(reversed(places)) or 'no place that is known'}"
