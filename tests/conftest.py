"""Databases for tests: each test gets its own, on SQLite and on a real PostgreSQL, from one body."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from engine.engine import Engine
from engine.limits import DEFAULT_LIMITS, Limits
from eventstore.db.database import Database
from eventstore.migrate import migrate
from eventstore.times import Clock
from tests.support import processes
from tests.support.costs import mark_by_cost
from tests.support.forks import Fork
from tests.support.postgres import PostgresServer, required_postgres

FIGURES = "figures"
"""The name of the property of a test that holds a line of figures."""

SHARED = Path(__file__).parent.parent.parent / "shared"

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # how long an example takes is for the other tests that run meanwhile to say


def pytest_configure() -> None:
    """A run that a script started behind it ignores Ctrl-C; the programs that it starts are not to."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by its cost. The faults come first: they take long and wait a lot, while others are run."""
    for item in items:
        mark_by_cost(item)
    items.sort(key=lambda item: item.path.parent.name != "faults")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The library that runs every `async def` test and fixture."""
    return "asyncio"


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Take a line of figures from a test that has checked them, and print it at the end of the run."""

    def append(line: str) -> None:
        request.node.user_properties.append((FIGURES, line))  # they reach the process that prints, also from xdist's

    return append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of the tests. Without them, a fault that hit nothing would look like one that did no harm."""
    for passed in terminalreporter.getreports("passed"):
        for name, line in passed.user_properties:
            if name == FIGURES:
                terminalreporter.write_line(f"{Path(passed.nodeid.partition('::')[0]).parent.name}: {line}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A private PostgreSQL for this run. Where there is none, its tests skip, unless services are required."""
    with required_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database at the current schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "migrated.db"
    asyncio.run(migrate_url(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> str:
    """The name of an empty PostgreSQL database at the current schema, to be copied."""
    url = postgres.create_database()
    asyncio.run(migrate_url(url))
    return url.rpartition("/")[2]


@pytest.fixture
def new_sqlite(migrated_sqlite: Path, tmp_path: Path) -> Callable[[], str]:
    """Makes SQLite databases at the current schema; gives their URLs."""
    numbers = iter(range(1_000_000))

    def make() -> str:
        path = tmp_path / f"lms-{next(numbers)}.db"
        shutil.copy(migrated_sqlite, path)
        return f"sqlite:///{path}"

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Makes databases at the current schema, of each kind in turn; gives their URLs."""
    if request.param == "sqlite":
        yield request.getfixturevalue("new_sqlite")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("migrated_postgres")
    made: list[str] = []

    def make() -> str:
        made.append(server.create_database(template))
        return made[-1]

    yield make
    for url in made:
        server.drop_database(url)


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """The URL of one database at the current schema."""
    return new_database()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open Database at `database_url`, closed when the test ends."""
    async with opened(database_url) as database:
        yield database


@pytest.fixture
def limits() -> Limits:
    """The limits of `engine`, unless the module has its own."""
    return DEFAULT_LIMITS


@pytest.fixture
async def engine(database: Database, clock: Clock, limits: Limits) -> AsyncIterator[Engine]:
    """A running engine on `database`. The fixture `clock` is the folder's or the module's own."""
    async with Engine(database, clock=clock, limits=limits) as engine:
        yield engine


@pytest.fixture(scope="module")
def forked() -> Iterator[None]:
    """Programs that are started are forked off a process that has imported them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "start", Fork)
        yield


@pytest.fixture(scope="session")
def xapi_file() -> Path:
    """The real learner data; tests skip with the reason where it is not."""
    path = SHARED / "data" / "fun_video_xapi_statements.json.gz"
    if not path.exists():
        pytest.skip(f"no learner data at {path.relative_to(SHARED.parent)}")
    return path


async def migrate_url(url: str) -> None:
    async with opened(url) as database:
        await migrate(database)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """A Database that is closed afterwards."""
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()
