"""Limits of the integrations: sizes of batches and pages, and pauses."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Limits:
    """How much the integrations do at once, and how long they wait. Tests pass smaller ones."""

    shortest_pause_sec: float = 0.1
    """The pause after the first failure of another system. Each later pause is twice as long."""

    longest_pause_sec: float = 10.0
    """The longest pause between attempts to reach another system."""

    lease_duration: timedelta = timedelta(seconds=6)
    """How long a lease is valid without renewal, so how long other processes wait for one that was killed."""

    lease_renewal_sec: float = 2.0
    """Pause between two renewals of a lease."""

    idle_sec: float = 1.0
    """Pause before a process looks again whether it can become the leader."""

    fan_out_messages: int = 500
    """Messages that one transaction fans out. Transactions that record events may have to wait for it."""

    outbox_pause_sec: float = 0.25
    """Pause between two looks into the outbox while it is empty."""

    dead_letter_count_interval: timedelta = timedelta(seconds=15)
    """How often dead deliveries are counted for the metrics."""

    sink_batch_messages: int = 100
    """Messages that a sink gets at once."""

    delivery_pause_sec: float = 1.0
    """Pause between two looks for due deliveries, unless a message was fanned out."""

    save_retry_sec: float = 1.0
    """Pause before the results of a batch are saved again after the database was unavailable."""

    receiver_answer_sec: float = 10.0
    """How long a receiver (a webhook's URL, Zulip, an SMTP server) may take to answer."""

    receiver_batch_sec: float = 20.0
    """After this time a sink sends no more of its batch, so that the results so far are saved."""

    receiver_requests: int = 4
    """Requests that are under way to one receiver at once."""

    zulip_page_messages: int = 200
    """Messages of a Zulip conversation that are read at once."""

    platform_page_rows: int = 1_000
    """Rows of the monitored platform that are read at once."""


DEFAULT_LIMITS = Limits()
