"""`lms-progress consume`: what it refuses at once, what it waits for, and how it ends."""

import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.cli.support import run
from tests.faults.traffic import until
from tests.support.postgres import free_port
from tests.support.processes import consuming

NOBODY = "redis://:secret@127.0.0.1:1/0"


@pytest.mark.parametrize(
    ("system", "settings", "reason"),
    [
        ("postal", {}, "lms-progress: expected redis or rabbitmq or kafka, found postal\n"),
        ("redis", {}, "lms-progress: LMS_REDIS_URL: expected where redis is, found nothing\n"),
        (
            "redis",
            {"LMS_REDIS_URL": "http://ada:secret@school"},
            "lms-progress: LMS_REDIS_URL: expected a URL such as redis://HOST:PORT, found another\n",
        ),
        (
            "redis",
            {"LMS_REDIS_URL": "redis://school:many"},
            "lms-progress: LMS_REDIS_URL: expected a URL such as redis://HOST:PORT, found another\n",
        ),
        (
            "redis",
            {"LMS_REDIS_CLAIM_SEC": "0"},
            "lms-progress: LMS_REDIS_CLAIM_SEC: expected greater than 0, found '0'\n",
        ),
        (
            "kafka",
            {"KAFKA_BOOTSTRAP_SERVERS": "HOST:x"},
            "lms-progress: KAFKA_BOOTSTRAP_SERVERS: expected HOST:PORT, several separated by commas, found 'HOST:x'\n",
        ),
    ],
)
def test_what_cannot_be_consumed_is_refused(
    new_sqlite: Callable[[], str], system: str, settings: dict[str, str], reason: str
) -> None:
    ended = run(new_sqlite(), "consume", system, stdin=b"", **settings)

    assert (ended.code, ended.out, ended.err) == (1, "", reason)


@pytest.mark.slow
def test_a_broker_that_cannot_be_had_is_waited_for_and_said_once(new_sqlite: Callable[[], str]) -> None:
    with consuming("redis", new_sqlite(), LMS_REDIS_URL=NOBODY) as consumer:
        until(lambda: "redis: no messages are consumed: expected an answer from Redis, found: " in consumer.log)
        consumer.stop()

        assert consumer.log.count("\n") == 1
        assert "secret" not in consumer.log


@pytest.mark.slow
def test_prometheus_is_answered_where_asked(new_sqlite: Callable[[], str]) -> None:
    port = free_port()
    with (
        consuming("redis", new_sqlite(), "--metrics-port", str(port), LMS_REDIS_URL=NOBODY),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        metrics = client.get("/metrics")

    assert metrics.status_code == httpx.codes.OK
    assert "# TYPE events_consumed_total counter" in metrics.text


def test_what_cannot_be_consumed_is_refused_before_the_database_is_touched(tmp_path: Path) -> None:
    database = tmp_path / "lms.db"

    assert run(f"sqlite:///{database}", "consume", "redis").code == 1

    assert not database.exists()


def test_metrics_where_somebody_listens_already_are_refused(new_sqlite: Callable[[], str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(new_sqlite(), "consume", "redis", "--metrics-port", str(port), LMS_REDIS_URL=NOBODY)

    reason = f"expected to listen on 127.0.0.1, port {port}, found: Address already in use"
    assert (ended.code, ended.out, ended.err) == (1, "", f"lms-progress: {reason}\n")
