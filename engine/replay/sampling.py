"""Probing: whether what was folded is so much other than what is live that all of it is to be swapped in.

Some learners tell. So what is folded is brought while the rest is still derived, by a process that would wait.
"""

from engine.replay.diff import compare
from engine.replay.diff_queries import SchemaPair, learner_range, select_boundary
from engine.replay.shadow_tables import ShadowTables
from eventstore.tables import lms_progress

FEW_LEARNERS = 100
"""The rows of so many can be taken over while nobody appends."""

PROBED_LEARNERS = 4 * FEW_LEARNERS

MOST_LEARNERS = 10_000
"""Of more, nothing is brought beside deriving: SQLite's log only grows as long as there is always somebody reading."""


async def sample_differs(tables: ShadowTables, position: int) -> bool:
    """Whether the progress of more than a few among the first learners differs, by the log up to the seq `position`.

    Never of many learners.
    """
    sides = SchemaPair(tables.shadow.live, tables.shadow.schema)
    async with tables.building.read() as connection:
        if await connection.scalar(select_boundary(sides.shadow, "", MOST_LEARNERS)) is not None:
            return False
        last = await connection.scalar(select_boundary(sides.shadow, "", PROBED_LEARNERS))
        compared = await compare(connection, sides, learner_range("", last), position, [lms_progress])
    return not fits_in_place(len(compared.user_ids))


def fits_in_place(learners: int) -> bool:
    """Whether so many who differ are taken over one by one, and nothing is swapped in for them."""
    return learners <= FEW_LEARNERS
