"""Learners' tokens: good while they last, for one learner, under our secret, and for a day at most."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap import tokens
from eventstore.errors import UnauthenticatedError
from tests.api.support import NOW, TOKEN_SECRET, accepted, bearer, problem
from tests.cli.support import run
from tests.engine.support import HandClock
from tests.support.serving import Local

SEC = NOW.timestamp()
MINUTE, DAY = 60, 86_400


def signed(claims: Mapping[str, Any], secret: str = TOKEN_SECRET, algorithm: str = "HS256") -> str:
    """A token that says so, whether or not it may."""
    return jwt.api_jws.encode(json.dumps(claims).encode(), secret, algorithm)


def part(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


GOOD = {"sub": "ada", "exp": SEC + MINUTE}
UNSIGNED = f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(GOOD)}."
TAMPERED = ".".join(
    parts if number != 1 else part(GOOD | {"sub": "alan"}) for number, parts in enumerate(signed(GOOD).split("."))
)

BAD: Mapping[str, tuple[str, str]] = {
    "no token": ("x", "expected a learner's token that is good, found"),
    "signed with another secret": (signed(GOOD, TOKEN_SECRET + "!"), "Signature verification failed"),
    "changed": (TAMPERED, "Signature verification failed"),
    "without signature": (signed(GOOD).rpartition(".")[0] + ".", "Signature verification failed"),
    "alg none": (UNSIGNED, "The specified alg value is not allowed"),
    "another algorithm": (signed(GOOD, algorithm="HS512"), "The specified alg value is not allowed"),
    "over": (signed(GOOD | {"exp": SEC - 1}), "expected a learner's token that is not over, found one that is"),
    "over just now": (signed(GOOD | {"exp": SEC}), "expected a learner's token that is not over, found one that is"),
    "without exp": (signed({"sub": "ada"}), "exp: expected a value, found nothing"),
    "exp null": (signed(GOOD | {"exp": None}), "exp: expected a valid number, found None"),
    "exp in words": (signed(GOOD | {"exp": str(SEC + MINUTE)}), "exp: expected a valid number, found '17"),
    "exp infinite": (signed(GOOD | {"exp": 1e999}), "exp: expected a finite number, found inf"),
    "exp beyond any": (signed(GOOD | {"exp": 10**400}), "exp: expected a valid number, found 1000"),
    "exp true": (signed(GOOD | {"exp": True}), "exp: expected a valid number, found True"),
    "good for longer than a day": (signed(GOOD | {"exp": SEC + DAY + 1}), "that ends within 24 hours, found one that"),
    "good for ever": (signed(GOOD | {"exp": 1e300}), "that ends within 24 hours, found one that is good for longer"),
    "begins later": (signed(GOOD | {"nbf": SEC + 1}), "that is good by now, found one that begins later"),
    "without sub": (signed({"exp": SEC + MINUTE}), "sub: expected a value, found nothing"),
    "sub a number": (signed(GOOD | {"sub": 7}), "sub: expected a valid string, found 7"),
    "sub empty": (signed(GOOD | {"sub": ""}), "sub: expected at least 1 character"),
    "sub that no user_id can be": (signed(GOOD | {"sub": "a\x00"}), "sub: expected text that matches"),
    "sub that is no text": (signed(GOOD | {"sub": "\ud800"}), "sub: expected"),
    "not an object": (jwt.api_jws.encode(b"[]", TOKEN_SECRET), "must be a json object"),
    "nested too deep": (jwt.api_jws.encode(b"[" * 30_000, TOKEN_SECRET), "Invalid payload string"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_not_good_is_401(guarded: Local, case: str) -> None:
    token, says = BAD[case]
    for path in ("/v1/users/ada/progress", "/v1/leaderboard"):
        problem(guarded.get(path, headers=bearer(token)), 401, says)


@pytest.mark.parametrize(
    "claims",
    [
        GOOD,
        GOOD | {"exp": SEC + 0.5},
        GOOD | {"exp": int(SEC) + DAY},
        GOOD | {"nbf": SEC, "iat": SEC + 5},
        GOOD | {"aud": "lms", "iss": "platform", "role": ["x"]},
    ],
)
def test_what_says_enough_is_good(guarded: Local, claims: Mapping[str, Any]) -> None:
    accepted(guarded.get("/v1/users/ada/progress", headers=bearer(signed(claims))))


def test_a_token_ends_by_our_clock(guarded: Local, clock: HandClock) -> None:
    token = bearer(tokens.mint(TOKEN_SECRET, "ada", NOW, timedelta(minutes=15)))
    clock.now = NOW + timedelta(minutes=15, microseconds=-1)
    accepted(guarded.get("/v1/users/ada/progress", headers=token))
    clock.now = NOW + timedelta(minutes=15)
    problem(guarded.get("/v1/users/ada/progress", headers=token), 401, "that is not over, found one that is")


def test_a_learner_may_have_any_id(guarded: Local) -> None:
    user_id = "https://example.com/ada?x=1+1 100% ☕"
    token = bearer(tokens.mint(TOKEN_SECRET, user_id, NOW, timedelta(minutes=15)))
    path = "/v1/users/https%3A%2F%2Fexample.com%2Fada%3Fx%3D1+1%20100%25%20%E2%98%95/progress"
    assert accepted(guarded.get(path, headers=token))["user_id"] == user_id


def test_without_a_secret_no_token_is_good(new_sqlite: Callable[[], str]) -> None:
    with Local(new_sqlite(), dev=False) as api:
        response = api.get("/v1/leaderboard", headers=bearer(signed(GOOD)))
        problem(response, 401, "expected an API key, found something else: this server takes no learners' tokens")


@given(st.text() | st.binary().map(lambda data: urlsafe_b64encode(data).decode()))
def test_whatever_is_said_to_be_a_token_is_refused(text: str) -> None:
    for token in (text, f"{text}.{text}.{text}", f"{part({'alg': 'HS256'})}.{text}.x", f"{text}.e30.x"):
        with pytest.raises(UnauthenticatedError):
            tokens.learner_of(token, TOKEN_SECRET, NOW)


def test_the_command_mints_one(new_sqlite: Callable[[], str]) -> None:
    url = new_sqlite()
    minted = run(url, "token", "mint", "ada", "--minutes", "5", LMS_TOKEN_SECRET=TOKEN_SECRET)
    assert minted.code == 0
    with Local(url, dev=False, token_secret=TOKEN_SECRET) as api:
        assert accepted(api.get("/v1/users/ada/progress", headers=bearer(minted.out.strip())))["xp"] == 0


@pytest.mark.parametrize(
    ("arguments", "settings", "says"),
    [
        (["ada"], {}, "LMS_TOKEN_SECRET is not set: a token needs a secret to be signed with"),
        (["ada"], {"LMS_TOKEN_SECRET": "short"}, "LMS_TOKEN_SECRET: expected at least 32 bytes, found another"),
        ([""], {"LMS_TOKEN_SECRET": TOKEN_SECRET}, "expected at least 1 character"),
        (["ada", "--minutes", "1441"], {"LMS_TOKEN_SECRET": TOKEN_SECRET}, "--minutes"),
    ],
)
def test_the_command_mints_none_that_we_would_refuse(arguments: list[str], settings: dict[str, Any], says: str) -> None:
    refused = run("sqlite:///not-there.db", "token", "mint", *arguments, **settings)
    assert refused.code > 0
    assert refused.out == ""
    assert says in refused.err
