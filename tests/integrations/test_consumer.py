"""The consumer, of a broker that does as it is told: nothing is settled before it is recorded, nothing ends it."""

import asyncio
import logging

import pytest
from prometheus_client import REGISTRY

from eventstore.errors import UnavailableError
from integrations.inbound import consumer
from integrations.inbound import source as sources
from integrations.inbound.consumer import Consumer, name_of
from integrations.inbound.source import ATTEMPTS, Delivery
from integrations.runtime.limits import Limits
from tests.integrations.scripted import NOW, ScriptedSource, Word, WordHandler

LARGEST = 100
PATIENCE_SEC = 30
LIMITS = Limits(shortest_pause_sec=0.001, longest_pause_sec=0.001)


async def consume(source: ScriptedSource, receiver: WordHandler) -> None:
    """Consumes until the source is done with all that it has."""

    async with asyncio.timeout(PATIENCE_SEC):
        await Consumer(source, receiver, LARGEST, LIMITS).run(source.stopping)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"source": "scripted", **labels}) or 0


async def test_messages_are_recorded_a_batch_at_a_time_and_then_settled() -> None:
    source, receiver = ScriptedSource("a", "b", "c", batch=2), WordHandler()

    await consume(source, receiver)

    assert receiver.batches == [2, 1]
    assert source.settled == ["a", "b", "c"]


async def test_a_transaction_takes_as_many_messages_as_are_small_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "RECORD_BYTES", 10)
    source, receiver = ScriptedSource("five5", "five6", "large one", "x"), WordHandler()

    await consume(source, receiver)

    assert receiver.batches == [2, 2]
    assert source.settled == ["five5", "five6", "large one", "x"]


async def test_what_the_batch_was_recorded_for_but_not_settled_comes_again_and_is_settled_then() -> None:
    source, receiver = ScriptedSource("a", "b"), WordHandler()
    source.troubles["ack"].append(UnavailableError("the broker was killed"))

    await consume(source, receiver)

    assert source.settled == ["a", "b"]
    assert receiver.recorded == {"a": 2, "b": 2}  # which an inbox tells
    assert source.entered == 2


async def test_while_the_database_is_away_the_batch_is_kept_in_hand() -> None:
    source, receiver = ScriptedSource("a", "b"), WordHandler()
    receiver.troubles.extend([UnavailableError("no database")] * 3)

    await consume(source, receiver)

    assert receiver.recorded == {"a": 1, "b": 1}
    assert source.settled == ["a", "b"]
    assert source.entered == 1


async def test_a_database_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "RECORDING_SEC", 0.01)
    source, receiver = ScriptedSource("a"), WordHandler()
    handle, calls = receiver.handle, []

    async def hangs_once(words: list[Word]) -> list[str]:
        calls.append(words)
        if len(calls) == 1:
            await asyncio.sleep(PATIENCE_SEC)
        return await handle(words)

    monkeypatch.setattr(receiver, "handle", hangs_once)

    await consume(source, receiver)

    assert len(calls) == 2
    assert source.settled == ["a"]


@pytest.mark.parametrize("method", ["enter", "receive", "dead_letter"])
async def test_a_broker_that_goes_away_is_entered_again(method: str, caplog: pytest.LogCaptureFixture) -> None:
    source, receiver = ScriptedSource("a", "unreadable", "b"), WordHandler()
    source.troubles[method].extend([UnavailableError("no broker")] * 2)

    with caplog.at_level(logging.WARNING, logger="integrations.inbound.consumer"):
        await consume(source, receiver)

    assert sorted(source.settled) == ["a", "b"]
    assert [word for word, _ in source.buried] == ["unreadable"]
    said = [record.getMessage() for record in caplog.records]
    assert said.count("scripted: no messages are consumed: no broker") == 1, "it is said once, however often it fails"
    assert said[-1] == "scripted: messages are consumed again"


async def test_what_cannot_be_read_is_buried_with_the_reason_and_the_rest_goes_on() -> None:
    source, receiver = ScriptedSource("a", "unreadable", "b"), WordHandler()

    await consume(source, receiver)

    assert source.buried == [("unreadable", "body: expected a word, found unreadable")]
    assert source.settled == ["a", "b"]


async def test_what_is_too_large_is_buried_unread() -> None:
    source, receiver = ScriptedSource("x" * LARGEST, "y" * (LARGEST + 1)), WordHandler()

    await consume(source, receiver)

    assert source.settled == ["x" * LARGEST]
    assert source.buried == [("y" * (LARGEST + 1), f"expected at most {LARGEST} bytes, found {LARGEST + 1}")]


async def test_a_message_that_fails_for_itself_is_found_among_others_tried_again_and_buried() -> None:
    words = [f"word {number}" for number in range(20)]
    source, receiver = ScriptedSource(*words), WordHandler("word 7", "word 13")

    await consume(source, receiver)

    assert sorted(source.settled) == sorted(set(words) - {"word 7", "word 13"})
    assert all(times == 1 for times in receiver.recorded.values())
    reasons = [("word 7", "ArithmeticError: word 7 is poison"), ("word 13", "ArithmeticError: word 13 is poison")]
    assert source.given_back == reasons * (ATTEMPTS - 1)
    assert source.buried == reasons


async def test_a_fault_while_reading_is_the_message_s_own() -> None:
    source, receiver = ScriptedSource("a", "b"), WordHandler()
    read = receiver.decode

    def faulty(delivery: object) -> Word:
        if getattr(delivery, "body") == b"a":  # noqa: B009
            raise RecursionError("too deep")
        return read(delivery)  # type: ignore[arg-type]

    receiver.decode = faulty  # type: ignore[method-assign]

    await consume(source, receiver)

    assert source.settled == ["b"]
    assert source.buried == [("a", "RecursionError: too deep")]


async def test_a_fault_of_the_source_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    source, receiver = ScriptedSource("a"), WordHandler()
    source.troubles["receive"].append(KeyError("secret"))

    with caplog.at_level(logging.WARNING, logger="integrations.inbound.consumer"):
        await consume(source, receiver)

    assert source.settled == ["a"]
    assert "KeyError in scripted.py" in caplog.text


async def test_no_log_line_shows_what_a_message_says(caplog: pytest.LogCaptureFixture) -> None:
    source, receiver = ScriptedSource("unreadable ada@school", "ada's poison"), WordHandler("ada's poison")

    with caplog.at_level(logging.DEBUG):
        await consume(source, receiver)

    assert len(source.buried) == 2
    assert "ada" not in caplog.text
    assert "words 1 is buried" in caplog.text
    assert "words 2 failed, attempt 3" in caplog.text


def test_the_log_names_a_message_as_its_senders_log_does() -> None:
    delivery = Delivery("user.created", "7", b"", NOW)

    assert name_of(delivery) == "user.created 7"
    assert name_of(delivery._replace(correlation_id="c1\n")) == "user.created 7, correlation id 'c1\\n'"


async def test_stopping_ends_the_batch_under_way_and_takes_no_other() -> None:
    source, receiver = ScriptedSource("a", "b", "c", batch=2), WordHandler()
    handle = receiver.handle

    async def stopped_amid(words: list[Word]) -> list[str]:
        source.stopping.set()
        return await handle(words)

    receiver.handle = stopped_amid  # type: ignore[assignment, method-assign]

    await consume(source, receiver)

    assert source.settled == ["a", "b"]


async def test_stopping_does_not_wait_for_a_database_that_is_away() -> None:
    source, receiver = ScriptedSource("a"), WordHandler()
    receiver.troubles.extend([UnavailableError("no database")] * 1_000_000)

    running = asyncio.create_task(Consumer(source, receiver, LARGEST, LIMITS).run(source.stopping))
    await asyncio.sleep(0.05)
    source.stopping.set()
    async with asyncio.timeout(PATIENCE_SEC):
        await running

    assert source.settled == []


async def test_what_became_of_messages_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "LOOK_EVERY_SEC", 0)
    source, receiver = ScriptedSource("count", "count", "unreadable", "poison"), WordHandler("poison")
    failed = counted("events_consumed_total", type="poison", outcome="failed")
    unread = counted("event_processing_errors_total", type="unread")

    await consume(source, receiver)

    assert counted("events_consumed_total", type="count", outcome="done") == 2
    assert counted("event_processing_duration_seconds_count", type="count") == 2
    assert counted("events_consumed_total", type="poison", outcome="failed") - failed == ATTEMPTS
    assert counted("event_processing_errors_total", type="unread") - unread == 1
    assert counted("dlq_message_count") == 2
