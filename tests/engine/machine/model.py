"""The naive model: it keeps facts alone, and computes from them what every table must hold, as DESIGN section 2 says.

What it has to remember besides: what each signal was worth when it came to be, and which were announced.
"""

from collections.abc import Iterable
from datetime import datetime

from signals.course import CourseHistory, CourseVersion, Step
from signals.signal import Signal, SignalType
from signals.xp import XpValues
from tests.engine.expected import XP, Rows, proofs, tables
from tests.engine.machine.facts import Break
from tests.engine.machine.parked import FIRST_PAUSE, Parked
from tests.engine.support import INSTANT
from tests.engine.worlds import Fact
from tests.signals.definition import signals

Key = tuple[str, str]
"""(user_id, event_id)"""


class Model:
    """All that is true: what was done and published, what is broken, what signals are worth. `broken` is shared."""

    def __init__(self, broken: set[Break]) -> None:
        self.facts: dict[Key, Fact] = {}
        self.histories: dict[str, CourseHistory] = {}
        self.broken = broken
        self.parked: dict[Key, Parked] = {}
        self.xp_values: XpValues = {SignalType(kind): xp for kind, xp in XP.items()}
        self.earned: dict[str, int] = {}
        self.announced: set[tuple[str, str]] = set()

    def receive(self, fact: Fact, now: datetime) -> bool:
        """A fact as it is delivered; whether it is news. What has its key already is a duplicate of that."""
        key = (fact.envelope["user_id"], fact.envelope["event_id"])
        if key in self.facts:
            return False
        self.facts[key] = fact._replace(occurred_at=min(fact.occurred_at, now))
        for rule in self.rules_that_raise(key):
            self.parked[key] = Parked(rule, 0, now, now + FIRST_PAUSE)
        return True

    def change_rules(self, broken: set[Break]) -> None:
        """From now on, these are broken, and no others."""
        self.broken.clear()
        self.broken.update(broken)

    def rules_that_raise(self, key: Key) -> set[str]:
        """The rule that raises on the event as rules are now, if it does: no event has more than one."""
        kind, payload = self.facts[key].envelope["type"], self.facts[key].envelope["payload"]
        return {b.rule for b in self.broken if b.event_type == kind and payload[b.field] == b.value}

    def all_that_raises_is_parked(self) -> bool:
        """Whether a replay would take nothing away."""
        return all(key in self.parked or not self.rules_that_raise(key) for key in self.facts)

    def due(self, now: datetime) -> list[Key]:
        return [key for key, parked in self.parked.items() if parked.due_at and parked.due_at <= now]

    def retry(self, keys: Iterable[Key], now: datetime) -> tuple[int, int]:
        """Retries each of those once; how many succeeded, and how many failed again."""
        outcomes = [self.retry_one(key, now) for key in list(keys)]
        return outcomes.count(True), outcomes.count(False)

    def retry_one(self, key: Key, now: datetime) -> bool:
        parked = self.parked.pop(key)
        failed = bool(self.rules_that_raise(key))
        if failed:
            self.parked[key] = parked.failed_again(now)
        return not failed

    def published_at(self, course_id: str, title: str, steps: tuple[Step, ...], now: datetime) -> datetime | None:
        """When that version must be published: after all that occurred, and its last version; None if it is no news."""
        history = self.histories.get(course_id, ())
        if history and (history[-1].title, history[-1].steps) == (title, steps):
            return None
        before = [fact.occurred_at for fact in self.facts.values()] + [version.published_at for version in history]
        return max([now, *(instant + INSTANT for instant in before)])

    def publish(self, version: CourseVersion) -> None:
        self.histories[version.course_id] = (*self.histories.get(version.course_id, ()), version)

    def proving(self) -> list[Fact]:
        """What counts: all but what is parked."""
        return [fact for key, fact in self.facts.items() if key not in self.parked]

    def signals(self) -> set[Signal]:
        return signals([proof for fact in self.proving() for proof in proofs(fact)], list(self.histories.values()))

    def earn(self) -> set[str]:
        """Gives signals that are new what they are worth now, and announces them. Their ids."""
        there = {signal.signal_id: signal for signal in self.signals()}
        new = there.keys() - self.earned.keys()
        self.earned = {id_: self.earned.get(id_, self.xp_values[signal.type]) for id_, signal in there.items()}
        self.announced |= {(there[id_].user_id, id_) for id_ in new}
        return new

    def learners(self, user_id: str | None = None, course_id: str | None = None) -> set[str]:
        """Those who did something: all, or that one, or those who did it in a class that ever was in that course."""
        versions = self.histories[course_id] if course_id is not None else ()
        classes = {step.class_id for version in versions for step in version.steps}
        return {
            fact.envelope["user_id"]
            for fact in self.facts.values()
            if user_id in (None, fact.envelope["user_id"])
            and (course_id is None or fact.envelope["class_id"] in classes)
        }

    def replay(self, learners: set[str], now: datetime, *, announce: bool) -> None:
        """Rules run again, as they are now; signals are worth what they are worth now. What is new may be announced."""
        for key in self.facts:
            if key[0] in learners:
                parked = self.parked.pop(key, None)
                for rule in self.rules_that_raise(key):
                    self.parked[key] = parked or Parked(rule, 0, now, now + FIRST_PAUSE)
        earned, there = self.earned, {signal.signal_id: signal for signal in self.signals()}
        self.earned = {
            id_: self.xp_values[signal.type] if signal.user_id in learners else earned[id_]
            for id_, signal in there.items()
        }
        if announce:
            self.announced |= {(there[id_].user_id, id_) for id_ in there.keys() - earned.keys()}

    def xp_of(self, signal: Signal) -> int:
        return self.earned.get(signal.signal_id, self.xp_values[signal.type])

    def tables(self) -> dict[str, Rows]:
        """What each table must hold when nothing is left to be granted."""
        facts, histories = list(self.facts.values()), list(self.histories.values())
        return {
            **tables(facts, self.proving(), histories, self.xp_of),
            "lms_event": [logged(fact) for fact in facts],
            "lms_retry": [(*key, *parked, parked.status) for key, parked in self.parked.items()],
            "lms_outbox": list(self.announced),
        }


def logged(fact: Fact) -> tuple[object, ...]:
    names = ("user_id", "event_id", "type", "version", "class_id", "course_id", "payload")
    return (*(fact.envelope[name] for name in names), fact.occurred_at)
