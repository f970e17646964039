"""The notifier: what whoever takes an activity in writes into the outbox with it. Clocks and rows are the caller's."""

from collections.abc import Sequence
from datetime import datetime

from integrations.contracts.activity import Activity
from integrations.contracts.notification import TOLD_OF
from integrations.notifications.notification import notifications
from integrations.notifications.recipient import Recipient
from integrations.notifications.recipients_hook import PlugIn
from signals.outbox import OutboxMessage


class Notifier:
    """Tells the recipients that the platform gives, or whom the operator's function makes of them."""

    def __init__(self, plug_in: PlugIn | None = None) -> None:
        self._plug_in = plug_in

    def announcements(
        self, activity: Activity, message_id: str, recipients: Sequence[Recipient], now: datetime
    ) -> list[OutboxMessage]:
        """What to forward to the outbox in the transaction that keeps the activity's message."""
        if activity.event_type not in TOLD_OF:
            return []
        chosen = recipients if self._plug_in is None else self._plug_in(activity, recipients)
        return notifications(activity, message_id, chosen, now)
