"""Learners' tokens: short-lived JWTs (HS256) by which a browser acts for one learner, and for nobody else."""

from datetime import datetime, timedelta

import jwt

from eventstore.errors import Unauthenticated

ALGORITHM = "HS256"
LONGEST = timedelta(hours=24)
"""A token that is good for longer is refused: what leaks from a browser must soon be worthless."""


def mint(secret: str, user_id: str, now: datetime, lifetime: timedelta) -> str:
    """A token for `user_id`. `lifetime` is at most 24 hours."""
    if not timedelta(0) < lifetime <= LONGEST:
        raise ValueError(f"expected a lifetime of up to 24 hours, found {lifetime}")
    return jwt.encode({"sub": user_id, "iat": now, "exp": now + lifetime}, secret, ALGORITHM)


def learner_of(token: str, secret: str, now: datetime) -> str:
    """The user_id that a token is for. Raises Unauthenticated if it is not ours, over, or good for too long."""
    try:
        claims = jwt.decode(token, secret, [ALGORITHM], options={"require": ["exp", "sub"]})
    except jwt.InvalidTokenError as error:
        raise Unauthenticated(f"Authorization: expected a learner's token that is good, found: {error}") from error
    if claims["exp"] > (now + LONGEST).timestamp():
        raise Unauthenticated(
            "Authorization: expected a token that ends within 24 hours, found one that is good for longer"
        )
    return str(claims["sub"])
