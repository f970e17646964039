"""The exam system, over Redis Streams."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from integrations.contracts.redis import ANNOUNCED, PROGRESS_EVENTS, SOURCE, TYPES
from integrations.inbound.source import Source
from integrations.outbound.sink import SinkSpec
from integrations.redis.decode import decode
from integrations.redis.translate import CLASS, MODULE, TRANSLATOR
from integrations.runtime.addresses import url_of
from integrations.system import RECEIVE, SEND, Channel, CurrentMapping, Server, System


class RedisSettings(BaseSettings):
    """The settings of Redis."""

    redis_url: Annotated[SecretStr, AfterValidator(url_of("redis", "rediss"))] | None = Field(
        None, description="`redis://…` or `rediss://…`; without it nothing is consumed from Redis"
    )
    redis_group: Annotated[str, Field(min_length=1)] = Field(
        "lms-progress", description="The consumer group that reads the streams"
    )
    redis_claim_sec: Annotated[float, Field(gt=0)] = Field(
        60, description="After so many seconds without an end, a message is taken over from the consumer that has it"
    )


def source(settings: RedisSettings) -> Source | None:
    if settings.redis_url is None:
        return None
    from integrations.redis.source import RedisSource

    return RedisSource(settings.redis_url.get_secret_value(), settings.redis_group, settings.redis_claim_sec)


def sink(settings: RedisSettings, mapping: CurrentMapping) -> SinkSpec | None:
    url = settings.redis_url
    if url is None:
        return None
    from integrations.redis.encode import TYPES as ENCODED
    from integrations.redis.sink import RedisSink

    return SinkSpec(SOURCE, SOURCE, ENCODED, lambda: RedisSink(url.get_secret_value(), mapping))


REDIS = System(
    SOURCE,
    RedisSettings,
    Server("redis", "The exam system's Redis, as in LMS_REDIS_URL"),
    [
        *(Channel(stream, RECEIVE, types) for stream, types in TYPES.items()),
        Channel(PROGRESS_EVENTS, SEND, ANNOUNCED),
    ],
    decode,
    TRANSLATOR,
    mapping_kinds=(CLASS, MODULE),
    address_setting="LMS_REDIS_URL",
    source=source,
    sink=sink,
)
