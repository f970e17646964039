"""`lms-progress import`: what is good goes in, what is not is named, and the database may be empty or busy."""

import gzip
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.data import chunks
from cli.data.chunks import CHUNK_LINES, Format, read_chunks
from cli.data.lines import Line, Refusal
from cli.engine_session import ATTEMPTS, submit_with_retry
from engine.ingest.submission import Receipt
from eventstore.errors import UnavailableError
from eventstore.times import system_clock
from tests.cli.support import PROGRAM, envelope, environment, ndjson, query, run
from tests.support.processes import PATIENCE_SEC

VIDEO = "https://w3id.org/xapi/video"


def counts(out: str) -> dict[str, int]:
    """The report by its words; skipped verbs too."""
    words = [line.split() for line in out.splitlines()]
    return {
        (word if not word[0].isdigit() else number): int((number if not word[0].isdigit() else word).replace(",", ""))
        for word, number in words
    }


def test_an_empty_database_takes_a_file(empty_database: Callable[[], str], tmp_path: Path) -> None:
    # given
    url, file = empty_database(), tmp_path / "events.ndjson"
    file.write_bytes(ndjson([envelope(), envelope(user_id="bob")]))

    # when
    done = run(url, "import", file)

    # then
    assert (done.code, counts(done.out)) == (0, {"accepted": 2, "duplicates": 0, "skipped": 0, "refused": 0})
    assert query(url, "SELECT user_id, source FROM lms_event ORDER BY user_id") == [
        ("ada", "import"),
        ("bob", "import"),
    ]
    assert query(url, "SELECT user_id, video_completed FROM v_user_progress ORDER BY user_id") == [
        ("ada", 1),
        ("bob", 1),
    ]


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_stdin_is_read_and_what_is_there_already_is_a_duplicate(
    new_sqlite: Callable[[], str], compress: Callable[[bytes], bytes]
) -> None:
    # given a file that says one thing twice
    url, event = new_sqlite(), envelope()
    content = compress(ndjson([event, envelope(), event]))

    # when it is imported twice
    first, second = (run(url, "import", "-", stdin=content) for _ in range(2))

    # then
    assert counts(first.out) == {"accepted": 2, "duplicates": 1, "skipped": 0, "refused": 0}
    assert counts(second.out) == {"accepted": 0, "duplicates": 3, "skipped": 0, "refused": 0}
    assert (first.code, second.code) == (0, 0)


def test_bad_lines_are_named_with_the_reason_and_the_rest_goes_in(database_url: str) -> None:
    # given
    lines = [
        ndjson([envelope(user_id="first")]),
        b'{"type": \n',
        b"\n",
        ndjson([envelope(type="VIDEO_SONG")]),
        ndjson([envelope(payload={"video_id": "v", "position": 200, "duration": 100})]),
        ndjson([envelope(occurred_at="2999-01-01T00:00:00Z")]),
        ndjson([envelope(version="7.0")]),
        b"17\n",
        b'{"user_id": "\xff"}\n',
        b"x" * 3_000_000 + b"\n",
        ndjson([envelope()]).replace(b'"position":100', b'"position":NaN'),
        ndjson([envelope(user_id="last")]).rstrip(),
    ]

    # when
    done = run(database_url, "import", "-", stdin=b"".join(lines))

    # then
    assert done.code == 1
    assert counts(done.out) == {"accepted": 2, "duplicates": 0, "skipped": 0, "refused": 9}
    assert query(database_url, "SELECT user_id FROM lms_event ORDER BY user_id") == [("first",), ("last",)]
    reasons = dict(line.split(": ", 1) for line in done.err.splitlines())
    for line, reason in {
        "line 2": "expected JSON, found it broken: ",
        "line 4": "type: expected VIDEO_PING or QUIZ_SUBMIT, found 'VIDEO_SONG'",
        "line 5": "payload: expected a position of at most duration + 1 s",
        "line 6": "occurred_at: expected a time at most 5 minutes after",
        "line 7": "version: expected a version of VIDEO_PING that is known here (1.0, 1.1), found 7.0",
        "line 8": "the value: expected ",
        "line 9": "expected UTF-8, found the byte 0xff at position 14",
        "line 10": "expected a line of at most 1,000,000 bytes, found a longer one",
        "line 11": "expected JSON, found it broken: ",
        "Lines refused, for the reasons above": "9. All others are in.",
    }.items():
        assert reasons.pop(line).startswith(reason)
    assert not reasons


def statement(verb: str, extensions: dict[str, object], number: int) -> dict[str, object]:
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "verb": {"id": verb},
        "actor": {"account": {"name": "ada"}},
        "object": {"id": "video-1", "definition": {"type": f"{VIDEO}/activity-type/video"}},
        "result": {"extensions": {f"{VIDEO}/extensions/{name}": value for name, value in extensions.items()}},
        "timestamp": "2026-11-20T09:30:00Z",
    }


def test_statements_are_translated_and_those_that_are_no_evidence_are_counted_by_verb(database_url: str) -> None:
    # given
    paused, played = f"{VIDEO}/verbs/paused", f"{VIDEO}/verbs/played"
    lines = ndjson(
        [
            statement(paused, {"time": 95, "length": 100}, 1),
            statement(played, {"time": 0}, 2),
            statement(played, {"time": 5}, 3),
            statement(paused, {"time": 95}, 4),
            statement(paused, {"time": 95, "length": 100}, 5) | {"id": "no UUID"},
        ]
    )

    # when
    done = run(database_url, "import", "-", "--format", "xapi", stdin=lines)

    # then
    assert counts(done.out) == {"accepted": 1, "duplicates": 0, "skipped": 2, played: 2, "refused": 2}
    assert "line 4: result.extensions or context.extensions, " in done.err
    assert "line 5: event_id: expected " in done.err
    assert query(database_url, "SELECT user_id, class_id, source FROM lms_event") == [("ada", "video-1", "xapi")]
    assert query(database_url, "SELECT video_max_position_sec, video_completed FROM v_user_progress") == [(95, 1)]


def test_a_cut_off_gzip_file_is_refused_from_there(database_url: str, tmp_path: Path) -> None:
    # given more lines than a chunk has, in a file of which the end is missing
    file = tmp_path / "cut.ndjson.gz"
    file.write_bytes(gzip.compress(ndjson(envelope() for _ in range(CHUNK_LINES + 1_000)))[:-5_000])

    # when
    done = run(database_url, "import", file)

    # then
    report = counts(done.out)
    assert done.code == 1
    assert report["refused"] == 1
    assert CHUNK_LINES < report["accepted"] < CHUNK_LINES + 1_000
    assert f"line {report['accepted'] + 1:,}: expected the rest of a gzip file" in done.err
    assert query(database_url, "SELECT count(*) FROM lms_event") == [(report["accepted"],)]


def test_a_json_array_is_no_ndjson_and_says_so(new_sqlite: Callable[[], str], tmp_path: Path) -> None:
    url, file = new_sqlite(), tmp_path / "events.json"
    file.write_bytes(b"[" + ndjson([envelope()]).rstrip() + b"]")

    done = run(url, "import", file)

    assert (done.code, done.out) == (1, "")
    assert "expected NDJSON, which is one JSON object a line, found a JSON array" in done.err


@pytest.mark.slow
def test_ctrl_c_ends_an_import_that_waits_for_its_input(tmp_path: Path) -> None:
    # given a process that is past its migrations, and gets no input
    command: list[str | Path] = [PROGRAM, "import", "-"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(f"sqlite:///{tmp_path}/new.db"),
    ) as process:
        assert process.stderr is not None
        assert b"migrated to the current schema" in process.stderr.readline()

        # when
        process.send_signal(signal.SIGINT)

        # then it ends, while its input is still open
        try:
            assert process.wait(PATIENCE_SEC) == 130
            assert process.stderr.read() == b""
        finally:
            process.kill()


def test_chunks_are_bounded_in_lines_and_in_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    text = ndjson([envelope()]).decode()
    monkeypatch.setattr(chunks, "CHUNK_LINES", 10)
    monkeypatch.setattr(chunks, "CHUNK_CHARACTERS", 3 * len(text))

    # when
    by_characters = read_chunks((Line(n, text) for n in range(7)), Format.NDJSON, system_clock)
    by_lines = read_chunks((Refusal(n, "no good") for n in range(25)), Format.NDJSON, system_clock)

    # then
    assert [len(chunk.events) for chunk in by_characters] == [3, 3, 1]
    assert [len(chunk.refused) for chunk in by_lines] == [10, 10, 5]


def test_a_reason_is_of_a_length_that_can_be_read() -> None:
    segments = [[5, -n] for n in range(1, 10_000)]
    payload = {"video_id": "v", "position": 1, "duration": 10, "played_segments": segments}
    line = Line(1, ndjson([envelope(version="1.1", payload=payload)]).decode())

    (chunk,) = read_chunks([line], Format.NDJSON, system_clock)

    (refusal,) = chunk.refused
    assert refusal.reason.startswith("payload.played_segments.0.1: expected greater than or equal to 0, found -1; ")
    assert len(refusal.reason) == chunks.REASON_CHARACTERS


class BusyIngest:
    """Cannot be had the first `times`, then takes what it gets."""

    def __init__(self, times: int) -> None:
        self.times = times

    async def submit(self, events: list[object]) -> Receipt:
        self.times -= 1
        if self.times >= 0:
            raise UnavailableError("expected room in the queue, found none", retry_after=0)
        return Receipt(len(events), 0, [])


def busy_engine(times: int) -> Any:
    return SimpleNamespace(ingest=BusyIngest(times))


async def test_a_busy_database_is_waited_for() -> None:
    receipt = await submit_with_retry(busy_engine(ATTEMPTS - 1), [object()])  # type: ignore[list-item]

    assert receipt == Receipt(1, 0, [])


async def test_but_not_for_ever() -> None:
    with pytest.raises(UnavailableError, match="expected room in the queue, found none"):
        await submit_with_retry(busy_engine(ATTEMPTS), [])
