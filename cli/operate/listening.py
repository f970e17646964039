"""The sockets of `lms-progress serve`, and what it prints once they are answered."""

import socket
import sys
from collections.abc import Iterable
from functools import partial
from socket import AI_PASSIVE, SOCK_STREAM, getaddrinfo

from cli.console import echo
from eventstore.errors import LmsError

BACKLOG = 2048
"""Connections that may wait to be accepted, as far as the system allows."""

SHARES_OUT = sys.platform == "linux"
"""Whether the system distributes connections among sockets that listen on one address with SO_REUSEPORT."""


class ReusePortSockets:
    """Several sets of sockets on one address, each of which gets its share of the connections.

    Of one set that all processes accept from, the fastest takes most: one of two took up to 64 of 64 connections.
    """

    def __init__(self, host: str, port: int, number: int) -> None:
        """Listen. Raise LmsError if the address is not available or in use."""
        alone = listen(host, port)  # SO_REUSEPORT would let us in next to another program that uses it
        self.address = alone[0].getsockname()[:2]
        self._again = partial(listen, host, self.address[1], shares=True)
        if SHARES_OUT:
            close(alone)
        self._sets = [self._again() if SHARES_OUT else alone for _ in range(number)]

    def __len__(self) -> int:
        return len(self._sets)

    def __getitem__(self, number: int) -> list[socket.socket]:
        """Return one of the sets, listening again if it was left."""
        if not self._sets[number]:
            self._sets[number] = self._again()
        return self._sets[number]

    def leave(self, number: int) -> None:
        """Leave one set's connections to the others, as long as nobody accepts any from it."""
        if SHARES_OUT:
            close(self._sets[number])
            self._sets[number] = []

    def close(self) -> None:
        for sockets in self._sets:
            close(sockets)


def listen(host: str, port: int, *, shares: bool = False) -> list[socket.socket]:
    """Listen on each address of `host`, with the same port on all. Raise LmsError if that fails.

    With `shares`, other sockets that ask for it may listen there, too.
    """
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in getaddrinfo(host or None, port, type=SOCK_STREAM, flags=AI_PASSIVE):
            same_port = sockets[0].getsockname()[1] if sockets else port
            place = (address[0], same_port, *address[2:])
            sockets.append(socket.create_server(place, family=family, backlog=BACKLOG, reuse_port=shares))
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise LmsError(f"expected to listen on {host or 'all addresses'}, port {port}, found: {reason}") from error
    return sockets


def close(sockets: Iterable[socket.socket]) -> None:
    for each in sockets:
        each.close()


def print_address(address: tuple[str, int]) -> None:
    """Print the URLs."""
    host, port = address
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    echo(f"Serving on {url}")
    echo(f"  API documentation   {url}/docs")
    echo(f"  Leaderboard         {url}/v1/leaderboard")
    echo(f"  Events by day       {url}/v1/stats/daily")
    echo("Ctrl-C ends it.")
