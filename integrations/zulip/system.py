"""Zulip, whose bot notifies mentors."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from integrations.contracts.notification import NOTIFIED
from integrations.notifications.settings import Mailbox, NotificationSettings, with_its
from integrations.outbound.sink import SinkSpec
from integrations.runtime.addresses import web_address
from integrations.system import CurrentMapping, System
from integrations.zulip import SYSTEM


class ZulipSettings(NotificationSettings):
    """The settings of Zulip."""

    zulip_site: Annotated[str, AfterValidator(web_address)] | None = Field(
        None, description="The URL of a Zulip organisation, whose bot notifies mentors of activities"
    )
    zulip_email: Annotated[Mailbox | None, AfterValidator(with_its("zulip_site"))] = Field(
        None, validate_default=True, description="The e-mail address of that bot"
    )
    zulip_api_key: Annotated[SecretStr | None, AfterValidator(with_its("zulip_site"))] = Field(
        None, validate_default=True, description="The bot's key"
    )


def sink(settings: ZulipSettings, _: CurrentMapping) -> SinkSpec | None:
    site, email, key = settings.zulip_site, settings.zulip_email, settings.zulip_api_key
    if site is None or email is None or key is None or not settings.notify_mentors_enabled:
        return None
    from integrations.zulip.client import Bot
    from integrations.zulip.rate_limiter import RateLimiter
    from integrations.zulip.sink import ZulipSink

    bot, rate_limiter = Bot(site, email, key.get_secret_value()), RateLimiter()
    return SinkSpec(SYSTEM, SYSTEM, frozenset(NOTIFIED), lambda: ZulipSink(bot, rate_limiter))


ZULIP = System(SYSTEM, ZulipSettings, sink=sink)
