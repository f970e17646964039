"""A range of learners, folded by the database into a shadow, with what follows from their log beside progress.

What it cannot say is few, as a rule; Python folds it after.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Integer, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.project import Context
from eventstore.batch import batch
from eventstore.database import Database
from eventstore.dialects import insert, utc_day
from eventstore.tables import lms_event, lms_event_daily, lms_learner, lms_progress
from projections.fold import ProgressKey, rules_in_use
from projections.fold_in_columns import PROVED, lms_folded, select_folded
from signals.course_store import Courses

_e = lms_event.c
_f = lms_folded.c
_shown = batch("shown", lms_progress.c.class_id, lms_progress.c.course_id)

INSERT_PROGRESS = insert(lms_progress).from_select(
    ["user_id", "class_id", "course_id", "named_course_id", *PROVED],
    select(_f.user_id, _f.class_id, func.coalesce(_f.course_id, _shown.c.course_id), _f.course_id)
    .add_columns(*(_f[name] for name in PROVED))
    .outerjoin_from(lms_folded, _shown, _f.class_id == _shown.c.class_id),
)
"""What was folded becomes progress, under the course that a class is shown under where events name none."""

INSERT_LEARNERS = insert(lms_learner).from_select(
    ["user_id", "last_activity_at"], select(_f.user_id, func.max(_f.last_activity_at)).group_by(_f.user_id)
)
"""The learners of what was folded."""

SUMS = select(func.coalesce(func.sum(_f.events), 0), func.coalesce(func.sum(_f.unsaid), 0))
"""How many events were folded, and how many of them the database could not read."""

SELECT_UNSAID = select(_f.user_id, _f.class_id).where(_f.unsaid > 0).limit(bindparam("most"))
"""Where the database could not read all."""

_day = utc_day(_e.occurred_at)
INSERT_DAILY = insert(lms_event_daily).from_select(
    ["day", "type", "shard", "events"],
    select(_day, _e.type, bindparam("shard", type_=Integer), func.count())
    .where(_e.seq <= bindparam("last"))
    .group_by(_day, _e.type),
)
"""Counts the events up to a seq by day and type."""


class Range(NamedTuple):
    """The learners with `after` < user_id <= `until`, or all `after`; their events up to the seq `last`."""

    after: str
    until: str | None
    last: int


class Folded(NamedTuple):
    """So many events are folded, of which so many are `unsaid`: those of `keys`, or of more than were asked for."""

    events: int
    unsaid: int
    keys: Sequence[ProgressKey]


async def fold_range(shadow: Database, piece: Range, courses: Courses, most: int) -> Folded:
    """Folds a range into the shadow, which has nothing of it yet. Raises DBAPIError for data that it refuses."""

    async def stage(connection: AsyncConnection) -> None:
        await connection.run_sync(lms_folded.create, checkfirst=False)
        folded = insert(lms_folded).from_select(list(_f.keys()), select_folded(rules_in_use()))
        await connection.execute(folded, piece._asdict())

    async with shadow.write_staged(stage) as connection:
        await connection.execute(INSERT_PROGRESS, {"shown": shown(courses)})
        await connection.execute(INSERT_LEARNERS)
        events, unsaid = map(int, (await connection.execute(SUMS)).one())  # PostgreSQL adds up to a Decimal
        keys = [(user_id, class_id) for user_id, class_id in await connection.execute(SELECT_UNSAID, {"most": most})]
        await connection.run_sync(lms_folded.drop, checkfirst=False)
    return Folded(events, unsaid, keys)


async def count_days(shadow: Database, last: int, context: Context) -> None:
    """The daily counts of all events up to the seq `last`, into the shadow, which has none yet."""
    async with shadow.write_apart() as connection:
        await connection.execute(INSERT_DAILY, {"last": last, "shard": context.shard})


def shown(courses: Courses) -> list[tuple[str, str]]:
    """The course that each class is shown under where events name none."""
    classes = {step for history in courses.histories.values() for version in history for step in version.class_ids}
    under = ((class_id, courses.shown_under(class_id)) for class_id in sorted(classes))
    return [(class_id, course_id) for class_id, course_id in under if course_id is not None]
