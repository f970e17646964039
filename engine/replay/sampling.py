"""Sampling: compare some learners to predict the size of the diff.

If it is large, the shadow's progress is copied while signals are still derived.
"""

from engine.limits import Limits
from engine.replay.diff import compare
from engine.replay.diff_queries import SchemaPair, learner_range, select_boundary
from engine.replay.shadow_tables import ShadowTables
from projections.tables import lms_progress


async def sample_differs(tables: ShadowTables, position: int, limits: Limits) -> bool:
    """Return whether the progress of more than a few of the first learners differs, by the log up to the seq
    `position`.

    With many learners it returns False, as nothing is copied early then.
    """
    schemas = SchemaPair(tables.shadow.live, tables.shadow.schema)
    async with tables.building.read() as connection:
        if await connection.scalar(select_boundary(schemas.shadow, "", limits.early_copy_learners)) is not None:
            return False
        last = await connection.scalar(select_boundary(schemas.shadow, "", limits.sampled_learners))
        compared = await compare(connection, schemas, learner_range("", last), position, [lms_progress])
    return len(compared.user_ids) > limits.in_place_learners
