"""The derived tables that facts must lead to, computed with nothing of the engine's.

Signals come from the brute-force definition; progress, XP and the roll-ups are plain sums over the facts.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from signals.course import CourseHistory, CourseVersion
from signals.signal import Signal
from tests.engine.worlds import Fact, World, published_at
from tests.signals.definition import Proof, signals

XP = {"VIDEO_COMPLETED": 10, "QUIZ_PASSED": 20, "STEP_COMPLETED": 30, "COURSE_COMPLETED": 100}

Rows = list[tuple[Any, ...]]


def expected(world: World) -> dict[str, Rows]:
    """As `tests.support.derived.derived` gives them."""
    return tables(world.facts, world.facts, course_histories(world), usual_xp)


def usual_xp(signal: Signal) -> int:
    return XP[signal.type]


def tables(
    facts: Collection[Fact],
    proving: Collection[Fact],
    histories: Collection[CourseHistory],
    xp_of: Callable[[Signal], int],
) -> dict[str, Rows]:
    """The same of facts of which only some are `proving` anything: no rule could take the others."""
    granted = signals([proof for fact in proving for proof in proofs(fact)], histories)
    rows = {
        "lms_progress": progress_rows(facts, proving, histories),
        "lms_signal": [(s.signal_id, *s, xp_of(s)) for s in granted],
        "lms_xp": [(*place, xp) for place, xp in xp(granted, xp_of).items() if xp],
        "lms_learner": [(user, max(f.occurred_at for f in theirs)) for (user,), theirs in by(facts, "user_id")],
        "v_event_daily_stats": [(*key, number) for key, number in daily(facts).items()],
    }
    levels = Counter(place[1:] for place in rows["lms_xp"])
    rows["lms_xp_histogram"] = [(*level, learners) for level, learners in levels.items()]
    return {name: sorted(found, key=repr) for name, found in rows.items()}


def course_histories(world: World) -> list[CourseHistory]:
    """What the publications amount to: one that repeats the version in force publishes nothing."""
    histories: dict[str, CourseHistory] = {}
    for slot, (course_id, steps) in enumerate(world.publications):
        history = histories.get(course_id, ())
        if not history or history[-1].steps != steps:
            version = CourseVersion(course_id, len(history) + 1, "", steps, published_at(slot))
            histories[course_id] = (*history, version)
    return list(histories.values())


def proofs(fact: Fact) -> Iterator[Proof]:
    envelope, payload = fact.envelope, fact.envelope["payload"]
    if envelope["type"] == "VIDEO_PING" and payload["position"] >= 90:
        yield Proof(envelope["user_id"], envelope["class_id"], "video", fact.occurred_at)
    if envelope["type"] == "QUIZ_SUBMIT" and payload["passed"]:
        yield Proof(envelope["user_id"], envelope["class_id"], "quiz", fact.occurred_at)


def progress_rows(facts: Iterable[Fact], proving: Iterable[Fact], histories: Iterable[CourseHistory]) -> Rows:
    containing = {
        class_id: min(h[0].course_id for h in histories if class_id in {s.class_id for s in h[-1].steps})
        for class_id in {step.class_id for history in histories for step in history[-1].steps}
    }
    evidence = dict(by(proving, "user_id", "class_id"))
    rows = []
    for (user_id, class_id), theirs in by(facts, "user_id", "class_id"):
        named = min((f.envelope["course_id"] for f in theirs if f.envelope["course_id"]), default=None)
        taken = evidence.get((user_id, class_id), [])
        proved = [proof for fact in taken for proof in proofs(fact)]
        positions = [int(fact.envelope["payload"].get("position", 0)) for fact in taken]
        scores = [int(f.envelope["payload"]["score"]) for f in taken if "score" in f.envelope["payload"]]
        rows.append(
            (
                user_id,
                class_id,
                named or containing.get(class_id),
                named,
                max(positions, default=0),
                earliest(proved, "video"),
                max(scores, default=None),
                earliest(proved, "quiz"),
            )
        )
    return rows


def earliest(proved: Iterable[Proof], what: str) -> datetime | None:
    return min((proof.at for proof in proved if proof.what == what), default=None)


def xp(granted: Iterable[Signal], xp_of: Callable[[Signal], int] = usual_xp) -> Counter[tuple[str, str, str]]:
    """By learner, course ('' for all) and period."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for signal in granted:
        periods = ("all", f"{signal.occurred_at:%G-W%V}", f"{signal.occurred_at:%Y-%m}")
        courses = ("",) if signal.course_id is None else ("", signal.course_id)
        sums.update({(signal.user_id, c, period): xp_of(signal) for c in courses for period in periods})
    return sums


def daily(facts: Iterable[Fact]) -> Counter[tuple[object, str]]:
    return Counter((fact.occurred_at.date(), fact.envelope["type"]) for fact in facts)


def by(facts: Iterable[Fact], *names: str) -> list[tuple[tuple[Any, ...], list[Fact]]]:
    """The facts by those parts of their envelopes."""
    groups: dict[tuple[Any, ...], list[Fact]] = {}
    for fact in facts:
        groups.setdefault(tuple(fact.envelope[name] for name in names), []).append(fact)
    return list(groups.items())
