"""What the learning platform sends to Kafka, sent as it sends it, and what becomes of it here.

Its page names five topics and their events; `tests/integrations/kafka_events.py` has each as the page prints it.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.api.support import accepted
from tests.faults.traffic import until
from tests.integrations.kafka_events import ACTIVITY, ASSESSMENT, EXAM, USER, event, graded, new_id, send
from tests.support.kafka import KafkaServer
from tests.support.serving import Server, serving

COURSE = {
    "title": "Biology",
    "steps": [{"class_id": "photosynthesis", "title": "Photosynthesis", "quiz_id": "leaves", "pass_score": 60}],
}
MAPPING = f"""
[kafka.exam."{EXAM}"]
class_id = "photosynthesis"
"""


@pytest.fixture
def server(kafka: KafkaServer, new_sqlite: Callable[[], str], tmp_path: Path) -> Iterator[Server]:
    """A server with that Kafka, the course, and the mapping file that says which class the exam is of."""
    mapping_file = tmp_path / "mapping.toml"
    mapping_file.write_text(MAPPING)
    settings = {"KAFKA_BOOTSTRAP_SERVERS": kafka.servers, "KAFKA_GROUP_ID": f"group-{uuid.uuid4().hex}"}
    with serving(new_sqlite(), "--dev", LMS_MAPPING_FILE=str(mapping_file), **settings) as server:
        accepted(server.client.put("/v1/courses/biology", json=COURSE))
        yield server


def kept(server: Server) -> Counter[tuple[str, str]]:
    """How many messages were kept, by topic and type."""
    items = server.client.get("/v1/stats/messages").json()["items"]
    return Counter({(item["topic"], item["type"]): item["messages"] for item in items})


def test_a_graded_exam_is_a_quiz_that_was_handed_in(kafka: KafkaServer, server: Server) -> None:
    """assessment-events, exam.graded: 85.5 of 100, and 60 are enough."""
    send(kafka, "assessment-events", graded(event_id=new_id()))

    until(lambda: bool(server.client.get("/v1/progress").json()["items"]))
    [row] = server.client.get(f"/v1/progress?user_id={USER}").json()["items"]
    assert (row["class_id"], row["quiz_score"], row["quiz_passed"]) == ("photosynthesis", 85, 1)
    signals = server.client.get(f"/v1/signals?user_id={USER}").json()["items"]
    assert {signal["type"] for signal in signals} == {"QUIZ_PASSED", "STEP_COMPLETED", "COURSE_COMPLETED"}


def test_the_same_event_again_changes_nothing(kafka: KafkaServer, server: Server) -> None:
    """Producers send again what they are not sure of."""
    once = graded(event_id=new_id())
    send(kafka, "assessment-events", once, once, graded(event_id=new_id(), user_id="somebody else"))

    until(lambda: len(server.client.get("/v1/progress").json()["items"]) == 2)
    assert len(server.client.get("/v1/events").json()["items"]) == 2
    assert kept(server) == {("assessment-events", "exam.graded"): 2}


def test_all_else_is_kept_and_counted_as_activity(kafka: KafkaServer, server: Server) -> None:
    """document-events, meeting-events, tutor-queries, analytics-events, and the other assessment-events."""
    for topic, (said, types) in ACTIVITY.items():
        send(kafka, topic, *[event(event_type, said, event_id=new_id()) for event_type in types])

    expected = {(topic, event_type): 1 for topic, (_, types) in ACTIVITY.items() for event_type in types}
    until(lambda: kept(server) == expected)
    assert server.client.get("/v1/events").json()["items"] == []


def test_what_can_never_be_taken_is_a_dead_letter_with_the_reason(kafka: KafkaServer, server: Server) -> None:
    """Malformed, of an unknown type or version, or too large: the topic goes on behind them."""
    malformed, too_large = '{"event_id": ', "x" * 1_000_001
    unknown_type = event("exam.eaten", ASSESSMENT, event_id=new_id())
    unknown_version = graded(event_id=new_id(), version="7.0")
    good = graded(event_id=new_id())
    send(kafka, "assessment-events", malformed, unknown_type, unknown_version, too_large, good)

    until(lambda: kept(server) == {("assessment-events", "exam.graded"): 1})
    letters = kafka.tool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", kafka.servers,
        "--topic", "lms-progress-dead-letters", "--from-beginning", "--max-messages", "4", "--timeout-ms", "20000",
        "--property", "print.headers=true",
    )  # fmt: skip
    for reason in ("expected JSON", "exam.eaten", "7.0", "expected at most 1000000 bytes, found 1000001"):
        assert reason in letters
