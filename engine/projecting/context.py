"""The context of projecting: everything that it needs besides the events."""

from collections.abc import Sequence
from typing import NamedTuple

from engine.limits import DEFAULT_LIMITS, Limits
from projections.rule import Rule
from projections.rules import RULES
from signals.course_catalog import CourseCache
from signals.xp import XpValues

SHARDS = 16
"""Counters that all processes add to are spread over this many rows."""


class Context(NamedTuple):
    """The courses, the XP of each signal type, the shard that this process counts under, the limits and the rules.

    `announces` is false in a replay: its new signals are not announced to other systems.
    """

    courses: CourseCache
    xp_values: XpValues
    shard: int
    announces: bool = True
    limits: Limits = DEFAULT_LIMITS
    rules: Sequence[Rule] = RULES
