"""Addresses in settings: where brokers and other servers are. What is none is refused when the program starts."""

import re
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from pydantic import SecretStr

MAILBOX = re.compile(r"[!-~]+@[A-Za-z0-9.-]+")
WEB = ("https", "http")
SERVER = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(:[1-9][0-9]{0,4})?")
"""A host by its name or address; the port is Kafka's own where there is none."""


def url_of(*schemes: str) -> Callable[[SecretStr], SecretStr]:
    """Holds a URL, which may have a password in it, to these schemes, a host and at most a port."""

    def check(url: SecretStr) -> SecretStr:
        with suppress(ValueError):
            parts = urlsplit(url.get_secret_value())
            if parts.scheme in schemes and parts.hostname and parts.port != 0:
                return url
        raise ValueError(f"a URL such as {schemes[0]}://HOST:PORT")

    return check


def web_address(url: str) -> str:
    """Holds a URL of a web site to what can be called, and may stand in a log: it has no password in it."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in WEB and parts.hostname and parts.port != 0 and not parts.username and not parts.query:
            return url
    raise ValueError("a URL such as https://HOST, without a user, a password or a query")


def mailbox(text: str) -> str:
    """Holds an e-mail address to what can be one."""
    if MAILBOX.fullmatch(text):
        return text
    raise ValueError("an e-mail address")


def of_servers(servers: str) -> str:
    """Holds servers to what Kafka's client takes."""
    if all(SERVER.fullmatch(server.strip()) for server in servers.split(",")):
        return servers
    raise ValueError("HOST:PORT, several separated by commas")
