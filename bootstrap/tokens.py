"""Learners' tokens: short-lived JWTs (HS256) by which a browser acts for one learner, and for nobody else."""

from datetime import datetime, timedelta
from typing import Annotated

import jwt
from jwt.types import Options
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eventstore.errors import InvalidInputError, UnauthenticatedError, field_errors
from eventstore.event_type import Ident

ALGORITHM = "HS256"
LONGEST = timedelta(hours=24)
"""A token that is good for longer is refused: what leaks from a browser must soon be worthless."""

UNCHECKED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_sub": False,
}
"""What the JWT library leaves to `Claims` and to the clock that we go by."""

Instant = Annotated[float, Field(allow_inf_nan=False)]
"""Seconds since 1970, in UTC."""


class Claims(BaseModel):
    """What a token must say: for whom, and until when; it may say from when."""

    model_config = ConfigDict(strict=True)

    sub: Ident
    exp: Instant
    nbf: Instant | None = None


def mint(secret: str, user_id: str, now: datetime, lifetime: timedelta) -> str:
    """A token for `user_id`. `lifetime` is at most 24 hours. Raises InvalidInput for what is no user_id."""
    if not timedelta(0) < lifetime <= LONGEST:
        raise ValueError(f"expected a lifetime of up to 24 hours, found {lifetime}")
    try:
        claims = Claims(sub=user_id, exp=(now + lifetime).timestamp())
    except ValidationError as error:
        raise InvalidInputError(field_errors(error)) from error
    return jwt.encode(claims.model_dump(exclude_none=True), secret, ALGORITHM)


def learner_of(token: str, secret: str, now: datetime) -> str:
    """The user_id that a token is for. Raises Unauthenticated if it is not ours, over, or good for too long."""
    try:
        claims = Claims.model_validate(jwt.decode(token, secret, [ALGORITHM], options=UNCHECKED))
    except jwt.InvalidTokenError as error:
        raise refused("that is good", str(error)) from error
    except ValidationError as error:
        raise refused("that is good", "; ".join(map(str, field_errors(error)))) from error
    if claims.exp <= now.timestamp():
        raise refused("that is not over", "one that is")
    if claims.nbf is not None and claims.nbf > now.timestamp():
        raise refused("that is good by now", "one that begins later")
    if claims.exp > (now + LONGEST).timestamp():
        raise refused("that ends within 24 hours", "one that is good for longer")
    return claims.sub


def refused(expected: str, found: str) -> UnauthenticatedError:
    return UnauthenticatedError(f"Authorization: expected a learner's token {expected}, found {found}")
