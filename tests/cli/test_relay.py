"""`lms-progress relay` and `lms-progress subscription`: webhooks from a terminal."""

import re

import httpx
import pytest

from eventstore.times import system_clock
from integrations.runtime.lease import Lease
from tests.cli.support import envelope, ndjson, on_database, run
from tests.faults.traffic import until
from tests.integrations.http_receiver import receiving
from tests.support.postgres import free_port
from tests.support.processes import Process, relaying, running

SENT = 'events_published_total{outcome="sent",source="webhook",type="VIDEO_COMPLETED"} 1.0'


def subscribe(url: str, receiver: str, *options: str) -> str:
    """Subscribes a receiver. The subscription's id."""
    made = run(url, "subscription", "create", receiver, *options, LMS_WEBHOOK_PRIVATE="true")
    assert (made.code, made.err) == (0, "")
    said = re.fullmatch(r"id      (webhook-[0-9a-f]{16})\nsecret  whsec_[A-Za-z0-9+/]{43}=\n", made.out)
    assert said is not None, made.out
    return said[1]


def record(url: str, *class_ids: str) -> None:
    """Ada watches the videos of these classes."""
    done = run(url, "import", "-", stdin=ndjson([envelope(class_id=class_id) for class_id in class_ids]))
    assert done.code == 0, done.err


def test_what_is_due_is_sent_once(database_url: str) -> None:
    with receiving() as receiver:
        subscribe(database_url, receiver.url)
        record(database_url, "a", "b")

        done = run(database_url, "relay", "--once", LMS_WEBHOOK_PRIVATE="true")
        assert (done.code, done.out.split(), done.err) == (0, ["delivered", "2", "failed", "0"], "")
        done = run(database_url, "relay", "--once", LMS_WEBHOOK_PRIVATE="true")
        assert (done.code, done.out.split()) == (0, ["delivered", "0", "failed", "0"])

    assert [hook.data["class_id"] for hook in receiver.hooks] == ["a", "b"]


def test_what_fails_ends_it_with_1(database_url: str) -> None:
    with receiving() as receiver:
        receiver.answers = {"/": 500}
        subscribe(database_url, receiver.url)
        record(database_url, "a")

        done = run(database_url, "relay", "--once", LMS_WEBHOOK_PRIVATE="true")

    assert (done.code, done.out.split()) == (1, ["delivered", "0", "failed", "1"])
    assert "GET /v1/deliveries has the reasons" in done.err


def test_beside_a_relay_at_work_it_is_refused(database_url: str) -> None:
    record(database_url, "a")
    assert on_database(database_url, lambda database: Lease(database, "relay", system_clock).acquire())

    done = run(database_url, "relay", "--once")

    assert done.code == 1
    assert "another relay is running, such as a server's; it sends what is due" in done.err


@pytest.mark.slow
def test_a_process_relays_what_comes_until_it_is_stopped(database_url: str) -> None:
    with receiving() as receiver, relaying(database_url, LMS_WEBHOOK_PRIVATE="true") as relay:
        subscribe(database_url, receiver.url, "--type", "VIDEO_COMPLETED")
        record(database_url, "a")
        receiver.await_hooks(1)
        record(database_url, "b")
        receiver.await_hooks(2)
        relay.stop()
        assert relay.log == ""


def test_subscriptions_are_listed_and_deleted(database_url: str) -> None:
    url = "https://93.184.216.34/hooks"
    kept = subscribe(database_url, url, "--type", "COURSE_COMPLETED", "--type", "STEP_COMPLETED")
    ended = subscribe(database_url, url)

    listed = run(database_url, "subscription", "list").out.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [[kept, url], [ended, url]]
    assert "COURSE_COMPLETED STEP_COMPLETED" in listed[1]

    assert run(database_url, "subscription", "delete", ended).out == f"Deleted {ended}.\n"
    assert ended not in run(database_url, "subscription", "list").out
    again = run(database_url, "subscription", "delete", ended)
    assert (again.code, again.out) == (1, "")
    assert f"there is no subscription with the id '{ended}'" in again.err


def test_a_receiver_inside_the_network_is_refused(database_url: str) -> None:
    done = run(database_url, "subscription", "create", "http://127.0.0.1:8000/")
    assert (done.code, done.out) == (1, "")
    assert "url: expected a host at a public address, found 127.0.0.1 at 127.0.0.1" in done.err


@pytest.mark.slow
def test_prometheus_is_told_what_was_sent(database_url: str) -> None:
    port = free_port()
    options = ("relay", "--metrics-port", str(port))
    settings = {"LMS_DATABASE_URL": database_url, "LMS_WEBHOOK_PRIVATE": "true"}
    with (
        receiving() as receiver,
        running(Process, "Relaying", *options, **settings),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        subscribe(database_url, receiver.url)
        record(database_url, "a")
        until(lambda: SENT in client.get("/metrics").text)
