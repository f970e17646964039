"""`consume kafka --notify`: who subscribed to a type of the platform's events is told of each, and nothing is kept."""

import json
from collections.abc import Callable

import httpx

from eventstore.times import system_clock, to_text
from tests.api.support import problem
from tests.faults.traffic import until
from tests.integrations.http_receiver import receiving
from tests.integrations.kafka_events import MEETING, USER, event, graded, new_id, send
from tests.support.kafka import KafkaServer
from tests.support.processes import consuming
from tests.support.serving import serving

GROUP = "notification-sender"


def now() -> str:
    return to_text(system_clock())


def test_who_subscribed_is_told_once_and_of_what_was_asked_for(
    kafka: KafkaServer, new_sqlite: Callable[[], str]
) -> None:
    url = new_sqlite()
    with receiving() as receiver, serving(url, "--dev") as server:
        types = {"types": ["exam.graded"], "url": receiver.url}
        assert server.client.post("/v1/subscriptions", json=types).status_code == httpx.codes.CREATED
        with consuming("kafka", url, "--notify", KAFKA_BOOTSTRAP_SERVERS=kafka.servers):
            send(kafka, "meeting-events", event("meeting.started", MEETING, event_id=new_id(), timestamp=now()))
            told, earlier = graded(event_id=new_id(), timestamp=now()), graded(event_id=new_id())
            send(kafka, "assessment-events", earlier, told, told)
            receiver.await_hooks(1)
            until(lambda: kafka.lag(GROUP) == 0)
        [hook] = receiver.hooks
        said = json.loads(hook.body)
        assert (said["type"], said["data"]) == ("exam.graded", told)
        assert said["data"]["user_id"] == USER
        assert server.client.get("/v1/stats/messages").json()["items"] == []
        assert server.client.get("/v1/progress").json()["items"] == []


def test_what_nobody_sends_cannot_be_subscribed_to(new_sqlite: Callable[[], str]) -> None:
    with serving(new_sqlite(), "--dev") as server:
        body = {"url": "https://hooks.example.org", "types": ["exam.eaten"]}
        refused = server.client.post("/v1/subscriptions", json=body)
        problem(refused, httpx.codes.UNPROCESSABLE_ENTITY, "types.0: expected one of VIDEO_COMPLETED")
