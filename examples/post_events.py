"""Posts a file of events (NDJSON) to lms-progress, as a platform's backend would: in batches, and again if need be.

    python3 examples/post_events.py examples/first-week.ndjson
    python3 examples/post_events.py examples/first-week.ndjson --host progress.example --port 80 --key lms_…

An event that has no event_id is given one before the first try. So a batch may be repeated as often as it takes:
what arrived before is a duplicate then, and is not counted twice. Needs nothing but Python.
"""

import argparse
import json
import time
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

BATCH_EVENTS = 500
ATTEMPTS = 8
ANSWERED = {HTTPStatus.OK, HTTPStatus.MULTI_STATUS, HTTPStatus.UNPROCESSABLE_ENTITY}
"""All, some or none of the events were valid; either way the answer says what became of each."""


def main() -> None:
    options = read_options()
    lines = options.file.read_text(encoding="utf-8").splitlines()
    events = [with_id(json.loads(line)) for line in lines if line.strip()]
    for batch in batches(events):
        answer = post_patiently(options, batch)
        print(f"accepted {answer['accepted']}, duplicates {answer['duplicates']}")
        for signal in answer["signals"]:
            print(f"  {signal['user_id']} {signal['type']} {signal['class_id'] or signal['course_id']}")
        for rejected in answer["rejected"]:
            print(f"  event {rejected['index']} rejected: {rejected['errors']}")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Post a file of events to lms-progress.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--key", default="", help="an API key with the scope `ingest`")
    return parser.parse_args()


def with_id(event: dict[str, object]) -> dict[str, object]:
    return {"event_id": str(uuid.uuid4())} | event


def batches(events: list[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    for start in range(0, len(events), BATCH_EVENTS):
        yield events[start : start + BATCH_EVENTS]


def post_patiently(options: argparse.Namespace, batch: list[dict[str, object]]) -> dict:
    """Posts until there is an answer. A server that is busy or away (503, or no answer at all) is asked again."""
    for attempt in range(ATTEMPTS):
        wait_sec = 2**attempt
        try:
            status, retry_after, body = post(options, batch)
        except (OSError, HTTPException) as error:
            print(f"no answer ({error}); trying again in {wait_sec} s")
        else:
            if status in ANSWERED:
                return json.loads(body)
            if status != HTTPStatus.SERVICE_UNAVAILABLE:
                raise SystemExit(f"{status}: {body}")
            wait_sec = max(wait_sec, int(retry_after))
            print(f"the server is busy; trying again in {wait_sec} s")
        time.sleep(wait_sec)
    raise SystemExit(f"gave up after {ATTEMPTS} attempts; run it again at any time")


def post(options: argparse.Namespace, batch: list[dict[str, object]]) -> tuple[int, str, str]:
    connection = HTTPConnection(options.host, options.port, timeout=30)
    headers = {"Content-Type": "application/x-ndjson"}
    if options.key:
        headers["Authorization"] = f"Bearer {options.key}"
    lines = "".join(json.dumps(event) + "\n" for event in batch)
    try:
        connection.request("POST", "/v1/events", lines.encode(), headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Retry-After", "1"), answer.read().decode()
    finally:
        connection.close()


if __name__ == "__main__":
    main()
