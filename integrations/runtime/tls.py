"""TLS for clients."""

import ssl
from functools import cache

import httpx


@cache
def default_tls_context() -> ssl.SSLContext:
    """Return a context that verifies servers by the usual certificate authorities. They are read once: that is slow."""
    return httpx.create_ssl_context()
