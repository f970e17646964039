"""The enrolments of learners, as other systems sent them."""

from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from signals.tables import lms_enrolment

_e = lms_enrolment.c

SELECT_LEARNER = select(_e.course_id, _e.enrolled_at).where(_e.user_id == bindparam("user_id"))
"""All enrolments of one learner."""


async def read_learner(connection: AsyncConnection, user_id: str) -> dict[str, datetime]:
    """Return when the learner was enrolled, by course, published or not."""
    rows = (await connection.execute(SELECT_LEARNER, {"user_id": user_id})).all()
    return dict(rows)
