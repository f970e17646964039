"""Entries of the exam system, as the page of its platform prints them."""

import json
from collections.abc import Mapping

from integrations.inbound.message import Message
from integrations.redis.decode import decode
from integrations.redis.entries import delivery
from tests.integrations.worlds import NOW

Payload = Mapping[str, object]

FIRST_ID = "1772000000000-0"

CLASS_UPSERT: Payload = {"id": 1, "school_id": 100, "name": "Class 10A", "is_active": True}
CLASS_DELETED: Payload = {"id": 1}
SUBJECT_UPSERT: Payload = {"id": 5, "name": "Mathematics"}
LEVEL_UPSERT: Payload = {"id": 10, "name": "Grade 10"}
MODULE_UPSERT: Payload = {"id": 15, "subject_id": 5, "level_id": 10, "name": "Algebra Basics"}
USER_UPSERT: Payload = {"id": 42, "email": "student@school.com", "name": "John Doe", "role": "siswa"}
EXAM_ASSIGNMENT_CREATED: Payload = {
    "id": 100,
    "user_id": 42,
    "module_id": 15,
    "scheduled_time": "2026-02-07T09:00:00Z",
    "duration_mins": 60,
    "question_count": 20,
}
EXAM_RESULT_COMPLETED: Payload = {
    "assignment_id": 100,
    "user_id": 42,
    "lms_class_id": 1,
    "score": 85.5,
    "correct_count": 17,
    "total_count": 20,
    "completed_at": "2026-02-06T10:45:00Z",
}

PRINTED: Mapping[str, Payload] = {
    "class_upsert": CLASS_UPSERT,
    "class_deleted": CLASS_DELETED,
    "subject_upsert": SUBJECT_UPSERT,
    "level_upsert": LEVEL_UPSERT,
    "module_upsert": MODULE_UPSERT,
    "user_upsert": USER_UPSERT,
    "exam_assignment_created": EXAM_ASSIGNMENT_CREATED,
    "exam_result_completed": EXAM_RESULT_COMPLETED,
}
"""All that the page prints, by event."""


def message(event: str, payload: Payload | str, entry_id: str = FIRST_ID, **fields: str) -> Message:
    """The message that an entry is read as. Raises Refused."""
    stream = "cbt_events" if event == "exam_result_completed" else "lms_events"
    text = payload if isinstance(payload, str) else json.dumps(payload)
    entry = {"event": event, "payload": text} | fields
    return decode(delivery(stream, entry_id.encode(), {k.encode(): v.encode() for k, v in entry.items()}), NOW)


def result(entry_id: str = FIRST_ID, **fields: object) -> Message:
    """The result of an exam, by default John Doe's 85.5 percent."""
    return message("exam_result_completed", {**EXAM_RESULT_COMPLETED, **fields}, entry_id)
