"""Places: what an id of another system means, by the mapping file, else because one of our own says the same.

Shared by the translators of all systems.
"""

import re
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from pydantic_core import to_json

from eventstore.errors import FieldError, UnresolvedReferenceError
from integrations.inbound.mapping import COURSE, ClassMapping
from integrations.inbound.translator import TranslationContext
from signals.course import CourseHistory, Step, current_version

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
"""What TOML takes as a key without quotes."""


Medium = Literal["quiz", "video"]
"""What of a step an id may be of."""


class CourseStep(NamedTuple):
    """A step of the version of a course that is in force."""

    course_id: str
    step: Step


def course_of(world: TranslationContext, external_id: str) -> str:
    """The course_id that a course there means. Raises Unresolved."""
    mapped = world.mapping.course_of(external_id)
    if mapped is not None:
        return mapped
    if external_id in world.courses.histories:
        return external_id
    raise unresolved(world, COURSE, external_id, "a published course of this id", "neither")


def resolve_class(world: TranslationContext, kind: str, external_id: str, medium: Medium = "quiz") -> ClassMapping:
    """The class that an id of a kind means, and how its exam is marked: what the mapping file does not say of that,
    the step does. Raises Unresolved.
    """
    place = world.mapping.class_of(kind, external_id) or match_by_id(world, kind, external_id, medium)
    containing = world.courses.with_class(place.class_id)
    everywhere = steps_in_force(containing, lambda step: step.class_id == place.class_id)
    steps = [each for each in everywhere if each.course_id == place.course_id] or everywhere
    if not steps:
        return place
    step = steps[0].step
    return ClassMapping(
        place.class_id,
        place.course_id or (steps[0].course_id if len(steps) == 1 else None),
        place.quiz_id or step.quiz_id,
        step.max_score if place.max_score is None else place.max_score,
        step.pass_score if place.pass_score is None else place.pass_score,
    )


def match_by_id(world: TranslationContext, kind: str, external_id: str, medium: Medium) -> ClassMapping:
    """The class of ours that has this id, or the only one whose quiz or video has it."""
    if world.courses.with_class(external_id):
        return ClassMapping(external_id)
    asked = steps_in_force(world.courses.histories.values(), lambda step: id_in(step, medium) == external_id)
    class_ids = sorted({each.step.class_id for each in asked})
    if len(class_ids) == 1:
        return ClassMapping(class_ids[0], quiz_id=external_id if medium == "quiz" else None)
    was_found = f"its {medium} in the classes {class_ids}" if class_ids else "neither"
    expected = f"a published class, or one class with a {medium}, of this id"
    raise unresolved(world, kind, external_id, expected, was_found)


def id_in(step: Step, medium: Medium) -> str | None:
    return step.quiz_id if medium == "quiz" else step.video_id


def steps_in_force(histories: Iterable[CourseHistory], wanted: Callable[[Step], bool]) -> list[CourseStep]:
    """The steps of these courses that are wanted, by course_id."""
    versions = sorted(map(current_version, histories), key=lambda version: version.course_id)
    return [CourseStep(version.course_id, step) for version in versions for step in version.steps if wanted(step)]


def unresolved(
    world: TranslationContext, kind: str, external_id: str, else_expected: str, was_found: str
) -> UnresolvedReferenceError:
    table = table_name(world, kind, external_id)
    return UnresolvedReferenceError(
        str(FieldError(table, f"the table [{table}] in the mapping file, or {else_expected}", was_found))
    )


def table_name(world: TranslationContext, kind: str, external_id: str) -> str:
    """Where the mapping file says what this id means."""
    key = external_id if BARE_KEY.fullmatch(external_id) else to_json(external_id).decode()
    return f"{world.mapping.system}.{kind}.{key}"
