"""video_progress: how far a learner got in a class's video, and when it was first completed."""

from datetime import datetime
from decimal import Decimal

from eventstore.types.video_ping import VIDEO_PING, VideoPing
from projections.progress import Progress
from projections.rule import rule
from projections.sql_fold.expressions import floor, if_then, ratio_at_least, sql_translatable

COMPLETE_SHARE = Decimal("0.9")


@rule(VIDEO_PING)
@sql_translatable
def video_progress(ping: VideoPing, occurred_at: datetime) -> Progress:
    """Prove the position in whole seconds, and completion at that time from 90 % of the duration."""
    return Progress(
        video_max_position_sec=floor(ping.position),
        video_completed_at=if_then(ratio_at_least(ping.position, COMPLETE_SHARE, ping.duration), occurred_at),
    )
