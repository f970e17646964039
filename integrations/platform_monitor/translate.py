"""What activities amount to: exams with a mark are QUIZ_SUBMITs, videos that were watched to their end VIDEO_PINGs.

Pure. All others are kept as activity. What comes out goes through the same validation as anything that is posted.
"""

from uuid import UUID, uuid5

from pydantic import ValidationError

from eventstore.errors import InvalidInputError, field_errors
from integrations.contracts.activity import (
    COMPLETED,
    CONTENT_COMPLETED,
    CONTENT_STARTED,
    EXAM_FAILED,
    EXAM_PASSED,
    VIDEO,
    ContentActivity,
    ExamActivity,
)
from integrations.inbound.class_lookup import resolve_class
from integrations.inbound.exam import PERCENT, Exam, quiz_submit
from integrations.inbound.message import Message
from integrations.inbound.translator import TranslationContext, TranslationResult, Translator
from integrations.platform_monitor.decode import CONTRACT

ACTIVITIES = UUID("9c7a5f5e-63a5-4a0a-8d3c-7b0f3f6e2b51")
"""The namespace of the event ids that activities give. Never changes: activities that come again deduplicate by it."""

EXAM = "exam"
CONTENT = "content"

SHORTEST_SEC = 1.0
"""How long a video is taken for of which nobody says that: that it was seen is proved, and that hardly any was."""


def translate(message: Message, world: TranslationContext) -> TranslationResult:
    """What an activity amounts to. Raises Unresolved while nothing says which class its exam or its content is.

    Raises InvalidInput for one that breaks the contract: it was found in a database, where nobody can bury it.
    """
    match current(message.body):
        case ExamActivity(event_type=kind) as sat if kind in (EXAM_PASSED, EXAM_FAILED):
            marked = exam(sat, message)
            return TranslationResult(None if marked is None else quiz_submit(marked, world))
        case ContentActivity() as looked if was_seen(looked):
            return TranslationResult(video_ping(looked, message, world))
    return TranslationResult()


def current(body: str) -> object:
    try:
        return CONTRACT.current(body)
    except ValidationError as error:
        raise InvalidInputError(field_errors(error)) from error


def exam(sat: ExamActivity, message: Message) -> Exam | None:
    """The exam as the platform marked it; whether it is passed is the platform's word. None without a mark."""
    said = sat.metadata
    score, max_score = (said.percentage, PERCENT) if said.score is None else (said.score, said.max_score)
    if score is None:
        return None
    return Exam(
        event_id=uuid5(ACTIVITIES, sat.event_id),
        user_id=sat.student_id,
        kind=EXAM,
        external_id=sat.activity_id,
        score=score,
        occurred_at=sat.timestamp,
        correlation_id=message.message_id,
        max_score=max_score,
        percentage=said.percentage,
        passed=sat.event_type == EXAM_PASSED,
    )


def was_seen(looked: ContentActivity) -> bool:
    """Whether it is a video, and was watched to its end."""
    is_complete = looked.event_type == CONTENT_COMPLETED or (
        looked.event_type != CONTENT_STARTED and looked.metadata.state == COMPLETED
    )
    return is_complete and looked.metadata.content_type == VIDEO


def video_ping(looked: ContentActivity, message: Message, world: TranslationContext) -> dict[str, object]:
    """The envelope of a ping at the end of the video."""
    place = resolve_class(world, CONTENT, looked.activity_id, "video")
    duration = looked.metadata.duration_sec or SHORTEST_SEC
    return {
        "type": "VIDEO_PING",
        "version": "1.0",
        "event_id": str(uuid5(ACTIVITIES, looked.event_id)),
        "user_id": looked.student_id,
        "class_id": place.class_id,
        "course_id": place.course_id,
        "occurred_at": looked.timestamp.isoformat(),
        "correlation_id": message.message_id,
        "payload": {"video_id": looked.activity_id, "position": duration, "duration": duration},
    }


TRANSLATOR = Translator(translate)
