"""Tally's signature: proof that a webhook's body was sent by somebody who knows the signing secret.

Source: https://tally.so/help/webhooks, header `Tally-Signature`.
"""

import hmac
from base64 import b64encode


def verify_signature(secret: str, body: bytes, signature: str) -> bool:
    """Whether `signature` is that of the raw `body`, in a time that does not depend on where they differ.

    Without a secret nothing is genuine: anybody can sign with an empty one.
    """
    return secret != "" and hmac.compare_digest(sign(secret, body).encode(), signature.encode())


def sign(secret: str, body: bytes) -> str:
    """The base64 of the HMAC-SHA256 of `body` under `secret`."""
    return b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
