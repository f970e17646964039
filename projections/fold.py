"""Folding events into progress: run every rule on every event, and merge the results.

An event on which a rule raises does not stop the others: it comes back with the error, to be parked and retried.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from eventstore.event import Event
from eventstore.registry import current_payload
from projections.progress import EMPTY, Progress, merge
from projections.rule import Rule
from projections.rules import RULES

ProgressKey = tuple[str, str]
"""(user_id, class_id)"""


class RuleFailure(NamedTuple):
    """The `error` that a rule raised on an `event`."""

    event: Event
    rule: str
    error: Exception


class Fold(NamedTuple):
    """The progress that events prove, by learner and class, and the failures of rules."""

    progress: dict[ProgressKey, Progress]
    failures: list[RuleFailure]


def fold(events: Iterable[Event], rules: Sequence[Rule] = RULES) -> Fold:
    """Return what `events` prove together. Their order does not matter."""
    progress: dict[ProgressKey, Progress] = {}
    failures: list[RuleFailure] = []
    by_type = _by_type(rules)
    for event in events:
        key = (event.user_id, event.class_id)
        proved = _proved(by_type.get(event.type, ()), event, failures)
        before = progress.get(key)
        progress[key] = proved if before is None else merge(before, proved)
    return Fold(progress, failures)


def _by_type(rules: Sequence[Rule]) -> dict[str, list[Rule]]:
    by_type: dict[str, list[Rule]] = {}
    for rule in rules:
        by_type.setdefault(rule.event_type, []).append(rule)
    return by_type


def _proved(rules: Sequence[Rule], event: Event, failures: list[RuleFailure]) -> Progress:
    """Return what the event proves by all its rules, and by the course that it names."""
    proved = Progress(event.course_id)
    for rule in rules:
        try:
            by_rule = rule.apply(current_payload(event), event.occurred_at)
        except Exception as error:  # an error of a rule must not concern the other events
            failures.append(RuleFailure(event, rule.name, error))
        else:
            proved = by_rule if proved == EMPTY else merge(proved, by_rule)
    return proved
