"""What Prometheus is told of messages: how many came and went, how long they took, how many are dead letters.

The names are those of the dashboards that watch the RabbitMQ platform. The processes of one `serve` count together,
in files of a folder that they share: prometheus-client has them do so wherever PROMETHEUS_MULTIPROC_DIR names one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import ValueClass

SHARED = "PROMETHEUS_MULTIPROC_DIR"

UNREAD = "unread"
"""The type of a message that was refused before its type was known: what senders write is no label."""

REFUSED = "refused"
FAILED = "failed"
"""What became of messages that were not recorded: they never will be, or they come again."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double the series

PUBLISHED = Counter(
    "events_published_total",
    "Announcements sent to other systems, by what became of them",
    ("source", "type", "outcome"),
)
CONSUMED = Counter(
    "events_consumed_total", "Messages taken from other systems, by what became of them", ("source", "type", "outcome")
)
PROCESSING_SECONDS = Histogram(
    "event_processing_duration_seconds", "From when a message was taken until it was recorded", ("source", "type")
)
PROCESSING_ERRORS = Counter(
    "event_processing_errors_total", "Messages that were refused, or failed to be recorded", ("source", "type")
)
DEAD_LETTERS = Gauge(
    "dlq_message_count", "Dead letters that are there now", ("source",), multiprocess_mode="mostrecent"
)


def count_recorded(source: str, kind: str, outcome: str, seconds: float, number: int = 1) -> None:
    """Counts so many messages of that type, what became of each, and how long that took."""
    CONSUMED.labels(source, kind, outcome).inc(number)
    processing = PROCESSING_SECONDS.labels(source, kind)
    for _ in range(number):
        processing.observe(seconds)


def count_error(source: str, kind: str, outcome: str) -> None:
    """Counts a message of that type that was refused, or failed."""
    CONSUMED.labels(source, kind, outcome).inc()
    PROCESSING_ERRORS.labels(source, kind).inc()


@contextmanager
def share_counters() -> Iterator[None]:
    """Has the processes that are started while the block runs count together; with others, if they do already."""
    if SHARED in os.environ:
        yield
        return
    with TemporaryDirectory(prefix="lms-metrics-") as folder:
        os.environ[SHARED] = folder
        try:
            yield
        finally:
            del os.environ[SHARED]


def expose(host: str, port: int) -> None:
    """Answers Prometheus there, from a thread of its own. Raises OSError where that cannot be."""
    start_http_server(port, host, registry())


def exposition(accept: str) -> tuple[bytes, str]:
    """All metrics in a format that the header `Accept` asks for, and its content type."""
    encode, content_type = choose_encoder(accept)
    return encode(registry()), content_type


def registry() -> CollectorRegistry:
    """This process's metrics, or those of all that count together with it."""
    if not getattr(ValueClass, "_multiprocess", False):
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together
