"""The monitored platform, whose database is polled."""

from integrations.contracts.activity import BY_TABLE, SOURCE
from integrations.platform_monitor.decode import decode
from integrations.platform_monitor.settings import MonitorSettings
from integrations.platform_monitor.translate import CONTENT, EXAM, TRANSLATOR
from integrations.system import RECEIVE, Channel, Server, System

ACTIVITY = System(
    SOURCE,
    MonitorSettings,
    Server("postgresql", "The monitored platform's database, as in LMS_DB_HOST: it is polled"),
    [Channel(table, RECEIVE, types) for table, types in BY_TABLE.items()],
    decode,
    TRANSLATOR,
    mapping_kinds=(EXAM, CONTENT),
)
