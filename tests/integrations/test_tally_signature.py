"""Tally's signature: ours is what an independent tool computes, and nothing else passes for it.

A signature that is accepted wrongly lets anybody hand in anybody's quiz.
"""

import pytest

from integrations.tally.signature import sign, verify_signature

BODY = '{"eventId":"a4cb511e","eventType":"FORM_RESPONSE","data":{"formName":"Café"}}'

VECTORS = [
    # printf '%s' "$BODY" | openssl dgst -sha256 -hmac "$SECRET" -binary | base64
    ("kX9-secret", BODY.encode(), "4bcSy8A6YaDaVZDzE3qnVrHfUavuVfs5pAYEbi8LO0U="),
    ("clé", b"", "SLN5S8LCf66hMbzc70+9UqnSbPWXCxn1MKEYVF1ZDdg="),
]


@pytest.mark.parametrize(("secret", "body", "signature"), VECTORS)
def test_signature_is_what_openssl_says(secret: str, body: bytes, signature: str) -> None:
    assert sign(secret, body) == signature
    assert verify_signature(secret, body, signature)


@pytest.mark.parametrize(
    ("secret", "body", "signature"),
    [
        ("another secret", BODY.encode(), VECTORS[0][2]),
        ("kX9-secret", BODY.encode() + b" ", VECTORS[0][2]),
        ("kX9-secret", BODY.encode(), VECTORS[0][2].lower()),
        ("kX9-secret", BODY.encode(), VECTORS[0][2][:-1]),
        ("kX9-secret", BODY.encode(), ""),
        ("kX9-secret", BODY.encode(), "schlüssel"),
        ("", BODY.encode(), sign("", BODY.encode())),
    ],
    ids=["secret", "body", "case", "cut short", "empty", "not ASCII", "no secret configured"],
)
def test_any_other_signature_is_refused(secret: str, body: bytes, signature: str) -> None:
    assert not verify_signature(secret, body, signature)
