"""The signature of webhooks, held against the specification's own example, and against what a receiver works out."""

import hmac
import re
from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.webhook.signature import new_secret, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1_614_265_330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
"""From the examples and the reference libraries of Standard Webhooks."""


def test_it_is_that_of_the_specifications_example() -> None:
    assert sign(SECRET, MESSAGE_ID, TIMESTAMP, BODY) == SIGNATURE


@pytest.mark.parametrize(
    ("message_id", "timestamp", "body"),
    [("msg_other", TIMESTAMP, BODY), (MESSAGE_ID, TIMESTAMP + 1, BODY), (MESSAGE_ID, TIMESTAMP, BODY + b" ")],
)
def test_whatever_is_changed_it_is_another(message_id: str, timestamp: int, body: bytes) -> None:
    assert sign(SECRET, message_id, timestamp, body) != SIGNATURE


def test_secrets_are_of_32_bytes_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert all(re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret) for secret in secrets)
    assert {len(b64decode(secret.removeprefix("whsec_"))) for secret in secrets} == {32}


@given(st.binary(min_size=24, max_size=64), st.text(st.characters(codec="utf-8")), st.integers(0, 2**33), st.binary())
def test_a_receiver_works_out_the_same(key: bytes, message_id: str, timestamp: int, body: bytes) -> None:
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    expected = b64encode(hmac.new(key, signed, sha256).digest()).decode()

    assert sign(f"whsec_{b64encode(key).decode()}", message_id, timestamp, body) == f"v1,{expected}"
