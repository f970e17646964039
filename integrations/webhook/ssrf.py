"""Protection against server-side request forgery: a webhook must not reach servers inside a private network.

A URL is refused if its host has a private address. A name may get another address later, so each request looks it up
again, and goes to exactly the address that was checked.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from eventstore.errors import FieldError, InvalidInputError, shorten_repr

SCHEMES = {"http": 80, "https": 443}
LARGEST_PORT = 65_535
LOOKUP_SEC = 5.0
NAT64 = ip_network("64:ff9b::/96")
"""IPv6 addresses that end with the IPv4 address that they stand for."""

A_URL = "a URL http://… or https://… with a host, and without a user or a password"

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host and port. Raises OSError if it has none."""


class PrivateAddressError(Exception):
    """The host has an address of a private network, of this machine, or of several machines."""


class PublicTransport(httpx.AsyncBaseTransport):
    """Sends requests to public addresses only, by another transport. Raises PrivateAddressError for other ones."""

    def __init__(self, transport: httpx.AsyncBaseTransport, resolve: Resolve | None = None) -> None:
        self._transport = transport
        self._resolve = resolve or addresses_of

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the address that was checked. The certificate still has to be that of the host."""
        host = request.url.host
        address = await public_address(host, port_of(request.url), self._resolve)
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


async def check_url(url: str, *, private: bool) -> None:
    """Raise InvalidInputError if webhooks cannot go to `url`, or, unless `private`, if its address is not public.

    A host that is unknown at the moment is accepted.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise InvalidInputError([FieldError("url", A_URL, shorten_repr(url))]) from None
    if parsed.scheme not in SCHEMES or not parsed.host or parsed.userinfo or not 0 < port_of(parsed) <= LARGEST_PORT:
        raise InvalidInputError([FieldError("url", A_URL, shorten_repr(url))])
    if not private:
        try:
            with suppress(OSError, UnicodeError, TimeoutError):
                async with asyncio.timeout(LOOKUP_SEC):
                    await public_address(parsed.host, port_of(parsed))
        except PrivateAddressError as error:
            raise InvalidInputError([FieldError("url", "a host at a public address", str(error))]) from None


async def addresses_of(host: str, port: int) -> Sequence[str]:
    """Look the host up in the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def public_address(host: str, port: int, resolve: Resolve = addresses_of) -> str:
    """Return an address of the host.

    Raise PrivateAddressError if any of its addresses is not public, and OSError if it has none.
    """
    addresses = await resolve(host, port)
    for address in addresses:
        if not is_public(ip_address(address.partition("%")[0])):
            raise PrivateAddressError(f"{host} at {address}")
    return addresses[0]


def port_of(url: httpx.URL) -> int:
    return SCHEMES[url.scheme] if url.port is None else url.port


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether it is the address of one machine on the internet."""
    if isinstance(address, IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour or nat64(address)
        if inside is not None:
            return is_public(inside)
    return address.is_global and not address.is_multicast


def nat64(address: IPv6Address) -> IPv4Address | None:
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None
