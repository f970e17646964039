"""Every setting, read from the environment (prefix LMS_). docs/settings.md lists them; a test holds it complete."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventstore.errors import FieldError, InvalidInput, field_errors
from signals.signal import SignalType
from signals.xp import Worth

Xp = Annotated[int, Field(ge=0, le=1_000_000)]


def long_enough(secret: SecretStr) -> SecretStr:
    """HS256 is as strong as its secret, and a short one can be found by trying."""
    if len(secret.get_secret_value().encode()) < TOKEN_SECRET_BYTES:
        raise ValueError(f"at least {TOKEN_SECRET_BYTES} bytes")
    return secret


TOKEN_SECRET_BYTES = 32
TokenSecret = Annotated[SecretStr, AfterValidator(long_enough)]


class Settings(BaseSettings):
    """What an operator can choose. Secrets that are absent switch off what they protect."""

    model_config = SettingsConfigDict(env_prefix="LMS_", env_ignore_empty=True)

    database_url: str = Field("sqlite:///lms-progress.db", description="`sqlite:///FILE` or `postgresql://…`")
    tally_signing_secret: SecretStr | None = Field(
        None, description="Tally's signing secret; without it the webhook refuses all it is sent"
    )
    token_secret: TokenSecret | None = Field(
        None, description="Signs learners' tokens, at least 32 bytes; without it no token is good"
    )
    max_body_bytes: Annotated[int, Field(gt=0)] = Field(
        10_000_000, description="The largest request body that is taken, in bytes"
    )
    queue_events: Annotated[int, Field(gt=0)] = Field(
        50_000, description="How many events may wait to be written before more are answered 503"
    )
    xp_video_completed: Xp = Field(10, description="XP for VIDEO_COMPLETED")
    xp_quiz_passed: Xp = Field(20, description="XP for QUIZ_PASSED")
    xp_step_completed: Xp = Field(30, description="XP for STEP_COMPLETED")
    xp_course_completed: Xp = Field(100, description="XP for COURSE_COMPLETED")

    @property
    def worth(self) -> Worth:
        """What each signal earns."""
        return {kind: getattr(self, f"xp_{kind.lower()}") for kind in SignalType}


def load() -> Settings:
    """The settings of this process. Raises InvalidInput that names the variables that are wrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidInput([fault_of_variable(fault) for fault in field_errors(error)]) from None  # it holds secrets


def fault_of_variable(fault: FieldError) -> FieldError:
    variable = f"LMS_{fault.where.upper()}"
    return FieldError(variable, fault.expected, "another" if variable.endswith("_SECRET") else fault.found)
