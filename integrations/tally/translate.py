"""Tally's form responses into QUIZ_SUBMIT events: who handed in which quiz of which class, and how it went.

Pure. What comes out goes through the same validation as anything that is posted.
"""

from collections.abc import Sequence
from uuid import UUID, uuid5

from integrations.contracts.tally import CALCULATED, HIDDEN, FormData, FormResponse
from integrations.inbound.class_lookup import CourseStep, steps_in_force
from integrations.inbound.message import Message
from integrations.inbound.translator import TranslationContext, TranslationResult, Translator
from integrations.tally.fields import missing, number, text, truth, unresolved
from signals.course import Step
from signals.course_catalog import CourseCatalog

RESPONSES = UUID("d1edbfab-f603-4fbb-9b40-b582cdadd9d7")
"""The namespace of the event ids that response ids give. Never changes: Tally's retries deduplicate by it."""

DEFAULT_SCORE_LABEL = "Score"


def translate(message: Message, world: TranslationContext) -> TranslationResult:
    """The QUIZ_SUBMIT 1.0 that a response amounts to.

    Raises Unresolved if the fields and the courses do not say who, for which class, or how it went.
    """
    return TranslationResult(quiz_submit(FormResponse.model_validate_json(message.body), world.courses))


def quiz_submit(response: FormResponse, courses: CourseCatalog) -> dict[str, object]:
    data = response.data
    user_id = learner(data)
    steps = steps_of(data, courses)
    class_id = class_of(data, steps)
    return {
        "type": "QUIZ_SUBMIT",
        "version": "1.0",
        "event_id": str(uuid5(RESPONSES, data.response_id)),
        "user_id": user_id,
        "class_id": class_id,
        "course_id": course_of(data, steps),
        "occurred_at": response.submitted_at.isoformat(),
        "correlation_id": response.event_id,
        "payload": result(data, steps[0].step if steps else Step(class_id, title="")),
    }


def learner(data: FormData) -> str:
    user_id = text(data, "user_id", HIDDEN)
    if user_id is None:
        raise missing(data, "user_id", "a learner's id", HIDDEN)
    return user_id


def steps_of(data: FormData, courses: CourseCatalog) -> list[CourseStep]:
    """The steps that ask for this quiz, by course_id.

    If the form names a class, only those in it count; if it names one of their courses, only those in that.
    """
    class_id, course_id = text(data, "class_id", HIDDEN), text(data, "course_id", HIDDEN)
    histories = courses.histories.values()
    steps = steps_in_force(histories, lambda step: step.quiz_id == data.form_id and class_id in (step.class_id, None))
    return [each for each in steps if each.course_id == course_id] or steps


def class_of(data: FormData, steps: Sequence[CourseStep]) -> str:
    named = text(data, "class_id", HIDDEN)
    if named is not None:
        return named
    class_ids = sorted({each.step.class_id for each in steps})
    if len(class_ids) == 1:
        return class_ids[0]
    expected = f"a hidden field, or one class with the quiz {data.form_id!r} in the published courses"
    raise unresolved(data, "class_id", expected, f"the classes {class_ids}" if class_ids else "neither")


def course_of(data: FormData, steps: Sequence[CourseStep]) -> str | None:
    """The course that the form names, else the only one that the quiz can be for."""
    course_ids = {each.course_id for each in steps}
    return text(data, "course_id", HIDDEN) or (course_ids.pop() if len(course_ids) == 1 else None)


def result(data: FormData, step: Step) -> dict[str, object]:
    score = score_of(data, step)
    return {
        "quiz_id": data.form_id,
        "score": score,
        "max_score": max_score_of(data, step),
        "passed": passed(data, step, score),
    }


def score_of(data: FormData, step: Step) -> float:
    label = step.score_label or DEFAULT_SCORE_LABEL
    score = number(data, label, CALCULATED)
    if score is None:
        raise missing(data, label, "the score", CALCULATED)
    return score


def max_score_of(data: FormData, step: Step) -> float:
    said = number(data, "max_score", CALCULATED, HIDDEN)
    max_score = step.max_score if said is None else said
    if max_score is None:
        expected = f"a field, or a max_score in the step of class {step.class_id!r}"
        raise unresolved(data, "max_score", expected, "neither")
    return max_score


def passed(data: FormData, step: Step, score: float) -> bool:
    said = truth(data, "passed", CALCULATED, HIDDEN)
    if said is not None:
        return said
    if step.pass_score is None:
        expected = f"a field, or a pass_score in the step of class {step.class_id!r}"
        raise unresolved(data, "passed", expected, "neither")
    return score >= step.pass_score


TRANSLATOR = Translator(translate)
