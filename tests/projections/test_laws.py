"""The laws that all else rests on: progress is a join, for every field, every rule and every way to fold.

Rules and fields yet to come are held to them with no change here.
"""

from datetime import datetime
from typing import get_type_hints

import pytest
from hypothesis import find, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic_core import to_json

from eventstore.event import Event
from eventstore.registry import EVENT_TYPES
from projections.fold import Fold, ProgressKey, fold
from projections.progress import EMPTY, Progress, merge
from projections.rule import Rule
from projections.rules import RULES
from tests.eventstore.payloads import PAYLOADS
from tests.signals.histories import COURSES, START, instants, progress


@st.composite
def events(draw: st.DrawFn, of_type: str | None = None) -> Event:
    """An event of one of two learners in one of two classes."""
    kind = of_type or draw(st.sampled_from(sorted(EVENT_TYPES)))
    return Event(
        event_id=str(draw(st.uuids())),
        type=kind,
        version=EVENT_TYPES[kind].newest,
        user_id=draw(st.sampled_from(["ada", "bob"])),
        class_id=draw(st.sampled_from(["a", "b"])),
        course_id=draw(st.none() | st.sampled_from(COURSES)),
        payload=to_json(draw(PAYLOADS[kind])).decode(),
        occurred_at=draw(instants),
        recorded_at=START,
        source="test",
        correlation_id=None,
    )


def proved_by(rule: Rule) -> SearchStrategy[Progress]:
    """All that a rule may return."""
    kind = EVENT_TYPES[rule.event_type]

    def prove(payload: dict[str, object], occurred_at: datetime) -> Progress:
        return rule.apply(kind.current(kind.newest, to_json(payload).decode()), occurred_at)

    return st.builds(prove, PAYLOADS[rule.event_type], instants)


def assert_laws(a: Progress, b: Progress, c: Progress) -> None:
    assert merge(a, merge(b, c)) == merge(merge(a, b), c), "associative"
    assert merge(a, b) == merge(b, a), "commutative"
    assert merge(a, a) == a, "idempotent"
    assert merge(a, EMPTY) == merge(EMPTY, a) == a, "NOTHING is its identity"


def folded(all_events: list[Event]) -> dict[ProgressKey, Progress]:
    result = fold(all_events)
    assert result.failures == []
    return result.progress


def joined(*folds: Fold) -> dict[ProgressKey, Progress]:
    """Batches folded apart, then merged."""
    result: dict[ProgressKey, Progress] = {}
    for one in folds:
        for key, proved in one.progress.items():
            result[key] = merge(result.get(key, EMPTY), proved)
    return result


@given(progress, progress, progress)
def test_merge_is_a_join(a: Progress, b: Progress, c: Progress) -> None:
    assert_laws(a, b, c)


@pytest.mark.parametrize("name", Progress._fields)
@given(data=st.data())
def test_merge_keeps_what_only_one_side_knows_of(name: str, data: st.DataObject) -> None:
    known = data.draw(progress.filter(lambda drawn: getattr(drawn, name) != getattr(EMPTY, name)))
    unknown = known._replace(**{name: getattr(EMPTY, name)})

    assert getattr(merge(known, unknown), name) == getattr(known, name)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@given(data=st.data())
def test_what_a_rule_proves_keeps_the_laws(rule: Rule, data: st.DataObject) -> None:
    proved = proved_by(rule)

    assert_laws(data.draw(proved), data.draw(proved), data.draw(proved))


@pytest.mark.parametrize("name", get_type_hints(Progress))
def test_every_field_is_reached_by_some_event(name: str) -> None:
    """Else the laws would hold for a field that no rule fills, and say nothing."""

    def reaches(event: Event) -> bool:
        return any(getattr(proved, name) != getattr(EMPTY, name) for proved in folded([event]).values())

    assert reaches(find(events(), reaches))


def test_every_rule_is_for_a_type_that_there_is() -> None:
    assert {rule.event_type for rule in RULES} == set(EVENT_TYPES)


@given(st.lists(events()), st.data())
def test_fold_is_the_same_for_any_order_and_repetition(some: list[Event], data: st.DataObject) -> None:
    repeated = data.draw(st.lists(st.sampled_from(some))) if some else []
    delivered = data.draw(st.permutations(some + repeated))

    assert folded(delivered) == folded(some)


@given(st.lists(events()), st.lists(events()))
def test_fold_in_batches_and_merged_is_fold_at_once(one: list[Event], other: list[Event]) -> None:
    assert joined(fold(one), fold(other), fold(one)) == folded(one + other)
