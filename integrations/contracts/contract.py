"""Reading messages: what each has to be before it is kept, whichever system sends it.

What is refused here can never be taken: it goes to the dead letters with the reason.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from eventstore.envelope import CLOCK_SKEW, parse
from eventstore.errors import FieldError, InvalidInputError, field_errors, shorten_repr
from eventstore.event_type import EventType
from integrations.contracts.fields import Head

AnyHead = TypeVar("AnyHead", bound=Head)


class Contract(Generic[AnyHead]):
    """The types of message that are agreed with one system, and the `head` by which they are told apart.

    While a system moves from one major version to the next, its type has both, and an upcaster between them.
    """

    def __init__(self, head: type[AnyHead], types: Iterable[EventType]) -> None:
        self._head = head
        self._types = {each.name: each for each in types}

    def head(self, body: str) -> AnyHead:
        """The head of a message of a type and a version that are known, whatever else it says. Raises InvalidInput."""
        try:
            head = self._head.model_validate_json(body)
        except ValidationError as error:
            raise InvalidInputError(field_errors(error)) from error
        self._type(head).model(head.version)
        return head

    def check(self, body: str) -> AnyHead:
        """The head of a message that keeps to the contract. Raises InvalidInput, for an unknown type or version too."""
        head = self.head(body)
        try:
            self._type(head).model(head.version).model_validate_json(body)
        except ValidationError as error:
            raise InvalidInputError(field_errors(error)) from error
        return head

    def current(self, body: str) -> BaseModel:
        """A message that keeps to the contract, in the newest shape of its type."""
        head = self._head.model_validate_json(body)
        return self._type(head).current(head.version, body)

    def _type(self, head: Head) -> EventType:
        known = self._types.get(head.event_type)
        if known is None:
            where = self._head.model_fields["event_type"].validation_alias or "event_type"
            raise InvalidInputError([FieldError(str(where), " or ".join(self._types), shorten_repr(head.event_type))])
        return known


def json_text(body: bytes) -> str:
    """A body as the JSON text that it is. Raises MalformedBody."""
    parse(body)
    return body.decode()


def must_not_be_ahead(where: str, sent_at: datetime, received_at: datetime) -> None:
    """The last word counts: one from the future would count until then. Raises InvalidInput beyond the clocks' skew."""
    if sent_at > received_at + CLOCK_SKEW:
        expected = f"a time at most 5 minutes after {received_at.isoformat()}, when it came"
        raise InvalidInputError([FieldError(where, expected, sent_at.isoformat())])
