"""Folding events into progress: run every rule on every event, and merge what each proves.

A rule that raises takes nothing down with it: the event and the error come back, to be parked and retried.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from eventstore.event import Event
from eventstore.registry import current_payload
from projections.progress import NOTHING, Progress, merge
from projections.rules import RULES, Rule

ProgressKey = tuple[str, str]
"""(user_id, class_id)"""


class Failure(NamedTuple):
    """A rule raised `error` on `event`."""

    event: Event
    rule: str
    error: Exception


class Fold(NamedTuple):
    """What some events prove, by learner and class, and what could not be read from them."""

    progress: dict[ProgressKey, Progress]
    failures: list[Failure]


def fold(events: Iterable[Event], rules: Sequence[Rule] = RULES) -> Fold:
    """What `events` prove together. The same whatever their order."""
    result = Fold({}, [])
    for event in events:
        key = (event.user_id, event.class_id)
        named = Progress(course_id=event.course_id)
        result.progress[key] = merge(result.progress.get(key, NOTHING), named)
        for rule in rules:
            if rule.event_type == event.type:
                _apply(rule, event, key, result)
    return result


def _apply(rule: Rule, event: Event, key: ProgressKey, result: Fold) -> None:
    try:
        proved = rule.prove(current_payload(event), event.occurred_at)
    except Exception as error:  # whatever a rule raises, the other events are not to blame
        result.failures.append(Failure(event, rule.name, error))
    else:
        result.progress[key] = merge(result.progress[key], proved)
