"""What messages are understood by in tests: published courses, the mapping file, and references that are known."""

from collections.abc import Iterable
from datetime import UTC, datetime

from hypothesis import strategies as st

from integrations.inbound.mapping import ClassMapping, SystemMapping
from integrations.inbound.reference_data import Reference
from integrations.inbound.translator import TranslationContext
from signals.course import CourseHistory, CourseVersion, Step
from signals.course_catalog import CourseCatalog

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOOPS = Step("loops", "Loops", quiz_id="loops-quiz", pass_score=60)

unknown_fields = st.dictionaries(
    st.sampled_from(["note", "attempt", "tenant"]), st.none() | st.booleans() | st.integers() | st.text(max_size=5)
)
"""Fields that no contract has."""


def course(course_id: str, *versions: list[Step]) -> CourseHistory:
    return tuple(CourseVersion(course_id, n, "A course", tuple(steps), NOW) for n, steps in enumerate(versions, 1))


PYTHON = course("python-101", [LOOPS])


def world(mapping: SystemMapping, *courses: CourseHistory, references: Iterable[Reference] = ()) -> TranslationContext:
    """Python 101 is published, unless other courses are."""
    return TranslationContext(
        CourseCatalog(courses or (PYTHON,)), mapping, {(r.kind, r.external_id): r for r in references}
    )


def mapped(system: str, kind: str, external_id: str, place: ClassMapping) -> SystemMapping:
    """A mapping file with one table."""
    return SystemMapping(system, {kind: {external_id: place}})
