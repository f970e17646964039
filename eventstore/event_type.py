"""An event type: its name, its versions (each a pydantic model), and the upcasters between them.

Stored payloads never change; `current` upcasts an old one whenever it is read.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from eventstore.errors import MAJOR_MINOR, NO_CONTROLS, FieldError, InvalidInputError

Ident = Annotated[str, Field(min_length=1, max_length=255, pattern=NO_CONTROLS)]
"""An id chosen by a sender: 1 to 255 characters without control characters."""

Quantity = Annotated[float, Field(ge=0, le=2**31 - 1, allow_inf_nan=False)]
"""A finite number of seconds or points whose floor fits an INT column."""

VERSION = re.compile(MAJOR_MINOR)


class EventType:
    """A type: `versions` by "major.minor", oldest first, and for each but the newest its upcaster to the next.

    Raise ValueError if the chain has a hole, so that the start fails, and not a read years later.
    """

    def __init__(
        self,
        name: str,
        versions: Mapping[str, type[BaseModel]],
        upcasters: Mapping[str, Callable[[Any], BaseModel]],
    ) -> None:
        self.name = name
        self.versions = dict(versions)
        self.upcasters = dict(upcasters)
        self.newest = list(self.versions)[-1]
        self._newest_minor = {major(version): version for version in self.versions}
        self._check_chain()
        chain = list(self.versions)
        self._upcasters_from = {at: [self.upcasters[step] for step in chain[i:-1]] for i, at in enumerate(chain)}

    def _check_chain(self) -> None:
        ordered = sorted(self.versions, key=lambda version: (major(version), minor(version)))
        if ordered != list(self.versions):
            raise ValueError(f"{self.name}: expected versions oldest first, found {list(self.versions)}")
        if set(self.upcasters) != set(ordered[:-1]):
            raise ValueError(
                f"{self.name}: expected one upcaster from each of {ordered[:-1]}, found {sorted(self.upcasters)}"
            )

    def known_version(self, version: str) -> str:
        """Return the version whose model reads `version`: itself, or for a newer minor the newest of its major.

        Raise InvalidInputError for an unknown major, with the known versions.
        """
        if version in self.versions:
            return version
        if VERSION.match(version) and major(version) in self._newest_minor:
            return self._newest_minor[major(version)]
        raise InvalidInputError(
            [FieldError("version", f"a version of {self.name} that is known here ({known_versions(self)})", version)]
        )

    def model(self, version: str) -> type[BaseModel]:
        """Return the model of payloads of `version`."""
        return self.versions[self.known_version(version)]

    def current(self, version: str, payload: str) -> BaseModel:
        """Return the JSON text `payload` of `version` as the newest model."""
        validator = self.model(version).__pydantic_validator__  # like `validate`
        return self.upcast(version, validator.validate_json(payload))

    def upcast(self, version: str, value: BaseModel) -> BaseModel:
        """Return a payload of `version` as the newest model."""
        for upcast in self._upcasters_from[self.known_version(version)]:
            value = upcast(value)
        return value


def known_versions(event_type: EventType) -> str:
    return ", ".join(event_type.versions)


def major(version: str) -> int:
    return int(version.partition(".")[0])


def minor(version: str) -> int:
    return int(version.partition(".")[2])
