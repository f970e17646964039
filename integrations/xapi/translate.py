"""xAPI video statements into VIDEO_PING events: from what a player reported to where the learner was.

Pure. What comes out goes through the same validation as anything that is posted.
"""

from typing import NamedTuple

from pydantic import ValidationError

from eventstore.errors import FieldError, InvalidInputError, field_errors
from integrations.contracts.xapi import (
    COMPLETED,
    LENGTH,
    PAUSED,
    SEEKED,
    TERMINATED,
    TIME,
    TIME_FROM,
    VIDEO,
    Actor,
    AnyStatement,
    ContextActivities,
    Statement,
)

EVIDENCE = frozenset({PAUSED, SEEKED, COMPLETED, TERMINATED})
"""The verbs that say how far a learner got. `played` is none: it says where somebody began to watch."""

Segments = list[list[float]]


class NotProgress(NamedTuple):
    """A statement that is well-formed, but no evidence of progress in a video. `verb` is its IRI."""

    verb: str


def translate(statement: object) -> dict[str, object] | NotProgress:
    """The envelope, as `POST /v1/events` takes it, of the VIDEO_PING 1.1 that a parsed statement amounts to.

    Raises InvalidInput with all that is missing or malformed in a statement that ought to be evidence.
    """
    try:
        verb = AnyStatement.model_validate(statement).verb.id
        if verb not in EVIDENCE:
            return NotProgress(verb)
        read = Statement.model_validate(statement)
    except ValidationError as error:
        raise InvalidInputError(field_errors(error)) from error
    if read.activity.definition.type not in (VIDEO, None):
        return NotProgress(verb)  # courses and quizzes are `completed` too
    return envelope(read)


def envelope(statement: Statement) -> dict[str, object]:
    session = statement.context.extensions.session_id
    return {
        "type": "VIDEO_PING",
        "version": "1.1",
        "event_id": statement.id,
        "user_id": user_id(statement.actor),
        "class_id": statement.activity.id,
        "course_id": course_id(statement.context.activities),
        "occurred_at": statement.timestamp,
        "correlation_id": session if isinstance(session, str) and session else None,
        "payload": payload(statement),
    }


def user_id(actor: Actor) -> str:
    if actor.account is not None:
        return actor.account.name
    if actor.mbox is not None:
        return actor.mbox.removeprefix("mailto:")
    raise InvalidInputError([FieldError("actor", "an account or an mbox", "neither")])


def course_id(activities: ContextActivities) -> str | None:
    parents = activities.parent
    if isinstance(parents, list):
        return parents[0].id if parents else None
    return parents.id


def payload(statement: Statement) -> dict[str, object]:
    body: dict[str, object] = {
        "video_id": statement.activity.id,
        "position": position(statement),
        "duration": duration(statement),
    }
    played = statement.result.extensions.played_segments
    if played is not None:
        body["played_segments"] = segments(played)
    return body


def position(statement: Statement) -> float:
    """Where the learner had got to. For a seek that is where it began: what it jumped to is not watched."""
    extensions = statement.result.extensions
    seconds, name = (extensions.time_from, TIME_FROM) if statement.verb.id == SEEKED else (extensions.time, TIME)
    if seconds is None:
        raise InvalidInputError([FieldError(f"result.extensions.{name}", "the position in seconds", "nothing")])
    return seconds


def duration(statement: Statement) -> float:
    """How long the video is. The profile puts `length` in the context; players also put it in the result."""
    for extensions in (statement.result.extensions, statement.context.extensions):
        if extensions.length is not None:
            return extensions.length
    where = f"result.extensions or context.extensions, {LENGTH}"
    raise InvalidInputError([FieldError(where, "the length of the video in seconds", "nothing")])


def segments(played: str) -> Segments:
    """`0[.]42.6[,]43.1[.]124.7[,]176.4` as [[0, 42.6], [43.1, 124.7]], in the order they were played.

    A segment without an end is still being played: it is dropped. So is one that no player can have
    played, such as one that ends before it starts; the position is good evidence all the same.
    """
    return [span for part in played.split("[,]") if (span := segment(part)) is not None]


def segment(part: str) -> list[float] | None:
    try:
        start, end = map(float, part.split("[.]"))
    except ValueError:
        return None
    return [start, end] if 0 <= start <= end < float("inf") else None
