"""What the exam system's messages amount to: results are QUIZ_SUBMITs, the others tell who and what there is.

Pure. What comes out goes through the same validation as anything that is posted.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID, uuid5

from pydantic import BaseModel
from pydantic_core import from_json

from eventstore.errors import FieldError, UnresolvedReferenceError
from integrations.contracts.redis import (
    SOURCE,
    Deleted,
    Entry,
    ExamAssignment,
    ExamResult,
    Level,
    Module,
    SchoolClass,
    Subject,
    User,
)
from integrations.inbound.exam import Exam, quiz_submit
from integrations.inbound.message import Message
from integrations.inbound.reference_data import Fact, ProfileField, Reference, profiles
from integrations.inbound.translator import ReferenceKey, TranslationContext, TranslationResult, Translator
from integrations.redis.decode import CONTRACT
from integrations.redis.entries import time_of

ASSIGNMENTS = UUID("4b8b489b-678f-4f19-aff7-c20af6c9d058")
"""The namespace of the event ids that assignments give. Never changes: results that come again deduplicate by it."""

CLASS = "class"
MODULE = "module"
ASSIGNMENT = "assignment"
KINDS: Mapping[type[BaseModel], str] = {
    SchoolClass: CLASS,
    Subject: "subject",
    Level: "level",
    Module: MODULE,
    ExamAssignment: ASSIGNMENT,
}
"""What is told of besides learners, and what it is called as a reference."""


def translate(message: Message, world: TranslationContext) -> TranslationResult:
    """What an entry amounts to. Raises Unresolved for a result while nothing says which class it is of."""
    match CONTRACT.current(message.body):
        case Entry(payload=ExamResult() as result):
            return TranslationResult(quiz_submit(exam(result, message, world), world))
        case Entry(payload=payload):
            return TranslationResult(facts=facts(payload, time_of(message.message_id.rpartition("/")[2])))
    return TranslationResult()


def names(message: Message) -> Iterable[ReferenceKey]:
    """A result names its assignment, and that alone tells of which module it is."""
    match CONTRACT.current(message.body):
        case Entry(payload=ExamResult() as result):
            return [(ASSIGNMENT, result.assignment_id)]
    return []


def exam(result: ExamResult, message: Message, world: TranslationContext) -> Exam:
    kind, external_id = what_of(result, world)
    return Exam(
        event_id=uuid5(ASSIGNMENTS, result.assignment_id),
        user_id=result.user_id,
        kind=kind,
        external_id=external_id,
        score=result.score,
        occurred_at=result.completed_at,
        correlation_id=message.message_id,
    )


def what_of(result: ExamResult, world: TranslationContext) -> ReferenceKey:
    """What an exam was held on: the module of its assignment if the mapping file has that module, else the class.

    Where the file has modules the assignment is waited for, so that its coming late changes nothing.
    """
    if not world.mapping.maps_any(MODULE):
        return CLASS, result.lms_class_id
    assignment = world.references.get((ASSIGNMENT, result.assignment_id))
    if assignment is None:
        where = f"{SOURCE}, result of assignment {result.assignment_id}"
        expected = f"the assignment's exam_assignment_created, since the mapping file has modules ({MODULE})"
        raise UnresolvedReferenceError(str(FieldError(where, expected, "none yet")))
    module_id = from_json(assignment.details)["module_id"]
    if world.mapping.class_of(MODULE, module_id) is None:
        return CLASS, result.lms_class_id
    return MODULE, module_id


def facts(payload: object, said_at: datetime) -> tuple[Fact, ...]:
    match payload:
        case User(id=user_id, name=name, email=email, role=role):
            said = {ProfileField.NAME: name, ProfileField.EMAIL: email, ProfileField.ROLE: role}
            return profiles(user_id, said, said_at)
        case Deleted(id=class_id):
            return (Reference(SOURCE, CLASS, class_id, None, "{}", said_at, is_deleted=True),)
        case SchoolClass() | Subject() | Level() | Module():
            return (reference(payload, payload.name, said_at),)
        case ExamAssignment():
            return (reference(payload, None, said_at),)
    return ()


def reference(
    payload: SchoolClass | Subject | Level | Module | ExamAssignment, name: str | None, said_at: datetime
) -> Reference:
    details = payload.model_dump_json(exclude={"id", "name"}, exclude_none=True)
    return Reference(SOURCE, KINDS[type(payload)], payload.id, name, details, said_at)


TRANSLATOR = Translator(translate, names)
