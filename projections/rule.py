"""A rule: a pure function from one event to the partial Progress that it proves. The decorator registers it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from eventstore.event_type import EventType
from projections.progress import Progress

Apply = TypeVar("Apply", bound=Callable[[Any, datetime], Progress])


class Rule(NamedTuple):
    """A rule: `apply(payload, occurred_at)` for events of `event_type`. Retries refer to it by `name`."""

    name: str
    event_type: str
    apply: Callable[[Any, datetime], Progress]


registered: list[Rule] = []
"""The rules of all modules in `projections/rules` that are imported."""


def rule(event_type: EventType) -> Callable[[Apply], Apply]:
    """Register a function as the rule of its name, for events of that type."""

    def register(apply: Apply) -> Apply:
        registered.append(Rule(apply.__name__, event_type.name, apply))
        return apply

    return register
