"""Authentication and authorization: API keys with scopes, and learners' tokens for browsers."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from api.headers import header
from bootstrap import keys, tokens
from bootstrap.keys import Scope
from bootstrap.settings import Settings
from engine.engine import Engine
from eventstore.errors import ForbiddenError, UnauthenticatedError
from eventstore.event import Event

REMEMBERED = timedelta(seconds=5)
"""How long a valid key is cached. A revoked key works no longer than this."""


class Principal(NamedTuple):
    """The caller: a key's holder with `scopes`, or a learner without any."""

    scopes: frozenset[Scope]
    learner: str | None = None


EVERYONE = Principal(frozenset(Scope))
"""The caller of a development server, who may do everything."""


class Authenticator:
    """Authenticates callers by their header `Authorization: Bearer …`; in development every caller is let in."""

    def __init__(self, engine: Engine, settings: Settings, *, dev: bool) -> None:
        self._engine = engine
        self._secret = settings.token_secret.get_secret_value() if settings.token_secret else None
        self._dev = dev
        self._remembered: dict[str, tuple[Principal, datetime]] = {}

    async def caller(self, authorization: str | None) -> Principal:
        """Return the caller. Raise UnauthenticatedError if the header is missing or its key or token is invalid."""
        if self._dev:
            return EVERYONE
        scheme, _, credentials = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not credentials:
            was_found = "something else" if authorization else "none"
            raise UnauthenticatedError(
                f"Authorization: expected `Bearer` with an API key or a learner's token, found {was_found}"
            )
        if credentials.startswith(keys.PREFIX):
            return await self._holder(credentials)
        if self._secret is None:
            raise UnauthenticatedError(
                "Authorization: expected an API key, found something else: this server takes no learners' tokens"
            )
        return Principal(frozenset(), tokens.learner_of(credentials, self._secret, self._engine.clock()))

    async def _holder(self, key: str) -> Principal:
        now = self._engine.clock()
        caller, until = self._remembered.get(key, (None, now))
        if caller is not None and now < until:
            return caller
        self._remembered.pop(key, None)
        async with self._engine.database.read() as connection:
            known = await keys.find(connection, key)
        if known is None:
            raise UnauthenticatedError("Authorization: expected an API key that is good, found one unknown or revoked")
        self._remembered[key] = (Principal(known.scopes), now + REMEMBERED)
        return Principal(known.scopes)


async def authenticate(request: Request) -> Principal:
    """Return the caller. Raise UnauthenticatedError without valid credentials."""
    gate: Authenticator = request.app.state.gate
    return await gate.caller(header(request, b"authorization"))


def requires(scope: Scope) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency that lets in holders of that scope."""

    async def check(caller: Annotated[Principal, Depends(authenticate)]) -> Principal:
        require_scope(caller, scope)
        return caller

    return check


def require_scope(caller: Principal, scope: Scope) -> None:
    """Raise ForbiddenError unless the caller's key has the scope."""
    if scope not in caller.scopes:
        held = "a learner's token" if caller.learner else f"one with {', '.join(sorted(caller.scopes)) or 'none'}"
        raise ForbiddenError(f"Authorization: expected a key with the scope `{scope}`, found {held}")


async def requires_leaderboard_access(caller: Annotated[Principal, Depends(authenticate)]) -> Principal:
    """Let in readers and learners, as a dependency."""
    if caller.learner is None:
        require_scope(caller, Scope.READ)
    return caller


async def requires_learner_access(user_id: str, caller: Annotated[Principal, Depends(authenticate)]) -> Principal:
    """Let in readers and the learner whose `user_id` is in the path, as a dependency."""
    if caller.learner is None:
        require_scope(caller, Scope.READ)
    elif caller.learner != user_id:
        raise ForbiddenError(f"Authorization: expected the token of {user_id!r}, found that of {caller.learner!r}")
    return caller


def require_event_access(caller: Principal, events: list[Event]) -> None:
    """Raise ForbiddenError unless the caller may post these events: learners only their own VIDEO_PINGs."""
    if caller.learner is None:
        return require_scope(caller, Scope.INGEST)
    for event in events:
        if (event.type, event.user_id) != ("VIDEO_PING", caller.learner):
            raise ForbiddenError(
                f"expected a VIDEO_PING of the token's learner {caller.learner!r}, "
                f"found a {event.type} of {event.user_id!r}"
            )
    return None
