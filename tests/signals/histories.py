"""Course histories and progress to draw: steps come, go and change what they need; versions are empty.

Few classes and few instants, so that what is drawn meets.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_type_hints

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from projections.progress import Progress
from signals.course import CourseHistory, CourseVersion, Step

CLASSES = ("a", "b", "c")
COURSES = ("x", "y")
START = datetime(2026, 11, 28, tzinfo=UTC)

instants = st.integers(0, 8).map(lambda number: START + number * timedelta(hours=9))

VALUES: dict[object, SearchStrategy[Any]] = {
    frozenset[str]: st.frozensets(st.sampled_from(["a", "b", "c"])),
    str: st.sampled_from(COURSES),
    int: st.integers(0, 3),
    datetime: instants,
}
"""How values of a Progress are drawn, by the type of the field."""

steps: SearchStrategy[Step] = st.builds(
    Step,
    class_id=st.sampled_from("aabbc"),
    title=st.just(""),
    video_id=st.sampled_from(["video", None]),
    quiz_id=st.sampled_from(["quiz", None]),
    max_score=st.sampled_from([10.0, None]),
    pass_score=st.sampled_from([7.5, None]),
    score_label=st.sampled_from(["Score", None]),
).filter(lambda step: step.video_id is not None or step.quiz_id is not None)


def field(kind: object) -> SearchStrategy[Any]:
    """Any value of a field of that type, None included where it may be; KeyError for a type new to VALUES."""
    parts = get_args(kind) or (kind,)
    return st.one_of([st.none() if part is type(None) else VALUES[part] for part in parts])


progress: SearchStrategy[Progress] = st.fixed_dictionaries(
    {name: field(kind) for name, kind in get_type_hints(Progress).items()}
).map(lambda fields: Progress(**fields))
"""Any Progress, by the types of its fields: those of fields yet to come too."""

learner: SearchStrategy[dict[str, Progress]] = st.dictionaries(st.sampled_from(CLASSES), progress)
"""All progress of one learner."""

steps_of_a_version = st.lists(steps, max_size=2, unique_by=lambda step: step.class_id).map(tuple)


@st.composite
def histories(draw: st.DrawFn, course_id: str = "x", max_size: int = 4) -> CourseHistory:
    """A course of some versions, published one after the other."""
    published = sorted(draw(st.sets(instants, min_size=1, max_size=max_size)))
    return tuple(
        CourseVersion(course_id, number, "", draw(steps_of_a_version), published_at)
        for number, published_at in enumerate(published, start=1)
    )
