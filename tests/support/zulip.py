"""A stand-in for a Zulip server: its documented HTTP API, as far as a bot needs it, on the loopback address.

Auth, direct messages, users by address, a conversation page by page; its errors, its rate limit, and what proxies in
front of it do. Sources: https://zulip.com/api/send-message, get-messages, get-user-by-email, rest-error-handling.
"""

import json
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

BOT_EMAIL, BOT_KEY, BOT_ID = "progress-bot@zulip.example.org", "0123456789abcdefghijklmnopqrstuv", 5
LONGEST = 10_000
MOST_IN_A_PAGE = 5_000
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
PATIENCE_SEC = 180
LOOK_EVERY_SEC = 0.02


class Letter(NamedTuple):
    """A message as Zulip keeps it: from whom to whom, and when (seconds since 1970, UTC)."""

    id: int
    sender_id: int
    to: int
    content: str
    timestamp: int


class Asked(NamedTuple):
    """One request as it came, with its form or its query."""

    method: str
    path: str
    form: Mapping[str, str]


class Answer(NamedTuple):
    """What is answered: JSON, unless `raw` says otherwise."""

    status: int = 200
    body: Mapping[str, Any] | None = None
    raw: bytes | None = None
    headers: Mapping[str, str] = {}


def success(**body: Any) -> Answer:
    return Answer(200, {"result": "success", "msg": "", **body})


def error(status: int, code: str, msg: str, **body: Any) -> Answer:
    return Answer(status, {"result": "error", "code": code, "msg": msg, **body})


def rate_limited(sec: float) -> Answer:
    """As Zulip says that there were too many requests."""
    answer = error(429, "RATE_LIMIT_HIT", "API usage exceeded rate limit", **{"retry-after": sec})
    return answer._replace(headers={"Retry-After": str(sec)})


Trouble = Callable[[Asked], Answer | None]
"""What is answered instead of what was asked for, which is not done then; None if there is no trouble."""


class ZulipServer:
    """An organisation with a bot. `users` are the people in it, by address.

    `trouble` is asked of each request before anything is done, `afterwards` of each message that was kept: what they
    answer is answered. Requests that `hangs` names are kept, and answered when it ends. `limit` is of requests in a
    minute, all in all. `clock` says what time it is there.
    """

    def __init__(self, limit: int = 200) -> None:
        self.users: dict[str, int] = {}
        self.letters: list[Letter] = []
        self.asked: list[Asked] = []
        self.trouble: Trouble = lambda _: None
        self.afterwards: Trouble = lambda _: None
        self.hangs: Callable[[Asked], bool] = lambda _: False
        self.limit = limit
        self.clock: Callable[[], float] = time.time
        self.refused: list[Asked] = []
        self.ended = threading.Event()
        self.url = ""
        self._times: list[float] = []
        self._lock = threading.Lock()

    def to(self, user_id: int) -> list[str]:
        """What the bot told somebody, the first first."""
        return [letter.content for letter in self.letters if (letter.sender_id, letter.to) == (BOT_ID, user_id)]

    def keep(self, sender_id: int, to: int, content: str) -> int:
        """Keeps a message, whoever sends it. Its id."""
        self.letters.append(Letter(1_001 + len(self.letters), sender_id, to, content[:LONGEST], int(self.clock())))
        return self.letters[-1].id

    def await_letters(self, number: int) -> None:
        """Waits until so many have come."""
        deadline = time.monotonic() + PATIENCE_SEC
        while len(self.letters) < number:
            assert time.monotonic() < deadline, f"{len(self.letters)} came"
            time.sleep(LOOK_EVERY_SEC)

    def answer(self, asked: Asked, authorization: str | None) -> Answer:
        """Does what is asked, one request at a time."""
        with self._lock:
            self.asked.append(asked)
            instead = self.trouble(asked) or self._limited(asked) or self._unauthorized(authorization)
            answer = instead or self._done(asked)
            if instead is None and asked.method == "POST":
                answer = self.afterwards(asked) or answer
        if self.hangs(asked):
            self.ended.wait()
        return answer

    def _limited(self, asked: Asked) -> Answer | None:
        now = time.monotonic()
        self._times = [at for at in self._times if at > now - 60]
        if len(self._times) >= self.limit:
            self.refused.append(asked)
            return rate_limited(self._times[0] + 60 - now)
        self._times.append(now)
        return None

    def _unauthorized(self, authorization: str | None) -> Answer | None:
        expected = "Basic " + b64encode(f"{BOT_EMAIL}:{BOT_KEY}".encode()).decode()
        return None if authorization == expected else error(401, "INVALID_API_KEY", "Invalid API key")

    def _done(self, asked: Asked) -> Answer:
        method, path = asked.method, asked.path.removeprefix("/api/v1/")
        if (method, path) == ("POST", "messages"):
            return self._send(asked.form)
        if (method, path) == ("GET", "messages"):
            return self._read(asked.form)
        if (method, path) == ("GET", "users/me"):
            return success(user_id=BOT_ID, email=BOT_EMAIL, full_name="Progress", is_bot=True)
        if method == "GET" and path.startswith("users/"):
            return self._user(unquote(path.removeprefix("users/")))
        return error(404, "BAD_REQUEST", "Not found")

    def _user(self, email: str) -> Answer:
        if email not in self.users:
            return error(400, "BAD_REQUEST", "No such user")
        return success(user={"user_id": self.users[email], "email": email, "full_name": email, "is_active": True})

    def _send(self, form: Mapping[str, str]) -> Answer:
        missing = next((name for name in ("type", "to", "content") if not form.get(name)), None)
        if missing:
            return error(400, "REQUEST_VARIABLE_MISSING", f"Missing '{missing}' argument", var_name=missing)
        to = json.loads(form["to"])
        if form["type"] != "direct" or not isinstance(to, list) or len(to) != 1:
            return error(400, "BAD_REQUEST", "Invalid message type")
        if to[0] not in self.users.values():
            return error(400, "BAD_REQUEST", f"Invalid user ID {to[0]}")
        return success(id=self.keep(BOT_ID, to[0], form["content"]))

    def _read(self, query: Mapping[str, str]) -> Answer:
        narrow = {term["operator"]: term["operand"] for term in json.loads(query["narrow"])}
        if narrow.keys() - {"dm", "sender"}:
            return error(400, "BAD_NARROW", f"Invalid narrow operator: {sorted(narrow)}")
        number = int(query["num_before"])
        if number > MOST_IN_A_PAGE or query["apply_markdown"] != "false":
            return error(400, "BAD_REQUEST", "Too many messages requested (maximum 5000).")
        newest = query["anchor"] == "newest"
        theirs = [letter for letter in self.letters if in_narrow(letter, narrow)]
        if not newest:
            theirs = [letter for letter in theirs if letter.id < int(query["anchor"])]
        shown = theirs[-number:]
        messages = [letter._asdict() | {"content_type": "text/x-markdown"} for letter in shown]
        return success(messages=messages, found_oldest=len(shown) == len(theirs), found_newest=newest)


def in_narrow(letter: Letter, narrow: Mapping[str, Any]) -> bool:
    """Whether a message is of the conversation with those people, and of that sender."""
    conversation = {BOT_ID, *narrow["dm"]}
    return {letter.sender_id, letter.to} == conversation and narrow.get("sender", letter.sender_id) == letter.sender_id


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, zulip: ZulipServer, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.zulip = zulip

    def handle_error(self, *where: Any) -> None:
        """Tells of a fault, but not of somebody who was killed while asking."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*where)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self._answer(Asked("GET", url.path, flat(url.query)))

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True  # whoever sent it was killed meanwhile
            return
        self._answer(Asked("POST", self.path, flat(body.decode())))

    def _answer(self, asked: Asked) -> None:
        answer = self.server.zulip.answer(asked, self.headers["authorization"])
        content = json.dumps(answer.body).encode() if answer.raw is None else answer.raw
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json" if answer.raw is None else "text/html")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def flat(encoded: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(encoded, keep_blank_values=True).items()}


@contextmanager
def zulip_serving(zulip: ZulipServer | None = None, port: int = 0) -> Iterator[ZulipServer]:
    """A Zulip that listens while the block runs: on that port, or on any. What it knows, it keeps."""
    zulip = zulip or ZulipServer()
    with Server(zulip, port) as server:
        zulip.url = f"http://127.0.0.1:{server.server_port}"
        zulip.ended.clear()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield zulip
        finally:
            zulip.ended.set()
            server.shutdown()
            thread.join()
