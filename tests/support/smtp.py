"""A server that takes e-mail, by real SMTP on the loopback address: what it refuses is for tests to say.

As much of RFC 5321 as a client needs that sends one e-mail after the other.
"""

import asyncio
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import NamedTuple

USER, PASSWORD = "progress", "p@ss word"


class Mail(NamedTuple):
    """An e-mail as it came, with the addresses of its envelope."""

    sender: str
    recipient: str
    content: EmailMessage


class SmtpServer:
    """`refuses` says of an address with which answer it is refused; `drops` ends the session after so many e-mails.

    With `needs_login`, it takes nothing from whoever has not logged in as USER with PASSWORD.
    """

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.refuses: dict[str, str] = {}
        self.refuses_senders = False
        self.drops: int | None = None
        self.needs_login = False
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self, reader, writer)
        try:
            await session.run()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class Session:
    """One client's conversation with it."""

    def __init__(self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._sender = self._recipient = ""
        self._is_in = not server.needs_login

    async def run(self) -> None:
        await self._say("220 mail.example.org ESMTP")
        while line := (await self._reader.readline()).decode().strip():
            verb, _, rest = line.partition(" ")
            if verb.upper() == "QUIT":
                return await self._say("221 bye")
            if verb.upper() == "DATA":
                await self._data()
                if self._server.drops is not None and len(self._server.mails) >= self._server.drops:
                    return None
            else:
                await self._say(self._answer(verb.upper(), rest))
        return None

    def _answer(self, verb: str, rest: str) -> str:
        match verb:
            case "EHLO":
                return "250-mail.example.org\r\n250-AUTH PLAIN\r\n250 SMTPUTF8"
            case "AUTH":
                self._is_in = b64decode(rest.removeprefix("PLAIN ")).decode() == f"\0{USER}\0{PASSWORD}"
                return "235 welcome" if self._is_in else "535 5.7.8 no"
            case "MAIL":
                self._sender = address(rest)
                is_taken = self._is_in and not self._server.refuses_senders
                return "250 ok" if is_taken else "550 5.7.1 not from you"
            case "RCPT":
                self._recipient = address(rest)
                return self._server.refuses.get(self._recipient, "250 ok")
            case "RSET" | "NOOP":
                return "250 ok"
        return "502 what?"

    async def _data(self) -> None:
        await self._say("354 go on")
        content = await self._reader.readuntil(b"\r\n.\r\n")
        parsed = message_from_bytes(content[:-3].replace(b"\r\n..", b"\r\n."), policy=SMTP)
        assert isinstance(parsed, EmailMessage)
        self._server.mails.append(Mail(self._sender, self._recipient, parsed))
        if self._server.drops is None or len(self._server.mails) < self._server.drops:
            await self._say("250 taken")

    async def _say(self, line: str) -> None:
        self._writer.write(f"{line}\r\n".encode())
        await self._writer.drain()


def address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]


@contextmanager
def smtp_serving() -> Iterator[SmtpServer]:
    """Such a server, in a thread of its own, while the block runs."""
    server, loop = SmtpServer(), asyncio.new_event_loop()
    listening = loop.run_until_complete(asyncio.start_server(server.serve, "127.0.0.1", 0))
    server.port = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listening.close()
        loop.run_until_complete(loop.shutdown_asyncgens())
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
