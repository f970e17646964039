"""`lms-progress verify`: compares the derived tables with the log, and repairs them on request."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing
from random import SystemRandom
from typing import Annotated

import typer

from bootstrap.composition import open_database
from bootstrap.settings import Settings, load
from cli.console import echo, echo_err, phase_progress
from engine.engine import Engine
from engine.verify.daily_counts import DAILY, repair_daily
from engine.verify.repair import repair_learners
from engine.verify.table_diff import Difference
from engine.verify.verify import Sample, verify, verify_learners, verify_roll_up
from engine.verify.xp_histogram import HISTOGRAM, repair_histogram

MEND = {DAILY: repair_daily, HISTOGRAM: repair_histogram}
"""The repair of each roll-up that belongs to no learner."""

LINES = 2_000
"""The number of differences that are named one by one."""


def verify_command(
    sample: Annotated[int | None, typer.Option(min=1, help="Only this many random learners")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what differs")] = False,  # noqa: FBT002
) -> None:
    """Fold the log again, and print every difference in progress, signals, XP, counts and parked events.

    Servers may run meanwhile. The exit code is 1 if anything differs; with --repair, if anything still differs
    after the repair. Nothing is sent to other systems. After a change of a rule or of the XP settings, all rows
    that it concerns differ until they are repaired or replayed.

    \b
    lms-progress verify
    lms-progress verify --sample 100
    lms-progress verify --repair
    """
    verifying = VerifyRun(load(), repair=repair)
    asyncio.run(verifying.run(sample))
    verifying.sum_up()
    if verifying.left:
        raise typer.Exit(1)


class VerifyRun:
    """A run of the command, with its findings so far."""

    def __init__(self, settings: Settings, *, repair: bool) -> None:
        self._settings = settings
        self._repair = repair
        self._out = sys.stdout
        self.learners = 0
        self.lines = 0
        self.differing = 0
        self.left = 0

    async def run(self, sample: int | None) -> None:
        """Verify everything, or a sample of that many learners."""
        chosen = Sample(sample, SystemRandom()) if sample is not None else None
        async with open_database(self._settings) as database:
            engine = Engine(database, self._settings.xp_values)
            with phase_progress() as bar:

                def watch(stage: str, done: int, total: int) -> None:
                    self.learners = done
                    bar(stage, done, total)

                async with aclosing(verify(database, engine.context, engine.clock, watch, chosen)) as found:
                    async for differences in found:
                        self.name(differences)
                        left = await run_repair(engine, differences) if self._repair else differences
                        self.left += rows(left)

    def name(self, differences: Sequence[Difference]) -> None:
        """Print a line each, as long as there are not too many: above the bar in a terminal."""
        self.differing += rows(differences)
        for difference in differences[: max(0, LINES - self.lines)]:
            print(difference, file=None if self._out.isatty() else self._out, flush=True)
        self.lines += len(differences)

    def sum_up(self) -> None:
        """Print the last lines: the numbers, and what became of the differences."""
        if self.lines > LINES:
            echo(f"and {self.lines - LINES:,} more")
        echo(f"learners {self.learners:,}   rows differing {self.differing:,}")
        if self._repair:
            echo(f"repaired {self.differing - self.left:,}   still differing {self.left:,}")
        elif self.differing:
            echo_err("Repair them: lms-progress verify --repair")


async def run_repair(engine: Engine, differences: Sequence[Difference]) -> list[Difference]:
    """Repair what differs. Return what still differs when verified again."""
    database, context, clock = engine.database, engine.context, engine.clock
    roll_up = differences[0].table
    if roll_up in MEND:
        await MEND[roll_up](database, context)
        return await verify_roll_up(database, roll_up)
    learners = sorted({difference.key[0] for difference in differences})
    mended = await repair_learners(database, learners, context, clock, announce=False)
    for user_id in mended.refused:
        echo_err(f"not repaired: the database rejects the rows of learner {user_id!r}")
    return await verify_learners(database, learners, context, clock)


def rows(differences: Sequence[Difference]) -> int:
    """Return the number of rows that differ."""
    return len({(difference.table, difference.key) for difference in differences})
