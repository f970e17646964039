"""What the contracts share: the head of a message, and kinds of values."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field

from eventstore.envelope import only_iso
from eventstore.errors import MAJOR_MINOR
from eventstore.event_type import Ident


def time_or_iso(value: object) -> object:
    """What is sent is ISO 8601 text; what we build ourselves may be the time itself."""
    return value if isinstance(value, datetime) else only_iso(value)


def in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time within the years 1 to 9999") from error


def text_of_number(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Instant = Annotated[AwareDatetime, BeforeValidator(time_or_iso), AfterValidator(in_utc)]
"""Sent as ISO 8601 text with its offset from UTC; read as UTC."""

Version = Annotated[str, Field(strict=True, pattern=MAJOR_MINOR)]
"""Of a message, as major.minor."""

Score = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
"""In percent, unless the step or the mapping file says out of how many points."""

ExternalId = Annotated[Ident, BeforeValidator(text_of_number, json_schema_input_type=int | str)]
"""An id of another system. Some count and some write: here it is text."""


Words = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""Text that people read. PostgreSQL keeps any character but this one."""


class Head(BaseModel):
    """What a message says of itself: enough to tell by which model to read it."""

    event_type: Ident
    version: Version = "1.0"
