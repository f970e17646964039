"""A line of the table: what was measured, against what, and whether that is enough."""

from typing import NamedTuple


class Goal(NamedTuple):
    """What a figure is to reach, and what is better still. `unit` is x (a ratio), ms or MB."""

    unit: str
    reach: float
    beyond: float
    at_least: bool = False

    def degree(self, value: float) -> int:
        """0 if `value` does not reach it, 1 if it does, 2 if it is beyond."""
        sign = 1 if self.at_least else -1
        return sum(sign * value >= sign * limit for limit in (self.reach, self.beyond))


class Figure(NamedTuple):
    """A measured value with its goal."""

    value: float
    goal: Goal


class Result(NamedTuple):
    """One line: `ours` and `against` are rates or times in words, `figures` what is judged.

    `notes` are further figures of the same run, in words.
    """

    row: str
    work: str
    ours: str
    against: str
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()

    @property
    def degree(self) -> int:
        """That of the figure that is worst off."""
        return min(goal.degree(value) for value, goal in self.figures)


class WrongResultError(Exception):
    """What was measured did not do what it was to do, so its speed means nothing."""


def same(what: str, found: object, expected: object) -> None:
    """Raises WrongResult unless they are equal."""
    if found != expected:
        raise WrongResultError(f"{what}: expected {expected}, found {found}")


def between(what: str, found: int, least: int, most: int) -> None:
    """Raises WrongResult unless `found` lies within."""
    if not least <= found <= most:
        raise WrongResultError(f"{what}: expected {least} to {most}, found {found}")
