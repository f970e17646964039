"""What became of messages, as whoever handed them in is told."""

from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple

from integrations.inbound.message import MessageKey
from integrations.inbound.translation import Translation
from integrations.tables import InboxStatus
from signals.signal import Signal

DUPLICATE_LABEL = "duplicate"


class Outcome(NamedTuple):
    """A message is `done`, or `parked` for a `reason`; it `is_repeat` if it was so before.

    `signals` followed from its event.
    """

    status: InboxStatus
    is_repeat: bool
    reason: str | None = None
    signals: Sequence[Signal] = ()

    @property
    def label(self) -> str:
        """What became of it, as metrics name it: done, parked or duplicate."""
        return DUPLICATE_LABEL if self.is_repeat else self.status.value


DUPLICATE = Outcome(InboxStatus.DONE, is_repeat=True)
"""Of a message that was done before, here or by somebody else meanwhile."""


def outcomes_of(
    translations: Iterable[Translation], changed: Set[MessageKey], signals: Iterable[Signal]
) -> dict[MessageKey, Outcome]:
    """Of each message, of which those `changed` are not as they were. A signal is told to its learner's last one."""
    translations = list(translations)
    last = {each.event.user_id: each.message.key for each in translations if each.event is not None}
    followed: dict[MessageKey, list[Signal]] = {}
    for signal in signals:
        followed.setdefault(last[signal.user_id], []).append(signal)
    return {
        each.message.key: Outcome(
            each.status, each.message.key not in changed, each.reason, followed.get(each.message.key, ())
        )
        for each in translations
    }
