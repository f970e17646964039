"""The shapes of Zulip's answers, as far as they are read. Pure."""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from integrations.zulip.response import Body, OutcomeUnknownError

Shape = TypeVar("Shape", bound=BaseModel)


class User(BaseModel):
    """Somebody in the organisation."""

    user_id: int


class UserOfEmail(BaseModel):
    user: User


class Created(BaseModel):
    """A message that was sent just now."""

    id: int


class SentMessage(BaseModel):
    """A message of a conversation, as its sender wrote it; `timestamp` in seconds since 1970, UTC."""

    id: int
    timestamp: float
    content: str


class Messages(BaseModel):
    """A page of a conversation, the oldest message first."""

    messages: Sequence[SentMessage]
    found_oldest: bool = False


def parse(shape: type[Shape], body: Body) -> Shape:
    """An answer in its shape. Raises Unclear where it has another."""
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors(include_input=False))
        raise OutcomeUnknownError(f"expected an answer of Zulip's, found one that is wrong in {fields}") from None
