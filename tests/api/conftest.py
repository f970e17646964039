"""Apps for tests of the API, on SQLite and on PostgreSQL: with the door open, or guarded as in production."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.api.support import COURSE, MAX_BODY_BYTES, NOW, TALLY_SECRET, TOKEN_SECRET, accepted, ping, quiz
from tests.engine.support import HandClock
from tests.support.serving import Local


@pytest.fixture(autouse=True, scope="session")
def no_settings_of_the_developers() -> Iterator[None]:
    """Settings in the environment would decide what tests find."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("LMS_") and name != "LMS_REQUIRE_SERVICES"]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of one database for all tests of a module that leave it as it is."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("migrated_sqlite")
        return f"sqlite:///{shutil.copy(template, tmp_path_factory.mktemp('api') / 'lms.db')}"
    url: str = request.getfixturevalue("postgres").create_database(request.getfixturevalue("migrated_postgres"))
    return url


@pytest.fixture(scope="module")
def lived_in(module_database: str) -> Iterator[Local]:
    """An app in which something is stored already. Its tests leave it as it is."""
    with Local(
        module_database,
        clock=HandClock(NOW),
        max_body_bytes=MAX_BODY_BYTES,
        token_secret=TOKEN_SECRET,
        tally_signing_secret=TALLY_SECRET,
    ) as api:
        accepted(api.put("/v1/courses/python-101", json=COURSE))
        accepted(api.post("/v1/events", json=[ping(), ping(user_id="alan"), quiz()]))
        yield api


@pytest.fixture
def api(database_url: str, clock: HandClock) -> Iterator[Local]:
    """An app on an empty database."""
    with Local(database_url, clock=clock, tally_signing_secret=TALLY_SECRET) as api:
        yield api


@pytest.fixture
def guarded(new_sqlite: Callable[[], str], clock: HandClock) -> Iterator[Local]:
    """An app that asks callers who they are."""
    with Local(new_sqlite(), dev=False, clock=clock, token_secret=TOKEN_SECRET, notify_mentors_enabled=True) as api:
        yield api


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOW)


@pytest.fixture
def published(api: Local) -> Local:
    """An app with the course that the quiz belongs to."""
    accepted(api.put("/v1/courses/python-101", json=COURSE))
    return api


@pytest.fixture(scope="module")
def many(module_database: str) -> Iterator[Local]:
    """The same, for many responses to the quiz."""
    with Local(module_database, clock=HandClock(NOW), tally_signing_secret=TALLY_SECRET) as api:
        accepted(api.put("/v1/courses/python-101", json=COURSE))
        yield api
