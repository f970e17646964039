"""Listening: sockets at one address, of one process or of several that share its connections."""

import socket
from contextlib import closing

import pytest

from cli.operate import listening
from cli.operate.listening import ReusePortSockets, listen
from eventstore.errors import LmsError

HERE = "127.0.0.1"
CONNECTIONS = 200


@pytest.mark.skipif(not listening.SHARES_OUT, reason="this system does not share connections out among sockets")
def test_each_gets_its_share_of_the_connections() -> None:
    with socket_sets(2) as shares:
        clients = [socket.create_connection(shares.address) for _ in range(CONNECTIONS)]
        taken = [waiting(shares[number]) for number in range(2)]
        assert sum(taken) == CONNECTIONS
        assert min(taken) > CONNECTIONS / 4
        listening.close(clients)


@pytest.mark.skipif(not listening.SHARES_OUT, reason="this system does not share connections out among sockets")
def test_the_connections_of_one_that_is_left_go_to_the_others_until_it_is_back() -> None:
    with socket_sets(2) as shares:
        shares.leave(0)
        clients = [socket.create_connection(shares.address) for _ in range(20)]
        assert waiting(shares[1]) == 20
        listening.close(clients)
        assert shares[0][0].getsockname() == shares[1][0].getsockname()


def test_where_the_system_does_not_share_them_out_all_accept_from_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "SHARES_OUT", False)
    with socket_sets(2) as shares:
        shares.leave(0)
        assert shares[0] is shares[1]
        with socket.create_connection(shares.address):
            assert waiting(shares[0]) == 1


def test_somebody_who_shares_is_not_let_in_beside_a_stranger() -> None:
    with socket_sets(2) as shares:
        port = shares.address[1]
        with pytest.raises(LmsError, match=f"expected to listen on {HERE}, port {port}, found: Address already in use"):
            ReusePortSockets(HERE, port, 2)
        with pytest.raises(LmsError, match="Address already in use"):
            listen(HERE, port)


def socket_sets(number: int) -> "closing[ReusePortSockets]":
    """At a free port, closed after the block."""
    return closing(ReusePortSockets(HERE, 0, number))


def waiting(sockets: list[socket.socket]) -> int:
    """How many connections wait to be accepted there; none does after."""
    accepted: list[socket.socket] = []
    for each in sockets:
        each.setblocking(False)
        try:
            while True:
                accepted.append(each.accept()[0])
        except BlockingIOError:
            pass
    listening.close(accepted)
    return len(accepted)
