"""Every setting, read from the environment (prefix LMS_). docs/settings.md lists them; a test holds it complete."""

import logging
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo
from pydantic_settings import SettingsConfigDict

from bootstrap.addresses import of_servers, url_of
from bootstrap.monitor_settings import ActivitySettings
from bootstrap.notification_settings import NotificationSettings
from bootstrap.unknown_variables import find_unknown
from bootstrap.variables import PREFIX, fault_of_variable
from eventstore.errors import InvalidInputError, field_errors
from signals.signal import SignalType
from signals.xp import XpValues

log = logging.getLogger(__name__)

Xp = Annotated[int, Field(ge=0, le=1_000_000)]


def long_enough(secret: SecretStr) -> SecretStr:
    """HS256 is as strong as its secret, and a short one can be found by trying."""
    if len(secret.get_secret_value().encode()) < TOKEN_SECRET_BYTES:
        raise ValueError(f"at least {TOKEN_SECRET_BYTES} bytes")
    return secret


TOKEN_SECRET_BYTES = 32
TokenSecret = Annotated[SecretStr, AfterValidator(long_enough)]


def with_its_servers(ingest: str, known: ValidationInfo) -> str:
    """Events go to Kafka only if it is known where that is."""
    if ingest == "kafka" and known.data.get("kafka_bootstrap_servers") is None:
        raise ValueError("`database` while KAFKA_BOOTSTRAP_SERVERS is absent")
    return ingest


OnRabbitmq = Literal["STEP_COMPLETED,COURSE_COMPLETED", "STEP_COMPLETED", "COURSE_COMPLETED", "none"]
"""Which of the signals that its platform has events for."""


class Settings(ActivitySettings, NotificationSettings):
    """What an operator can choose. Secrets that are absent switch off what they protect."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, populate_by_name=True)

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
    max_message_bytes: Annotated[int, Field(gt=0)] = Field(
        1_000_000, description="The largest message of another system that is taken, in bytes"
    )
    redis_url: Annotated[SecretStr, AfterValidator(url_of("redis", "rediss"))] | None = Field(
        None, description="`redis://…` or `rediss://…`; without it nothing is consumed from Redis"
    )
    redis_group: Annotated[str, Field(min_length=1)] = Field(
        "lms-progress", description="The consumer group that reads the streams"
    )
    redis_claim_sec: Annotated[float, Field(gt=0)] = Field(
        60, description="After so many seconds without an end, a message is taken over from the consumer that has it"
    )
    rabbitmq_url: Annotated[SecretStr, AfterValidator(url_of("amqp", "amqps"))] | None = Field(
        None, description="`amqp://…` or `amqps://…`; without it nothing is consumed from RabbitMQ, nor announced there"
    )
    rabbitmq_announces: OnRabbitmq = Field(
        "STEP_COMPLETED,COURSE_COMPLETED",
        description="The signals that are announced on RabbitMQ: both, one, or `none`",
    )
    kafka_bootstrap_servers: Annotated[str, AfterValidator(of_servers)] | None = Field(
        None,
        validation_alias="KAFKA_BOOTSTRAP_SERVERS",
        description="`HOST:PORT`, several separated by commas; without it nothing is consumed from Kafka",
    )
    kafka_group_id: Annotated[str, Field(min_length=1)] = Field(
        "analytics-aggregator", validation_alias="KAFKA_GROUP_ID", description="The group that reads the topics"
    )
    kafka_auto_offset_reset: Literal["earliest", "latest"] = Field(
        "earliest",
        validation_alias="KAFKA_AUTO_OFFSET_RESET",
        description="Where a group begins to read that is new to a topic",
    )
    kafka_session_sec: Annotated[float, Field(ge=1, le=300)] = Field(
        6,
        validation_alias="KAFKA_SESSION_SEC",
        description="After so many seconds without a sign of life, a consumer's partitions go to the others",
    )
    ingest: Annotated[Literal["database", "kafka"], AfterValidator(with_its_servers)] = Field(
        "database", description="Where `POST /v1/events` keeps events before it answers: see integrations/kafka.md"
    )
    mapping_file: Path | None = Field(
        None, description="The TOML file that says which classes and courses the ids of other systems mean"
    )
    webhook_private: bool = Field(
        default=False, description="Whether webhooks may go to loopback, link-local and private addresses"
    )
    xp_video_completed: Xp = Field(10, description="XP for VIDEO_COMPLETED")
    xp_quiz_passed: Xp = Field(20, description="XP for QUIZ_PASSED")
    xp_step_completed: Xp = Field(30, description="XP for STEP_COMPLETED")
    xp_course_completed: Xp = Field(100, description="XP for COURSE_COMPLETED")

    @property
    def xp_values(self) -> XpValues:
        """What each signal earns."""
        return {kind: getattr(self, f"xp_{kind.lower()}") for kind in SignalType}


def load() -> Settings:
    """The settings of this process. Raises InvalidInput that names the variables that are wrong.

    Logs a warning for each variable that begins with LMS_ and is no setting.
    """
    for warning in find_unknown(os.environ, Settings.model_fields):
        log.warning(warning)
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidInputError(
            [fault_of_variable(fault) for fault in field_errors(error)]
        ) from None  # it holds secrets
