"""What the learning platform's events amount to: a graded exam is a QUIZ_SUBMIT, all others are kept as activity.

Pure. What comes out goes through the same validation as anything that is posted.
"""

from uuid import UUID, uuid5

from integrations.contracts.kafka import ExamGraded
from integrations.inbound.exam import Exam, quiz_submit
from integrations.inbound.message import Message
from integrations.inbound.translator import TranslationContext, TranslationResult, Translator
from integrations.kafka.decode import CONTRACT

GRADINGS = UUID("d7e76f4e-143c-4c33-b48c-7dfcee1fb1d2")
"""The namespace of the event ids that gradings give. Never changes: events that come again deduplicate by it."""

EXAM = "exam"


def translate(message: Message, world: TranslationContext) -> TranslationResult:
    """What an event amounts to. Raises Unresolved for a grade while nothing says which class its exam is of."""
    match CONTRACT.current(message.body):
        case ExamGraded() as graded:
            return TranslationResult(quiz_submit(exam(graded, message), world))
    return TranslationResult()


def exam(graded: ExamGraded, message: Message) -> Exam:
    """A session may be marked again, and the better mark is to count: so each grading is a submission, and not each
    session. Of one grading the platform's `event_id` stays the same however often it is sent.
    """
    return Exam(
        event_id=uuid5(GRADINGS, graded.event_id),
        user_id=graded.user_id,
        kind=EXAM,
        external_id=graded.payload.exam_id,
        score=graded.payload.score,
        occurred_at=graded.timestamp,
        correlation_id=message.message_id,
    )


TRANSLATOR = Translator(translate)
