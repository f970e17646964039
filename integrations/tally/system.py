"""Tally, whose forms are posted to a webhook of ours."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from integrations.contracts.tally import SOURCE, TYPES
from integrations.system import RECEIVE, Channel, Server, System
from integrations.tally.decode import decode
from integrations.tally.translate import TRANSLATOR


class TallySettings(BaseSettings):
    """The settings of Tally."""

    tally_signing_secret: SecretStr | None = Field(
        None, description="Tally's signing secret; without it the webhook refuses all it is sent"
    )


TALLY = System(
    SOURCE,
    TallySettings,
    Server("https", "This service: the URL that a form's webhook is given"),
    [Channel("/v1/webhooks/tally", RECEIVE, TYPES)],
    decode,
    TRANSLATOR,
)
