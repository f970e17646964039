"""Clients that post for as long as a test lasts, whatever becomes of the servers, and note it all in a ledger."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from engine.courses.backfill import SELECT_UNFINISHED
from tests.api.contract import openapi
from tests.api.support import accepted, problem
from tests.conftest import opened
from tests.faults.ledger import CLASSES, Json, Ledger
from tests.support.processes import PATIENCE_SEC as STUCK_SEC
from tests.support.serving import client_of

CLIENTS = 4
PATIENCE_SEC = 20
"""Who waits longer for an answer fails: the server hangs."""

PAUSE_SEC = 0.02
"""Between a request that failed and the next."""

READINGS = (
    "/readyz",
    "/v1/events?limit=5",
    "/v1/progress?limit=5",
    "/v1/leaderboard?limit=5",
    "/v1/courses",
    "/v1/stats/daily?limit=5",
)
"""Where to read: each comes from other tables. Little, since to hold it to its schema takes longer than to answer."""

GONE = (httpx.NetworkError, httpx.RemoteProtocolError)
"""The server was killed before it answered, or is not there yet."""

Work = Callable[[httpx.Client, str], int | None]
"""Asks the server at a URL something. The status of the answer; None if the server was gone."""


@contextmanager
def clients(urls: Sequence[str], *works: Work) -> Iterator[None]:
    """Does each of `works` over and over, in a thread of its own, while the block runs, at one of the `urls`.

    These may change meanwhile, and may be none. Raises what a client found wrong.
    """
    openapi()  # which answers are held to: not in several threads at once
    stop = threading.Event()
    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(keep_on, work, urls, stop) for work in works]
        try:
            yield
        finally:
            stop.set()
            for done in running:
                done.result()  # what a client found wrong says more than what that led to


def keep_on(work: Work, urls: Sequence[str], stop: threading.Event) -> None:
    with client_of("", PATIENCE_SEC) as client:
        while not stop.is_set():
            now = list(urls)
            if now:
                work(client, random.choice(now))
            else:
                time.sleep(PAUSE_SEC)


def posting(ledger: Ledger, says: str = "the database does not answer: ") -> Work:
    """Posts what the ledger draws, one request at a time. Who is refused is told so in these words."""

    def post(client: httpx.Client, url: str) -> int | None:
        body = ledger.draw()
        posted = body.events[0] if len(body.events) == 1 else body.events
        try:
            response = client.post(f"{url}/v1/events", json=posted)
        except GONE as error:
            ledger.leave_unanswered(body, sent=not isinstance(error, httpx.ConnectError))
            time.sleep(PAUSE_SEC)
            return None
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            not_now(response, says)
            ledger.refuse(body)
            time.sleep(PAUSE_SEC)
        else:
            assert response.status_code == httpx.codes.OK, response.text
            ledger.acknowledge(body, response.json())
        return response.status_code

    return post


def reading(path: str) -> Work:
    """Reads there now and then."""

    def read(client: httpx.Client, url: str) -> int:
        response = client.get(url + path)
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            not_now(response)
        else:
            accepted(response)
        time.sleep(PAUSE_SEC)
        return response.status_code

    return read


class Publisher:
    """Publishes a course over and over, each time with other steps. `acknowledged` are its versions, with titles."""

    def __init__(self, course_id: str, every_sec: float) -> None:
        self.course_id = course_id
        self.every_sec = every_sec
        self.acknowledged: dict[int, str] = {}
        self._number = 0

    def __call__(self, client: httpx.Client, url: str) -> int | None:
        """Publishes the next version; one that was not acknowledged, again."""
        try:
            response = client.put(f"{url}/v1/courses/{self.course_id}", json=self._course())
        except GONE:
            time.sleep(PAUSE_SEC)
            return None
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            not_now(response)
        else:
            answer = accepted(response)
            self.acknowledged[answer["version"]] = answer["title"]
            self._number += 1
        time.sleep(self.every_sec)
        return response.status_code

    def _course(self) -> Json:
        """Longer and shorter by turns, and never what it was before."""
        classes = CLASSES[: 1 + self._number % (len(CLASSES) - 1)]
        steps = [{"class_id": name, "title": name, "video_id": "v", "quiz_id": "q"} for name in classes]
        return {"title": f"{self.course_id} {self._number}", "steps": steps}


def until(done: Callable[[], bool], look_every_sec: float = PAUSE_SEC) -> None:
    """Waits for what will be done soon."""
    deadline = time.monotonic() + STUCK_SEC
    while not done():
        assert time.monotonic() < deadline, "the server answers no more, or not in the way that is waited for"
        time.sleep(look_every_sec)


def not_now(response: httpx.Response, says: str = "") -> None:
    """Fails unless it is a 503 that says so, and when to come again."""
    problem(response, httpx.codes.SERVICE_UNAVAILABLE, says)
    assert int(response.headers["Retry-After"]) >= 1


def never_refused(work: Work) -> Work:
    """As `work`, of which every answer has to be good."""

    def steady(client: httpx.Client, url: str) -> int | None:
        status = work(client, url)
        assert status == httpx.codes.OK
        return status

    return steady


async def granted(url: str) -> bool:
    """Whether what was published is granted to everyone."""
    async with opened(url) as database, database.read() as connection:
        return (await connection.execute(SELECT_UNFINISHED)).first() is None
