"""Everything that lms-progress refuses or cannot do, as one small tree.

LmsError
├── Refused              the caller must change what it sends
│   ├── MalformedBody    not the format it claims to be
│   ├── InvalidInput     well-formed, but against the contract; carries FieldErrors
│   ├── TooLarge
│   ├── UnsupportedMedia
│   ├── Unauthenticated  nobody we know
│   ├── Forbidden        somebody we know, who may not
│   ├── NotFound
│   ├── SwitchedOff      a setting says that this is not done
│   └── AlreadyRunning   one at a time; carries the id of the one that runs
├── Unresolved           an integration message that cannot be translated yet; it is parked
└── Unavailable          the same again later will do; carries `retry_after` seconds
    └── Clash            two transactions stood in each other's way; the same again now will do
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

FOUND_LIMIT = 120

NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
MAJOR_MINOR = r"^(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})$"
IN_WORDS: Mapping[str, str] = {NO_CONTROLS: "no control characters", MAJOR_MINOR: "major.minor, such as 1.0"}
"""What the patterns ask for, for whom a pattern says little."""

A_TIME = "a valid datetime in ISO 8601, such as 2026-11-21T09:30:00Z"

MISSING = "missing"
EXPECTED: Mapping[str, str] = {
    MISSING: "a value",
    "extra_forbidden": "no field of this name",
    "timezone_aware": "a time with its offset from UTC, such as Z or +02:00",
    "list_type": "an array",
    "uuid_parsing": "a valid UUID",
    **dict.fromkeys(("datetime_parsing", "datetime_from_date_parsing"), A_TIME),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "an object"),
}
"""What pydantic expected where its own words, by the kind of error, do not say it to somebody who sent JSON."""

AROUND = re.compile(r"^(Value error, |\w+ should (be |have )?)| after validation, not \d+$")
"""What pydantic's messages say around what was expected."""


class FieldError(NamedTuple):
    """One thing that is wrong: `where` (dotted path), what was `expected`, what was `found`."""

    where: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, found {self.found}"


class LmsError(Exception):
    """The root: catching it catches all that lms-progress raises on purpose."""


class RequestError(LmsError):
    """The caller must change what it sends; sending the same again is refused again."""


class MalformedBodyError(RequestError):
    """The body is not the format that it claims to be. `error` says where."""

    def __init__(self, error: FieldError) -> None:
        super().__init__(str(error))
        self.error = error


class InvalidInputError(RequestError):
    """The input is well-formed, but against the contract. `errors` names each fault."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = list(errors)


class BodyTooLargeError(RequestError):
    """The body is larger than the server takes at once."""


class UnsupportedMediaTypeError(RequestError):
    """The body's content type is none that this endpoint reads."""


class UnauthenticatedError(RequestError):
    """No credentials, or none that we know."""


class ForbiddenError(RequestError):
    """The credentials are good, but not for this."""


class NotFoundError(RequestError):
    """There is nothing of that name."""


class FeatureDisabledError(RequestError):
    """A setting says that this is not done."""


class AlreadyRunningError(RequestError):
    """Only one replay runs at a time: `replay_id` is the one that does."""

    def __init__(self, replay_id: str) -> None:
        super().__init__(f"expected no replay that is running, found replay {replay_id}: wait until it has finished")
        self.replay_id = replay_id


class UnresolvedReferenceError(LmsError):
    """An integration message that cannot be translated yet; says to an operator what is missing, and where.

    Expected: a form may be live before the course that it belongs to is published.
    """


class UnavailableError(LmsError):
    """Not now: the same request will do after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TransactionConflictError(UnavailableError):
    """Two transactions stood in each other's way, and the database ended this one."""


def field_errors(error: ValidationError, under: str = "") -> list[FieldError]:
    """pydantic's findings as FieldErrors; `under` is the path that the validated value stands at."""
    return [field_error(detail, under) for detail in error.errors(include_url=False)]


def field_error(detail: ErrorDetails, under: str = "") -> FieldError:
    path = [under] if under else []
    where = ".".join(path + [str(part) for part in detail["loc"]]) or "the value"
    said = AROUND.sub("", detail["msg"]).replace("match pattern", "text that matches")
    in_words = IN_WORDS.get(detail.get("ctx", {}).get("pattern", ""))
    said += f" ({in_words})" if in_words else ""
    was_found = "nothing" if detail["type"] == MISSING else shorten_repr(detail["input"])
    return FieldError(where, EXPECTED.get(detail["type"], said), was_found)


def shorten_repr(value: object) -> str:
    """`value` as a message shows it: its Python literal, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= FOUND_LIMIT else text[: FOUND_LIMIT - 1] + "…"
