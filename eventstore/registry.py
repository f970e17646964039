"""The list of event types. To add a type or a version, write its module and name it here.

See docs/architecture.md, "Versions".
"""

from pydantic import BaseModel

from eventstore.errors import FieldError, InvalidInputError, shorten_repr
from eventstore.event import Event, ValidatedEvent
from eventstore.event_type import EventType
from eventstore.types.quiz_submit import QUIZ_SUBMIT
from eventstore.types.video_ping import VIDEO_PING

EVENT_TYPES: dict[str, EventType] = {event_type.name: event_type for event_type in (VIDEO_PING, QUIZ_SUBMIT)}


def event_type(name: str) -> EventType:
    """Return the type of that name. Raise InvalidInputError, with the existing ones."""
    known = EVENT_TYPES.get(name)
    if known is None:
        raise InvalidInputError([FieldError("type", " or ".join(EVENT_TYPES), shorten_repr(name))])
    return known


def current_payload(event: Event) -> BaseModel:
    """Return the event's payload as the newest model of its type. Rules are written against it."""
    kind = event_type(event.type)
    if isinstance(event, ValidatedEvent) and event.parsed is not None:
        return kind.upcast(event.version, event.parsed)
    return kind.current(event.version, event.payload)
