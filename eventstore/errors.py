"""The errors that lms-progress raises, as one small tree.

LmsError
├── RequestError                     the caller must change the request
│   ├── MalformedBodyError           the body does not have the format that it claims
│   ├── InvalidInputError            the input breaks the contract; carries FieldErrors
│   ├── BodyTooLargeError
│   ├── UnsupportedMediaTypeError
│   ├── UnauthenticatedError         the credentials are missing or invalid
│   ├── ForbiddenError               the credentials are valid, but do not allow this
│   ├── NotFoundError
│   ├── FeatureDisabledError         a setting turns the feature off
│   └── AlreadyRunningError          only one replay runs at a time; carries the other's id
├── UnresolvedReferenceError         an integration message cannot be translated yet; it is parked
└── UnavailableError                 the same request may succeed after `retry_after` seconds
    └── TransactionConflictError     two transactions conflicted; the same one may succeed now
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
"""The requirements of the patterns, in words."""

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
"""The expectations of pydantic, by kind of error, where its own words do not tell a sender of JSON."""

AROUND = re.compile(r"^(Value error, |\w+ should (be |have )?)| after validation, not \d+$")
"""The words around the expectation in pydantic's messages."""


class FieldError(NamedTuple):
    """A fault of the input: `where` (dotted path), what was `expected`, what was `found`."""

    where: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, found {self.found}"


class LmsError(Exception):
    """The root of all errors that lms-progress raises on purpose."""


class RequestError(LmsError):
    """The caller must change the request; the same request is refused again."""


class MalformedBodyError(RequestError):
    """The body does not have the format that it claims. `error` says where."""

    def __init__(self, error: FieldError) -> None:
        super().__init__(str(error))
        self.error = error


class InvalidInputError(RequestError):
    """The input is well-formed, but breaks the contract. `errors` names each fault."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = list(errors)


class BodyTooLargeError(RequestError):
    """The body is larger than the server accepts."""


class UnsupportedMediaTypeError(RequestError):
    """The endpoint does not read the body's content type."""


class UnauthenticatedError(RequestError):
    """The credentials are missing or invalid."""


class ForbiddenError(RequestError):
    """The credentials are valid, but do not allow this."""


class NotFoundError(RequestError):
    """The named thing does not exist."""


class FeatureDisabledError(RequestError):
    """A setting turns this feature off."""


class AlreadyRunningError(RequestError):
    """Another replay runs: `replay_id`."""

    def __init__(self, replay_id: str) -> None:
        super().__init__(f"replay {replay_id} is running: wait until it has finished")
        self.replay_id = replay_id


class UnresolvedReferenceError(LmsError):
    """An integration message cannot be translated yet. The text tells an operator what is missing, and where.

    This is expected: a form may be live before the course that it belongs to is published.
    """


class UnavailableError(LmsError):
    """The service cannot do this now; the same request may succeed after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TransactionConflictError(UnavailableError):
    """The database ended this transaction because it conflicted with another one."""


def field_errors(error: ValidationError, under: str = "") -> list[FieldError]:
    """Return pydantic's errors as FieldErrors; `under` is the path of the validated value."""
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
    """Return the Python literal of `value`, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= FOUND_LIMIT else text[: FOUND_LIMIT - 1] + "…"
