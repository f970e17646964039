"""Recipients: the mentors who are told of what a student did, and by which addresses each can be reached."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import PlainSerializer, TypeAdapter


class Recipient(NamedTuple):
    """A mentor. `user_id` is the id on the platform, as text; an address that is not known is None."""

    user_id: str
    username: str
    name: str
    email: str | None = None
    zulip_user_id: int | None = None


def known(recipient: Recipient) -> dict[str, object]:
    """What is known of a recipient, by its name."""
    return {name: value for name, value in recipient._asdict().items() if value is not None}


KeptRecipient = Annotated[Recipient, PlainSerializer(known)]
"""In a model whose JSON has an object of it."""


def recipient_of(body: Mapping[str, object]) -> Recipient:
    """The recipient of a notification that the outbox has."""
    return _RECIPIENT.validate_python(body["recipient"])


_RECIPIENT = TypeAdapter(Recipient)
