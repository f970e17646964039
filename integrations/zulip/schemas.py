"""The fields of Zulip's responses that are read. Pure."""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from integrations.zulip.response import Body, OutcomeUnknownError

Shape = TypeVar("Shape", bound=BaseModel)


class User(BaseModel):
    """A user of the organisation."""

    user_id: int


class UserOfEmail(BaseModel):
    user: User


class Created(BaseModel):
    """A message that was just sent."""

    id: int


class SentMessage(BaseModel):
    """A message of a conversation, as its sender wrote it. `timestamp` is in seconds since 1970, UTC."""

    id: int
    timestamp: float
    content: str


class Messages(BaseModel):
    """A page of a conversation, oldest message first."""

    messages: Sequence[SentMessage]
    found_oldest: bool = False


def parse(shape: type[Shape], body: Body) -> Shape:
    """Return a response as a model. Raise OutcomeUnknownError if fields are missing or invalid."""
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors(include_input=False))
        raise OutcomeUnknownError(f"Zulip's response has missing or invalid fields: {fields}") from None
