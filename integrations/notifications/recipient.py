"""Recipients: the mentors of students, and the addresses by which they can be reached."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import PlainSerializer, TypeAdapter


class Recipient(NamedTuple):
    """A mentor. `user_id` is the id at the platform, as text. An unknown address is None."""

    user_id: str
    username: str
    name: str
    email: str | None = None
    zulip_user_id: int | None = None


def without_nulls(recipient: Recipient) -> dict[str, object]:
    """Return the fields of a recipient that are not None."""
    return {name: value for name, value in recipient._asdict().items() if value is not None}


StoredRecipient = Annotated[Recipient, PlainSerializer(without_nulls)]
"""A recipient in a model, whose JSON is an object."""

_RECIPIENT = TypeAdapter(Recipient)


def recipient_of(body: Mapping[str, object]) -> Recipient:
    """Return the recipient of a notification's body."""
    return _RECIPIENT.validate_python(body["recipient"])
