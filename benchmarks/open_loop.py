"""Requests by a fixed schedule, whether or not those before are answered: users do not wait for each other either.

Latency counts from when a request was due, so a server that stands still is charged for all that fell due meanwhile.
"""

import asyncio
import gc
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import uvloop

from benchmarks.result import WrongResultError, same

CONNECTIONS = 32
PATIENCE_SEC = 30
LEAD_SEC = 0.05


class Latencies(NamedTuple):
    """In seconds: how long each answer took, and how far behind its schedule the sender itself was each time."""

    taken: list[float]
    late: list[float]

    @property
    def p50(self) -> float:
        """Half took at most this, in ms."""
        return percentile(self.taken, 50)

    @property
    def p99(self) -> float:
        """All but one in a hundred took at most this, in ms."""
        return percentile(self.taken, 99)

    def plus(self, more: "Latencies") -> "Latencies":
        return Latencies(self.taken + more.taken, self.late + more.late)


def ask(url: str, requests: Sequence[bytes], rate: float) -> Latencies:
    """Sends `requests` to the server at `url`, so many a second. Raises WrongResult unless each answer is a 200."""
    gc.disable()  # a pause of ours would count as one of the server's
    try:
        return uvloop.run(_ask(url, requests, rate))
    finally:
        gc.enable()


async def _ask(url: str, requests: Sequence[bytes], rate: float) -> Latencies:
    clients = [await connected(url) for _ in range(min(CONNECTIONS, len(requests)))]
    late = await send_on_time(clients, iter(requests), rate)
    for client in clients:
        await asyncio.wait_for(client.idle.wait(), PATIENCE_SEC)
        client.transport.close()
    for refusal in [refusal for client in clients for refusal in client.refusals]:
        raise WrongResultError(f"expected 200, found {refusal!r}")
    taken = [seconds for client in clients for seconds in client.taken]
    same("answers", len(taken), len(requests))
    return Latencies(taken, late)


async def connected(url: str) -> "Client":
    """A new connection to the server at `url`."""
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Client, str(address.hostname), address.port or 80)
    return client


async def send_on_time(clients: Sequence["Client"], requests: Iterator[bytes], rate: float) -> list[float]:
    """Sends each request when it is due, over the connections in turn. By how much it was late, in seconds."""
    late = []
    start = time.perf_counter() + LEAD_SEC
    for number, request in enumerate(requests):
        due = start + number / rate
        if (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        late.append(max(0.0, time.perf_counter() - due))
        # The one that rested longest of those with least to do: a server closes what rests for seconds.
        min(clients, key=lambda client: (len(client.due), client.sent_at)).send(request, due)
    return late


class Client(asyncio.Protocol):
    """A connection that is kept. Answers come in the order of the requests; `due` has those that are under way."""

    def __init__(self) -> None:
        self.due: deque[float] = deque()
        self.sent_at = 0.0
        self.taken: list[float] = []
        self.refusals: list[bytes] = []
        self.idle = asyncio.Event()
        self.idle.set()
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes, due: float) -> None:
        self.due.append(due)
        self.sent_at = due
        self.idle.clear()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (size := size_of_first(self._received)) is not None:
            if not self._received.startswith(b"HTTP/1.1 200"):
                self.refusals.append(self._received[:300])
            self.taken.append(time.perf_counter() - self.due.popleft())
            self._received = self._received[size:]
        if not self.due:
            self.idle.set()


def size_of_first(received: bytes) -> int | None:
    """The length of the first answer in `received`; None if it is not whole yet."""
    head = received.find(b"\r\n\r\n")
    if head < 0:
        return None
    length = received[:head].lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    size = head + 4 + int(length)
    return size if size <= len(received) else None


def percentile(seconds: Sequence[float], percent: int) -> float:
    """So many percent took at most this, in ms."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000


def lateness(latencies: Latencies) -> str:
    """How far behind the sender was, in words: so much of the latencies is the machine's."""
    return f"the sender itself was late by {percentile(latencies.late, 99):.2f} ms (p99)"


def get(path: str) -> bytes:
    """A request for `path`."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: str) -> bytes:
    """A request that posts JSON to `path`."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n{body}".encode()
