"""Signatures of webhooks, by which a receiver verifies the sender: the symmetric `v1` of Standard Webhooks.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode

PREFIX = "whsec_"
"""The prefix of a secret. Scanners that search code for leaked secrets recognize it."""

SECRET_BYTES = 32


def new_secret() -> str:
    """Return a secret of 256 random bits."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature` of a body. `timestamp` is in seconds since 1970, UTC."""
    key = b64decode(secret.removeprefix(PREFIX), validate=True)
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
