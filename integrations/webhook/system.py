"""The webhooks of subscribers. A sink is made of each subscription in the database, and none of the settings."""

from pydantic import Field
from pydantic_settings import BaseSettings

from integrations.contracts.webhook import ANNOUNCED, SYSTEM, WebhookHeaders
from integrations.system import SEND, Channel, Server, System


class WebhookSettings(BaseSettings):
    """The settings of webhooks."""

    webhook_private: bool = Field(
        default=False, description="Whether webhooks may go to loopback, link-local and private addresses"
    )


WEBHOOK = System(
    SYSTEM,
    WebhookSettings,
    Server("https", "A subscriber, at the URL that it gave"),
    [Channel(None, SEND, ANNOUNCED, WebhookHeaders)],
)
