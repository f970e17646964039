"""API keys, made, listed and revoked at the terminal: what a key opens, it opens within 5 seconds no more."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bootstrap import keys
from bootstrap.keys import Scope
from tests.api.support import NOW, accepted, bearer, contents, key, ping, problem
from tests.cli.support import run
from tests.engine.support import HandClock
from tests.support.serving import Local

REFUSED = "expected an API key that is good, found one unknown or revoked"


def test_a_key_is_made_used_listed_and_revoked(database_url: str) -> None:
    made = key_command(database_url, "create", "the platform", "--scope", "ingest", "--scope", "read")
    other = key_command(database_url, "create", "a report", "--scope", "read")
    [header, first, second] = key_command(database_url, "list").splitlines()
    assert header.split() == ["id", "name", "scopes", "created", "(UTC)", "revoked", "(UTC)"]
    assert "the platform" in first
    assert "ingest read" in first
    assert "a report" in second
    key_id = first.split()[0]

    with Local(database_url, dev=False) as api:
        accepted(api.post("/v1/events", json=ping(), headers=bearer(made)))
        problem(api.post("/v1/events", json=ping(), headers=bearer(other)), 403, "scope `ingest`")
    assert key_command(database_url, "revoke", key_id) == f"Revoked {key_id}."
    with Local(database_url, dev=False) as api:
        problem(api.post("/v1/events", json=ping(), headers=bearer(made)), 401, REFUSED)
        accepted(api.get("/v1/progress", headers=bearer(other)))

    [_, first, second] = key_command(database_url, "list").splitlines()
    assert (len(first.split()), len(second.split())) == (9, 6)  # with the day and the time at which it was revoked


def key_command(database_url: str, *arguments: str) -> str:
    ended = run(database_url, "key", *arguments)
    assert ended.code == 0, ended.err
    return ended.out.strip()


def test_what_cannot_be_made_or_revoked_is_said(new_sqlite: Callable[[], str]) -> None:
    url = new_sqlite()
    for arguments, says in (
        (("create", "nobody"), "--scope"),
        (("create", "nobody", "--scope", "everything"), "everything"),
        (("revoke", "12345678"), "lms-progress: expected the id of a key that is not revoked, found '12345678'"),
    ):
        ended = run(url, "key", *arguments)
        assert ended.code > 0
        assert says in ended.err
    assert len(key_command(url, "list").splitlines()) == 1


def test_a_database_without_schema_is_not_asked(tmp_path_factory: pytest.TempPathFactory) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('empty') / 'lms.db'}"
    ended = run(url, "key", "list")
    assert ended.code > 0
    [line] = ended.err.splitlines()
    assert "run `lms-progress migrate`" in line


def test_a_revoked_key_is_refused_within_5_seconds(guarded: Local, clock: HandClock) -> None:
    headers = key(guarded, Scope.READ)
    accepted(guarded.get("/v1/progress", headers=headers))
    revoke_all(guarded)

    clock.now = NOW + timedelta(seconds=5)
    problem(guarded.get("/v1/progress", headers=headers), 401, REFUSED)
    clock.now = NOW
    problem(guarded.get("/v1/progress", headers=headers), 401, REFUSED)  # and is not remembered as good


def test_a_key_in_use_is_looked_up_every_5_seconds(guarded: Local, clock: HandClock) -> None:
    headers = key(guarded, Scope.READ)
    for seconds in range(4):
        clock.now = NOW + timedelta(seconds=seconds)
        accepted(guarded.get("/v1/progress", headers=headers))
    revoke_all(guarded)
    clock.now = NOW + timedelta(seconds=5)
    problem(guarded.get("/v1/progress", headers=headers), 401, REFUSED)


def revoke_all(api: Local) -> None:
    async def work() -> None:
        async with api.engine.database.write() as connection:
            for known in await keys.list_all(connection):
                await keys.revoke(connection, known.key_id, api.engine.clock())

    api.run(work())


def test_a_key_is_kept_only_as_a_hash(guarded: Local) -> None:
    credentials = key(guarded, Scope.READ)["Authorization"].removeprefix("Bearer ")
    assert credentials.startswith("lms_")
    assert len(credentials) > 40
    assert credentials not in str(contents(guarded))
