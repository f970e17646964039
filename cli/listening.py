"""Listening: the sockets of `lms-progress serve`, and what it says once they are answered."""

import socket
from socket import AI_PASSIVE, SOCK_STREAM, getaddrinfo

from cli.console import say
from eventstore.errors import LmsError

BACKLOG = 2048
"""So many connections may wait to be accepted, as far as the system lets them."""


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets at each address of `host`, the same port on all. Raises LmsError where that cannot be."""
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in getaddrinfo(host or None, port, type=SOCK_STREAM, flags=AI_PASSIVE):
            same_port = sockets[0].getsockname()[1] if sockets else port
            place = (address[0], same_port, *address[2:])
            sockets.append(socket.create_server(place, family=family, backlog=BACKLOG))
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise LmsError(f"expected to listen on {host or 'all addresses'}, port {port}, found: {reason}") from error
    return sockets


def say_where(sockets: list[socket.socket]) -> None:
    """Says where to look."""
    host, port = sockets[0].getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    say(f"Serving on {url}")
    say(f"  API documentation   {url}/docs")
    say(f"  Leaderboard         {url}/v1/leaderboard")
    say(f"  Events by day       {url}/v1/stats/daily")
    say("Ctrl-C ends it.")
