"""Environment variables that look like settings and are none, most of them misspelt."""

from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches

from integrations.runtime.variables import PREFIX, variable_of

TESTS_ONLY = frozenset({"LMS_REQUIRE_SERVICES"})
"""Variables of the Makefile and the tests, which the program does not read."""

SIMILARITY = 0.75
"""The least similarity of a suggestion, from 0 to 1: one or two letters differ, or a word is missing."""


def find_unknown(environment: Iterable[str], settings: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each name in `environment` that begins with LMS_ and belongs to none of the `settings`.

    The sentence suggests the variable of the most similar setting, if one is similar enough.
    """
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in TESTS_ONLY:
            setting = name[len(PREFIX) :].lower()
            if setting not in settings:
                yield f"{name} is not a setting{suggestion(setting, settings)}"


def suggestion(setting: str, settings: Collection[str]) -> str:
    similar = get_close_matches(setting, settings, n=1, cutoff=SIMILARITY)
    return f"; did you mean {variable_of(similar[0])}?" if similar else ""
