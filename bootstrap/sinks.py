"""The sinks that announcements go to: those of the systems that the settings configure, and one a subscription."""

from collections.abc import Callable

from bootstrap.settings import Settings
from eventstore.errors import FeatureDisabledError
from integrations.inbound.inbox import Inbox
from integrations.inbound.mapping import SystemMapping
from integrations.notifications.notification import Notifier
from integrations.notifications.recipients_hook import load
from integrations.notifications.settings import NotificationSettings
from integrations.outbound.relay import Relay
from integrations.outbound.sink import Sinks, SinkSpec
from integrations.system import Systems
from integrations.systems import SYSTEMS
from integrations.webhook.webhooks import webhooks


def make_relay(settings: Settings, inbox: Inbox, *, private_webhooks: bool, systems: Systems = SYSTEMS) -> Relay:
    """Return the relay to all sinks, which use the mappings of the inbox.

    `private_webhooks` allows webhooks to private addresses.
    """
    engine = inbox.engine
    sinks = Sinks(sinks_of(settings, inbox, systems), webhooks(engine.database, engine.clock, private=private_webhooks))
    return Relay(engine.database, sinks, engine.clock)


def sinks_of(settings: Settings, inbox: Inbox, systems: Systems) -> list[SinkSpec]:
    """Return the sinks of the systems that the settings configure."""
    found = [
        system.sink(settings.of(system.settings), current_mapping(inbox, system.name))
        for system in systems.values()
        if system.sink is not None
    ]
    return [sink for sink in found if sink is not None]


def current_mapping(inbox: Inbox, name: str) -> Callable[[], SystemMapping]:
    return lambda: inbox.mappings.of(name)


def make_notifier(settings: Settings) -> Notifier | None:
    """Return the notifier of mentors, or None while notifications are off.

    Raise InvalidInputError if LMS_NOTIFY_RECIPIENTS names no function.
    """
    notifications = settings.of(NotificationSettings)
    if not notifications.notify_mentors_enabled:
        return None
    name = notifications.notify_recipients
    return Notifier(None if name is None else load(name))


def check_notifying(settings: Settings) -> None:
    """Raise FeatureDisabledError while notifications of mentors are off."""
    if not settings.of(NotificationSettings).notify_mentors_enabled:
        raise FeatureDisabledError(
            "LMS_NOTIFY_MENTORS_ENABLED: expected true, found false: mentors are not told of anything"
        )
