"""Folding events into progress: run every rule on every event, and merge what each proves.

A rule that raises takes nothing down with it: the event and the error come back, to be parked and retried.
"""

from collections.abc import Iterable, Sequence
from inspect import signature
from typing import NamedTuple

from eventstore.event import Event
from eventstore.registry import current_payload
from projections.progress import EMPTY, Progress, merge
from projections.rules import RULES, Rule

ProgressKey = tuple[str, str]
"""(user_id, class_id)"""


class RuleFailure(NamedTuple):
    """A rule raised `error` on `event`."""

    event: Event
    rule: str
    error: Exception


class Fold(NamedTuple):
    """What some events prove, by learner and class, and what could not be read from them."""

    progress: dict[ProgressKey, Progress]
    failures: list[RuleFailure]


def fold(events: Iterable[Event], rules: Sequence[Rule] = RULES) -> Fold:
    """What `events` prove together. The same whatever their order."""
    progress: dict[ProgressKey, Progress] = {}
    failures: list[RuleFailure] = []
    by_type = _by_type(rules)
    for event in events:
        key = (event.user_id, event.class_id)
        proved = _proved(by_type.get(event.type, ()), event, failures)
        known = progress.get(key)
        progress[key] = proved if known is None else merge(known, proved)
    return Fold(progress, failures)


def rules_in_use() -> Sequence[Rule]:
    """Those that `fold` runs where none are given."""
    rules: Sequence[Rule] = signature(fold).parameters["rules"].default
    return rules


def _by_type(rules: Sequence[Rule]) -> dict[str, list[Rule]]:
    by_type: dict[str, list[Rule]] = {}
    for rule in rules:
        by_type.setdefault(rule.event_type, []).append(rule)
    return by_type


def _proved(rules: Sequence[Rule], event: Event, failures: list[RuleFailure]) -> Progress:
    """What the event proves by all its rules, and by the course that it names."""
    proved = Progress(event.course_id)
    for rule in rules:
        try:
            by_rule = rule.apply(current_payload(event), event.occurred_at)
        except Exception as error:  # whatever a rule raises, the other events are not to blame
            failures.append(RuleFailure(event, rule.name, error))
        else:
            proved = by_rule if proved == EMPTY else merge(proved, by_rule)
    return proved
