"""`lms-progress key …`: the API keys of other systems."""

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from bootstrap.composition import open_database
from bootstrap.keys import Scope, create, list_all, revoke
from bootstrap.settings import load
from cli.console import echo, show
from eventstore.times import system_clock

app = typer.Typer(help="API keys: create, list and revoke them.", no_args_is_help=True)


@app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="The name of the key's holder")],
    scope: Annotated[list[Scope], typer.Option(help="A scope of the key, given once for each")],
) -> None:
    """Create a key and print it. It is shown only once: the database stores only its hash."""
    print(asyncio.run(create_in_database(name, scope)))


@app.command("list")
def list_keys() -> None:
    """List all keys, the oldest first."""
    asyncio.run(print_keys())


@app.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="The key's id, as `key list` shows it")]) -> None:
    """Revoke a key: servers refuse it within 5 seconds."""
    asyncio.run(revoke_in_database(key_id))
    echo(f"Revoked {key_id}.")


async def create_in_database(name: str, scopes: list[Scope]) -> str:
    async with open_database(load()) as database, database.write() as connection:
        return await create(connection, name, scopes, system_clock())


async def print_keys() -> None:
    async with open_database(load()) as database, database.read() as connection:
        keys = await list_all(connection)
    rows = [
        (key.key_id, key.name, " ".join(sorted(key.scopes)), minute(key.created_at), minute(key.revoked_at))
        for key in keys
    ]
    show("id", "name", "scopes", "created (UTC)", "revoked (UTC)", rows=rows)


def minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""


async def revoke_in_database(key_id: str) -> None:
    async with open_database(load()) as database, database.write() as connection:
        await revoke(connection, key_id, system_clock())
