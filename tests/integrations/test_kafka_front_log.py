"""LMS_INGEST=kafka: events are acknowledged when Kafka has them, and any number of consumers appends them."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given

from eventstore.envelope import validate
from eventstore.errors import RequestError
from integrations.kafka.ingest_topic import GROUP, to_event, to_record
from integrations.kafka.topics import DEAD_LETTERS
from tests.api.support import accepted
from tests.engine.worlds import Fact, facts
from tests.faults.traffic import until
from tests.support.kafka import KafkaServer
from tests.support.looking import looking
from tests.support.processes import command, consuming
from tests.support.serving import serving

EVENTS = 2_000
LEARNERS = 50
COUNT = "SELECT count(*) AS events, count(DISTINCT event_id) AS ids FROM lms_event"


def ping(number: int) -> dict[str, object]:
    return {
        "type": "VIDEO_PING",
        "event_id": str(uuid.uuid4()),
        "user_id": f"learner {number % LEARNERS}",
        "class_id": "algebra",
        "occurred_at": "2026-02-06T10:45:00Z",
        "payload": {"video_id": "v", "position": number % 300, "duration": 300},
    }


@given(facts(last_slot=3))
def test_an_event_comes_out_of_a_record_as_it_went_in(fact: Fact) -> None:
    event = validate(fact.envelope, datetime(2100, 1, 1, tzinfo=UTC), "api")
    assert to_event(to_record(event)) == event


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (b"{", "record: expected JSON"),
        (b"[]", "record: expected an object, found []"),
        (b'{"recorded_at": "2026-02-06T10:45:00Z", "source": "api"}', "event_id: expected text, found None"),
        (b'{"event_id": "1", "recorded_at": "soon", "source": "api"}', "recorded_at: expected a valid datetime"),
        (b'{"event_id": "1", "recorded_at": "2026-02-06T10:45:00Z", "source": "api"}', "type: expected a value"),
    ],
)
def test_a_record_that_is_no_event_is_refused(record: bytes, says: str) -> None:
    with pytest.raises(RequestError) as refused:
        to_event(record)
    assert says in str(refused.value)


def test_what_is_acknowledged_is_appended_once_whoever_is_killed(
    kafka: KafkaServer, new_database: Callable[[], str]
) -> None:
    url, posted = new_database(), [ping(number) for number in range(EVENTS)]
    settings = {"KAFKA_BOOTSTRAP_SERVERS": kafka.servers, "KAFKA_SESSION_SEC": "1"}
    with (
        serving(url, "--dev", LMS_INGEST="kafka", **settings) as server,
        consuming("kafka", url, "--ingest", **settings) as killed,
        consuming("kafka", url, "--ingest", **settings),
        looking(url) as look,
    ):
        for start in range(0, EVENTS, 100):
            answer = server.client.post("/v1/events", json=posted[start : start + 100])
            assert answer.status_code == httpx.codes.ACCEPTED
            assert answer.json() == {"accepted": 100, "duplicates": 0, "rejected": [], "signals": []}
        killed.kill()
        assert server.client.post("/v1/events", json=posted[:100]).status_code == httpx.codes.ACCEPTED
        until(lambda: kafka.lag(GROUP) == 0, look_every_sec=0.2)
        assert [tuple(row) for row in look(COUNT)] == [(EVENTS, EVENTS)]
        assert len(server.client.get("/v1/progress?limit=1000").json()["items"]) == LEARNERS
    assert command("verify", LMS_DATABASE_URL=url).returncode == 0


def test_what_is_refused_is_refused_before_kafka_has_it(kafka: KafkaServer, new_sqlite: Callable[[], str]) -> None:
    with serving(new_sqlite(), "--dev", LMS_INGEST="kafka", KAFKA_BOOTSTRAP_SERVERS=kafka.servers) as server:
        some = server.client.post("/v1/events", json=[ping(1), {"type": "VIDEO_PING"}])
        assert (some.status_code, some.json()["accepted"]) == (httpx.codes.MULTI_STATUS, 1)
        none = server.client.post("/v1/events", json={"type": "VIDEO_PING"})
        assert none.status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_of_what_has_an_event_too_large_for_kafka_nothing_is_kept(
    kafka: KafkaServer, new_sqlite: Callable[[], str]
) -> None:
    large = ping(2) | {"payload": {"video_id": "v", "position": 1, "duration": 300, "note": "x" * 1_000_000}}
    with serving(new_sqlite(), "--dev", LMS_INGEST="kafka", KAFKA_BOOTSTRAP_SERVERS=kafka.servers) as server:
        refused = server.client.post("/v1/events", json=[*map(ping, range(500)), large])
        assert refused.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
        assert "expected events of at most 1000000 bytes, found one of 1000" in refused.json()["detail"]
    offsets = kafka.tool(
        "org.apache.kafka.tools.GetOffsetShell", "--bootstrap-server", kafka.servers, "--topic", "learner-events"
    )
    begun = kafka.tool(
        "org.apache.kafka.tools.GetOffsetShell",
        *("--bootstrap-server", kafka.servers, "--topic", "learner-events", "--time", "earliest"),
    )
    assert offsets == begun


def test_without_kafka_nothing_is_acknowledged_and_the_server_serves_on(new_sqlite: Callable[[], str]) -> None:
    with serving(new_sqlite(), "--dev", LMS_INGEST="kafka", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1") as server:
        refused = server.client.post("/v1/events", json=ping(1))
        assert refused.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert "kafka: expected a broker at 127.0.0.1:1" in refused.json()["detail"]
        accepted(server.client.get("/v1/progress"))


def test_what_is_no_event_is_a_dead_letter_and_the_topic_goes_on(
    kafka: KafkaServer, new_sqlite: Callable[[], str]
) -> None:
    url = new_sqlite()
    producer = ("--bootstrap-server", kafka.servers, "--topic", "learner-events")
    with (
        serving(url, "--dev", LMS_INGEST="kafka", KAFKA_BOOTSTRAP_SERVERS=kafka.servers) as server,
        consuming("kafka", url, "--ingest", KAFKA_BOOTSTRAP_SERVERS=kafka.servers),
    ):
        kafka.tool("org.apache.kafka.tools.ConsoleProducer", *producer, said="nonsense\n")
        assert server.client.post("/v1/events", json=ping(1)).status_code == httpx.codes.ACCEPTED
        until(lambda: kafka.lag(GROUP) == 0, look_every_sec=0.2)
        assert len(server.client.get("/v1/events").json()["items"]) == 1
    assert kafka.messages(DEAD_LETTERS.name) == 1


def test_kafka_has_to_be_named_where_events_go_there(new_sqlite: Callable[[], str]) -> None:
    ended = command("serve", "--dev", LMS_DATABASE_URL=new_sqlite(), LMS_INGEST="kafka")
    assert ended.returncode == 1
    assert "LMS_INGEST: expected `database` while KAFKA_BOOTSTRAP_SERVERS is absent, found 'kafka'" in ended.stderr
