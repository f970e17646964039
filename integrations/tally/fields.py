"""What a field of a Tally form says, read as text, as a number or as a truth.

A missing or empty field says nothing: None. One that says something else is not guessed at: Unresolved.
"""

import math
import re

from eventstore.errors import FieldError, UnresolvedReferenceError, shorten_repr
from integrations.contracts.tally import FormData

NUMERIC = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""Point decimals only: "1,000" would be one in one country and a thousand in the next."""

TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def text(data: FormData, label: str, *types: str) -> str | None:
    """An id: text without the spaces around it, or a whole number."""
    value = data.value(label, *types)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or isinstance(value, str):
        return value.strip() if value else None
    raise unresolved(data, label, "text", shorten_repr(value))


def number(data: FormData, label: str, *types: str) -> float | None:
    """A finite number, or text that is one."""
    value = data.value(label, *types)
    parsed = parse_number(value)
    if value is not None and parsed is None:
        raise unresolved(data, label, "a number", shorten_repr(value))
    return parsed


def truth(data: FormData, label: str, *types: str) -> bool | None:
    """true or false, 1 or 0, or text that is one of these or yes or no."""
    value = data.value(label, *types)
    if value is None:
        return None
    said = TRUTHS.get(value.strip().casefold()) if isinstance(value, str) else None
    if isinstance(value, int | float) and value in (0, 1):
        said = bool(value)
    if said is None:
        raise unresolved(data, label, "true or false", shorten_repr(value))
    return said


def missing(data: FormData, label: str, expected: str, field_type: str) -> UnresolvedReferenceError:
    """Nothing says `expected`. Names the fields that there are: most often a label is misspelt."""
    there_are = shorten_repr(data.labels(field_type))
    return unresolved(data, label, f"{expected} in a field of type {field_type}", f"none filled in among {there_are}")


def unresolved(data: FormData, label: str, expected: str, was_found: str) -> UnresolvedReferenceError:
    where = f"response {data.response_id!r} to form {data.form_id!r}, {label}"
    return UnresolvedReferenceError(str(FieldError(where, expected, was_found)))


def parse_number(value: object) -> float | None:
    if isinstance(value, str) and NUMERIC.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an int that is larger than any float
        return None
