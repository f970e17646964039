"""The monitor, put together: the platform and its layout, as the settings name them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.engine import URL

from bootstrap.settings import Settings
from bootstrap.sinks import make_notifier
from eventstore.errors import LmsError
from integrations.inbound.inbox import Inbox
from integrations.platform_monitor.layout import Layout
from integrations.platform_monitor.mentor_cache import Mentors
from integrations.platform_monitor.monitor import Monitor
from integrations.platform_monitor.platform import Platform
from integrations.platform_monitor.poller import Poller
from integrations.platform_monitor.processor import ActivityIntake
from integrations.platform_monitor.settings import MonitorSettings
from integrations.runtime.leader import in_background


def check_monitoring(settings: Settings) -> None:
    """What of the settings can be found wrong before anything is opened. Raises LmsError for it."""
    layout_of(settings)
    make_notifier(settings)


def layout_of(settings: Settings) -> Layout:
    """The platform's layout. Raises LmsError where the monitor is switched off, or not told what it needs."""
    monitor = settings.of(MonitorSettings)
    if not monitor.activity_monitor_enabled:
        raise LmsError("LMS_ACTIVITY_MONITOR_ENABLED: expected true, found false: nothing is monitored")
    if monitor.activity_layout_file is None:
        raise LmsError("LMS_ACTIVITY_LAYOUT_FILE: expected the file that names the platform's tables, found nothing")
    if monitor.db_name is None:
        raise LmsError("LMS_DB_NAME: expected the platform's database, found nothing")
    return Layout.load(monitor.activity_layout_file)


def url_of(settings: MonitorSettings) -> URL:
    """Where the platform's database is."""
    password = settings.db_password.get_secret_value() if settings.db_password else None
    return URL.create("postgresql", settings.db_user, password, settings.db_host, settings.db_port, settings.db_name)


@asynccontextmanager
async def open_monitor(settings: Settings, inbox: Inbox, interval_sec: float | None = None) -> AsyncIterator[Monitor]:
    """A monitor that takes in what it finds there. Raises LmsError as `layout_of` does."""
    layout, monitor = layout_of(settings), settings.of(MonitorSettings)
    platform = Platform(url_of(monitor), layout)
    database, clock = inbox.engine.database, inbox.engine.clock
    mentors = Mentors(platform.mentors, clock)
    intake = ActivityIntake(inbox, layout, mentors, monitor.types_to_monitor, make_notifier(settings))
    polling = Poller(database, platform, intake, clock)
    try:
        yield Monitor(database, polling, mentors, clock, interval_sec or monitor.activity_poll_interval)
    finally:
        await platform.close()


@asynccontextmanager
async def monitoring(settings: Settings, inbox: Inbox) -> AsyncIterator[None]:
    """Monitors while the block runs, if that is switched on. Any number of processes may: one at a time polls."""
    if not settings.of(MonitorSettings).activity_monitor_enabled:
        yield
        return
    async with open_monitor(settings, inbox) as monitor, in_background(monitor.run):
        yield
