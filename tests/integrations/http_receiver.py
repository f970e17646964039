"""A receiver of webhooks: a real HTTP server on the loopback address that answers as its path says."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

PATIENCE_SEC = 180
"""After so long the sender is taken for stuck. No test waits for it unless it fails."""

LOOK_EVERY_SEC = 0.02


class Hook(NamedTuple):
    """One request as it came: its path, its headers by their names in small letters, and its body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.body)["data"]
        return data


class Receiver:
    """What it was sent. `answers` says what a path answers, 200 if nothing; those in `hangs` answer when it ends."""

    def __init__(self) -> None:
        self.hooks: list[Hook] = []
        self.most_at_once = 0
        self.answers: dict[str, int] = {}
        self.slow_sec: dict[str, float] = {}
        self.hangs: set[str] = set()
        self.endless: set[str] = set()
        self.ended = threading.Event()
        self.url = ""
        self._at_once = 0
        self._lock = threading.Lock()

    def to(self, path: str) -> list[Hook]:
        """What came to that path."""
        return [hook for hook in self.hooks if hook.path == path]

    def await_hooks(self, number: int) -> None:
        """Waits until so many have come."""
        deadline = time.monotonic() + PATIENCE_SEC
        while len(self.hooks) < number:
            assert time.monotonic() < deadline, f"{len(self.hooks)} came"
            time.sleep(LOOK_EVERY_SEC)

    def status(self, hook: Hook) -> int:
        """What is answered. Asked by one thread at a time."""
        return self.answers.get(hook.path, 200)

    def take(self, hook: Hook) -> int:
        """Keeps what came, and says what to answer once it is time to."""
        with self._lock:
            self.hooks.append(hook)
            status = self.status(hook)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        time.sleep(self.slow_sec.get(hook.path, 0))
        if hook.path in self.hangs:
            self.ended.wait()
        with self._lock:
            self._at_once -= 1
        return status


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.receiver = receiver

    def handle_error(self, *where: Any) -> None:
        """Tells of a fault, but not of somebody who was killed while asking."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*where)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["content-length"]))
        if len(body) < int(self.headers["content-length"]):
            self.close_connection = True  # whoever sent it was killed meanwhile
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(receiver.take(Hook(self.path, headers, body)))
        self.send_header("location", "/elsewhere")
        if self.path in receiver.endless:
            self.end_headers()
            self._never_stop()
        else:
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

    def _never_stop(self) -> None:
        try:
            while not self.server.receiver.ended.is_set():
                self.wfile.write(b"x" * 10_000)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiving(receiver: Receiver | None = None) -> Iterator[Receiver]:
    """A receiver that listens while the block runs."""
    receiver = receiver or Receiver()
    with Server(receiver) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.ended.set()
            server.shutdown()
            thread.join()
