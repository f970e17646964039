"""Where webhooks may go: a server inside a network must not be made to call others in there.

So a URL is refused whose host is at an address that is not public. Since a name can lead elsewhere by the time it is
called, it is looked up again then, and what is called is the very address that was looked at.
"""

import asyncio
import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from eventstore.errors import FieldError, InvalidInputError, shorten_repr

SCHEMES = {"http": 80, "https": 443}
LARGEST_PORT = 65_535
LOOKUP_SEC = 5.0
NAT64 = ip_network("64:ff9b::/96")
"""IPv6 addresses that stand for the IPv4 address at their end."""

A_URL = "a URL http://… or https://… with a host, and without a user or a password"


class PrivateAddressError(Exception):
    """A host that is at an address of a private network, of this machine, or of no single machine."""


async def check_url(url: str, *, private: bool) -> None:
    """Raises InvalidInput for a URL that webhooks cannot go to; or, unless `private`, may not.

    A name that nobody knows at the moment is taken.
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


def port_of(url: httpx.URL) -> int:
    return SCHEMES[url.scheme] if url.port is None else url.port


async def public_address(host: str, port: int) -> str:
    """An address of the host. Raises NotPublic if any of its addresses is not public, OSError if there is none."""
    looked_up = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in looked_up]
    for address in addresses:
        if not is_public(ip_address(address.partition("%")[0])):
            raise PrivateAddressError(f"{host} at {address}")
    return addresses[0]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is an address of one machine on the internet."""
    if isinstance(address, IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour or nat64(address)
        if inside is not None:
            return is_public(inside)
    return address.is_global and not address.is_multicast


def nat64(address: IPv6Address) -> IPv4Address | None:
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None


class PublicTransport(httpx.AsyncHTTPTransport):
    """Sends requests to public addresses alone. Raises NotPublic for any other."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Calls the address that was looked at; the certificate is still to be that of the host."""
        host = request.url.host
        address = await public_address(host, port_of(request.url))
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await super().handle_async_request(request)
