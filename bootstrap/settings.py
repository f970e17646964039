"""Every setting, read from the environment. docs/settings.md lists them, and a test checks that it is complete.

`Settings` has the program's own settings. Each system declares those of its own; `AllSettings` has all of them.
"""

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, create_model
from pydantic_settings import BaseSettings, SettingsConfigDict

from bootstrap.unknown_variables import find_unknown
from eventstore.errors import InvalidInputError, field_errors
from integrations.runtime.variables import PREFIX, fault_of_variable
from integrations.system import System
from integrations.systems import SYSTEMS
from signals.signal import SignalType
from signals.xp import XpValues

log = logging.getLogger(__name__)

Xp = Annotated[int, Field(ge=0, le=1_000_000)]
SystemSettings = TypeVar("SystemSettings", bound=BaseSettings)


def long_enough(secret: SecretStr) -> SecretStr:
    """Refuse a short secret: it can be found by trying, and HS256 is as strong as its secret."""
    if len(secret.get_secret_value().encode()) < TOKEN_SECRET_BYTES:
        raise ValueError(f"at least {TOKEN_SECRET_BYTES} bytes")
    return secret


TOKEN_SECRET_BYTES = 32
TokenSecret = Annotated[SecretStr, AfterValidator(long_enough)]


class Settings(BaseSettings):
    """The program's own settings. A secret that is absent switches off the feature that it protects."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, populate_by_name=True)

    database_url: str = Field("sqlite:///lms-progress.db", description="`sqlite:///FILE` or `postgresql://…`")
    token_secret: TokenSecret | None = Field(
        None, description="Signs learners' tokens, at least 32 bytes; without it no token is good"
    )
    max_body_bytes: Annotated[int, Field(gt=0)] = Field(
        10_000_000, description="The largest request body that is taken, in bytes"
    )
    queue_events: Annotated[int, Field(gt=0)] = Field(
        50_000, description="How many events may wait to be written before more are answered 503"
    )
    max_message_bytes: Annotated[int, Field(gt=0)] = Field(
        1_000_000, description="The largest message of another system that is taken, in bytes"
    )
    mapping_file: Path | None = Field(
        None, description="The TOML file that says which classes and courses the ids of other systems mean"
    )
    xp_video_completed: Xp = Field(10, description="XP for VIDEO_COMPLETED")
    xp_quiz_passed: Xp = Field(20, description="XP for QUIZ_PASSED")
    xp_step_completed: Xp = Field(30, description="XP for STEP_COMPLETED")
    xp_course_completed: Xp = Field(100, description="XP for COURSE_COMPLETED")

    @property
    def xp_values(self) -> XpValues:
        """Return the XP of each type of signal."""
        return {kind: getattr(self, f"xp_{kind.lower()}") for kind in SignalType}

    def of(self, system_settings: type[SystemSettings]) -> SystemSettings:
        """Return these settings as the settings of one system."""
        if not isinstance(self, system_settings):
            raise TypeError(f"{system_settings.__name__} are settings of no system that is listed")
        return self


def settings_class(systems: Iterable[System[Any]]) -> type[Settings]:
    """Return the class of the program's own settings and those of all these systems."""
    of_systems = dict.fromkeys(system.settings for system in systems)
    return create_model("AllSettings", __base__=(*of_systems, Settings))  # the last one's configuration counts


AllSettings = settings_class(SYSTEMS.values())


def load() -> Settings:
    """Return the settings of this process. Raise InvalidInputError that names the variables that are wrong.

    Log a warning for each variable that begins with LMS_ and is no setting.
    """
    for warning in find_unknown(os.environ, AllSettings.model_fields):
        log.warning(warning)
    try:
        return AllSettings()
    except ValidationError as error:
        raise InvalidInputError(
            [fault_of_variable(fault) for fault in field_errors(error)]
        ) from None  # it holds secrets
