"""Who calls, and what they may do: API keys with scopes, and learners' tokens for browsers."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from api import keys, tokens
from api.headers import header
from api.keys import Scope
from api.settings import Settings
from engine.engine import Engine
from eventstore.errors import Forbidden, Unauthenticated
from eventstore.event import Event

REMEMBERED = timedelta(seconds=5)
"""How long a key is taken for good without asking the database again: a revoked one works no longer than that."""


class Caller(NamedTuple):
    """A key's holder with `scopes`, or a learner with none."""

    scopes: frozenset[Scope]
    learner: str | None = None


EVERYONE = Caller(frozenset(Scope))
"""Whoever calls a server in development."""


class Gate:
    """Lets callers in by their `Authorization: Bearer …`, or everyone in development."""

    def __init__(self, engine: Engine, settings: Settings, *, dev: bool) -> None:
        self._engine = engine
        self._secret = settings.token_secret.get_secret_value() if settings.token_secret else None
        self._dev = dev
        self._remembered: dict[str, tuple[Caller, datetime]] = {}

    async def caller(self, authorization: str | None) -> Caller:
        """Raises Unauthenticated if the header is absent, or holds nothing that is good."""
        if self._dev:
            return EVERYONE
        scheme, _, credentials = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not credentials:
            was_found = "something else" if authorization else "none"
            raise Unauthenticated(
                f"Authorization: expected `Bearer` with an API key or a learner's token, found {was_found}"
            )
        if credentials.startswith(keys.PREFIX):
            return await self._holder(credentials)
        if self._secret is None:
            raise Unauthenticated(
                "Authorization: expected an API key, found something else: this server takes no learners' tokens"
            )
        return Caller(frozenset(), tokens.learner_of(credentials, self._secret, self._engine.clock()))

    async def _holder(self, key: str) -> Caller:
        now = self._engine.clock()
        caller, until = self._remembered.get(key, (None, now))
        if caller is not None and now < until:
            return caller
        self._remembered.pop(key, None)
        async with self._engine.database.read() as connection:
            known = await keys.find(connection, key)
        if known is None:
            raise Unauthenticated("Authorization: expected an API key that is good, found one unknown or revoked")
        self._remembered[key] = (Caller(known.scopes), now + REMEMBERED)
        return Caller(known.scopes)


async def caller_of(request: Request) -> Caller:
    """Who calls. Raises Unauthenticated."""
    gate: Gate = request.app.state.gate
    return await gate.caller(header(request, b"authorization"))


def needs(scope: Scope) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency that lets in holders of that scope."""

    async def check(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        must_hold(caller, scope)
        return caller

    return check


def must_hold(caller: Caller, scope: Scope) -> None:
    """Raises Forbidden unless the caller's key has the scope."""
    if scope not in caller.scopes:
        held = "a learner's token" if caller.learner else f"one with {', '.join(sorted(caller.scopes)) or 'none'}"
        raise Forbidden(f"Authorization: expected a key with the scope `{scope}`, found {held}")


async def reads_leaderboard(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
    """A dependency that lets in readers, and learners."""
    if caller.learner is None:
        must_hold(caller, Scope.READ)
    return caller


async def reads_learner(user_id: str, caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
    """A dependency that lets in readers, and the learner whose `user_id` the path names."""
    if caller.learner is None:
        must_hold(caller, Scope.READ)
    elif caller.learner != user_id:
        raise Forbidden(f"Authorization: expected the token of {user_id!r}, found that of {caller.learner!r}")
    return caller


def must_own(caller: Caller, events: list[Event]) -> None:
    """Raises Forbidden unless the caller may post these events: learners only their own VIDEO_PINGs."""
    if caller.learner is None:
        return must_hold(caller, Scope.INGEST)
    for event in events:
        if (event.type, event.user_id) != ("VIDEO_PING", caller.learner):
            raise Forbidden(
                f"expected a VIDEO_PING of the token's learner {caller.learner!r}, "
                f"found a {event.type} of {event.user_id!r}"
            )
    return None
