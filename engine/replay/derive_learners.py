"""Deriving the signals and XP of chunks of learners from the progress in a shadow, in any worker process."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import bindparam, or_, select

from engine.projecting.context import Context
from engine.verify.expected_rows import signals_of
from eventstore.db import insert_rows, time_encoder
from eventstore.db.database import Database
from projections.progress import Progress
from projections.tables import lms_progress, lms_xp
from signals import store as signal_store
from signals.course_catalog import CourseCatalog
from signals.signal import Signal
from signals.tables import lms_signal
from signals.xp import XpDelta, XpValues, totals_by_learner

_p = lms_progress.c

SELECT_COMPLETED = (
    select(_p.user_id, _p.class_id, _p.video_completed_at, _p.quiz_passed_at)
    .where(_p.user_id > bindparam("after"), _p.user_id <= bindparam("until"))
    .where(or_(_p.video_completed_at.is_not(None), _p.quiz_passed_at.is_not(None)))
    .order_by(_p.user_id)
)
"""The progress of a range of learners from which signals can follow: something completed or passed."""


class LearnerChunk(NamedTuple):
    """The learners with `after` < user_id <= `until`."""

    after: str
    until: str


async def derive_chunk(shadow: Database, chunk: LearnerChunk, context: Context, _now: datetime) -> None:
    """Derive all signals and XP of a chunk of learners, of whom the shadow has neither."""
    async with shadow.read() as connection:
        courses = await context.courses.courses(connection)
        completed = (await connection.execute(SELECT_COMPLETED, chunk._asdict())).all()
    signals = derived(completed, courses)
    rows = signal_store.to_rows(signals, context.xp_values, time_encoder(shadow.engine.dialect))
    places = xp_rows(signals, context.xp_values)
    async with (
        shadow.write_without_course_lock() as connection
    ):  # others may wait for this transaction, so all rows are computed before it
        await insert_rows(connection, lms_signal, rows)
        await insert_rows(connection, lms_xp, places)


def derived(completed: Iterable[Any], courses: CourseCatalog) -> list[Signal]:
    """Return all signals of the learners in rows of `SELECT_COMPLETED`."""
    signals: list[Signal] = []
    for user_id, rows in groupby(completed, key=itemgetter(0)):
        progress = {
            class_id: Progress(video_completed_at=video, quiz_passed_at=quiz) for _, class_id, video, quiz in rows
        }
        signals += signals_of(user_id, progress, courses)
    return signals


def xp_rows(signals: Iterable[Signal], xp_values: XpValues) -> list[tuple[str, str, str, int]]:
    """Return the XP of these learners on each leaderboard, in the order of the key."""
    earned = totals_by_learner(XpDelta(signal, xp_values[signal.type]) for signal in signals)
    return [(user_id, *board, xp) for user_id in sorted(earned) for board, xp in sorted(earned[user_id].items()) if xp]
