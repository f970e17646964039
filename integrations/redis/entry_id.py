"""The id that Redis gives an entry, `1764590400123-0`: its time in milliseconds, and a count within them."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


def time_of(entry_id: str) -> datetime:
    """When an entry was added, in UTC; its count serves as microseconds, so that of two entries the later is later.

    Senders may choose ids as they like: one beyond the calendar is the last instant that there is.
    """
    milliseconds, _, count = entry_id.partition("-")
    try:
        return EPOCH + timedelta(milliseconds=int(milliseconds), microseconds=min(int(count), 999))
    except OverflowError:
        return LAST
