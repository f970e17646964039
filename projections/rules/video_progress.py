"""video_progress: how far a learner got in a class's video, and whether that counts as having seen it."""

from datetime import datetime
from decimal import Decimal
from math import floor

from eventstore.types.video_ping import VideoPing
from projections.progress import Progress

COMPLETE_SHARE = Decimal("0.9")


def video_progress(ping: VideoPing, occurred_at: datetime) -> Progress:
    """The position in whole seconds; completed then, if at least 90 % of the duration."""
    return Progress(
        video_max_position_sec=floor(ping.position),
        video_completed_at=occurred_at if completes(ping) else None,
    )


def completes(ping: VideoPing) -> bool:
    """In decimals, as the numbers were written: in binary, 0.99 is less than 90 % of 1.1."""
    return Decimal(repr(ping.position)) >= COMPLETE_SHARE * Decimal(repr(ping.duration))
