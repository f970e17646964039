"""`lms-progress token mint`: a learner's token, to try the API like a browser."""

from datetime import timedelta
from typing import Annotated

import typer

from bootstrap.settings import load
from bootstrap.tokens import LONGEST, mint
from eventstore.errors import LmsError
from eventstore.times import system_clock

app = typer.Typer(help="Learners' tokens, for browsers.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Learners' tokens, for browsers."""


@app.command("mint")
def mint_token(
    user_id: Annotated[str, typer.Argument(help="The learner that the token acts for")],
    minutes: Annotated[
        int, typer.Option(min=1, max=int(LONGEST.total_seconds() // 60), help="The lifetime of the token")
    ] = 15,
) -> None:
    """Print a token. A platform mints its own: a JWT, HS256 under LMS_TOKEN_SECRET, with `sub` and `exp`."""
    secret = load().token_secret
    if secret is None:
        raise LmsError("LMS_TOKEN_SECRET is not set: a token needs a secret to be signed with")
    print(mint(secret.get_secret_value(), user_id, system_clock(), timedelta(minutes=minutes)))
