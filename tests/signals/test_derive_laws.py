"""Laws of derive: it is the definition, it moves only forward, and nothing that was granted is taken away."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.progress import EMPTY, Progress, merge
from signals.course import CourseHistory, CourseVersion, Step
from signals.derive import END, derive
from signals.signal import Signal
from tests.signals.definition import Proof
from tests.signals.definition import signals as defined
from tests.signals.histories import histories, learner, steps_of_a_version

law = settings(max_examples=300)


def derived(progress: Mapping[str, Progress], *courses: CourseHistory) -> set[Signal]:
    return set(derive("ada", progress, progress, courses))


def proofs(progress: Mapping[str, Progress]) -> list[Proof]:
    """What a learner's progress says was proved, and when."""
    return [
        Proof("ada", class_id, what, instant)
        for class_id, known in progress.items()
        for what, instant in (("video", known.video_completed_at), ("quiz", known.quiz_passed_at))
        if instant is not None
    ]


def no_later(signals: set[Signal], before: set[Signal]) -> bool:
    """Whether each signal of `before` is there, at the same time or an earlier one."""
    times = {signal.signal_id: signal.occurred_at for signal in signals}
    return all(times.get(signal.signal_id, END) <= signal.occurred_at for signal in before)


@law
@given(learner, histories("x"), histories("y"))
def test_derive_is_the_definition(progress: dict[str, Progress], x: CourseHistory, y: CourseHistory) -> None:
    assert derived(progress, x, y) == defined(proofs(progress), [x, y])


@law
@given(learner, histories())
def test_each_signal_is_derived_once(progress: dict[str, Progress], history: CourseHistory) -> None:
    signals = list(derive("ada", progress, progress, [history]))

    assert len({signal.signal_id for signal in signals}) == len(signals)


@law
@given(learner, learner, histories())
def test_signals_only_come_and_move_earlier_as_progress_grows(
    before: dict[str, Progress], more: dict[str, Progress], history: CourseHistory
) -> None:
    grown = {
        class_id: merge(before.get(class_id, EMPTY), more.get(class_id, EMPTY))
        for class_id in before.keys() | more.keys()
    }

    assert no_later(derived(grown, history), derived(before, history))


@law
@given(learner, histories(), steps_of_a_version, st.data())
def test_publishing_after_everything_that_was_recorded_takes_nothing_away_and_moves_nothing(
    progress: dict[str, Progress], history: CourseHistory, steps: tuple[Step, ...], data: st.DataObject
) -> None:
    last = max([history[-1].published_at, *(proof.at for proof in proofs(progress))])
    gap = data.draw(st.timedeltas(min_value=END.resolution, max_value=END.resolution * 3))
    longer = (*history, CourseVersion("x", len(history) + 1, "", steps, last + gap))

    assert derived(progress, longer) >= derived(progress, history)


@law
@given(learner, histories(max_size=1), histories(max_size=1))
def test_when_the_first_version_was_published_does_not_matter(
    progress: dict[str, Progress], early: CourseHistory, late: CourseHistory
) -> None:
    moved = (early[0]._replace(published_at=late[0].published_at),)

    assert derived(progress, moved) == derived(progress, early)
