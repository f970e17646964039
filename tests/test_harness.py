"""What the repository promises about itself, and the private PostgreSQL that the tests stand on.
Installing is repeatable, no file knows a machine or a registry, and no test run leaves a server behind."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.costs import COSTS
from tests.support.postgres import PostgresServer, postgres_server, required_postgres
from tests.support.private_server import PrivateServer

ROOT = Path(__file__).parent.parent
# The brackets keep this file from matching itself.
PLACES = re.compile(
    rb"pypi[.]org|python[h]osted|npmjs[.](org|com)|repo1?[.]maven|deb[.]debian[.]org"
    rb"|/[w]ork/|/[r]oot/|/[f]arm/"
)


def source_files() -> Iterator[Path]:
    """Every file that git does not ignore, in a clone as in a plain copy of one."""
    ignored = [".git", *(line.strip("/") for line in (ROOT / ".gitignore").read_text().split())]

    def kept(names: list[str]) -> list[str]:
        return [name for name in names if not any(fnmatch.fnmatch(name, pattern) for pattern in ignored)]

    for folder, folders, files in os.walk(ROOT):
        folders[:] = kept(folders)
        yield from (Path(folder, name) for name in kept(files))


def is_shell_script(file: Path) -> bool:
    with file.open("rb") as content:
        return re.match(rb"#!.*\b(ba)?sh\b", content.readline()) is not None


SHELL_SCRIPTS = [str(file.relative_to(ROOT)) for file in source_files() if is_shell_script(file)]


def locked() -> dict[str, str]:
    """requirements.lock as {package: its entry on one line}."""
    lines = (ROOT / "requirements.lock").read_text().replace("\\\n", " ").splitlines()
    return {canonicalize_name(re.split(r"==| ", line)[0]): line for line in lines}


def required() -> list[Requirement]:
    """What pyproject.toml asks for: to run, to develop and to build."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
        *project["build-system"]["requires"],
    ]
    return [Requirement(line) for line in lines]


def test_no_file_names_a_registry_or_a_place_on_a_machine() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match.group().decode()}"
        for file in source_files()
        if (match := PLACES.search(file.read_bytes()))
    ]

    assert found == []


def test_every_locked_package_is_pinned_and_hashed_and_has_no_url() -> None:
    entry = re.compile(r"[a-z0-9-]+==[^\s;]+( ; [^:]+?)?( +--hash=sha256:[0-9a-f]{64})+ *")

    refused = [line for line in locked().values() if not entry.fullmatch(line)]

    assert refused == []


def test_the_lock_holds_what_pyproject_asks_for() -> None:
    versions = {name: re.search(r"==(\S+)", entry) for name, entry in locked().items()}

    missing = [
        str(requirement)
        for requirement in required()
        if not (pinned := versions.get(canonicalize_name(requirement.name)))
        or not requirement.specifier.contains(pinned[1])
    ]

    assert missing == [], "requirements.lock is out of date: run make lock"


@pytest.mark.parametrize("script", ["scripts/install", "scripts/test", ".ci/run"])
def test_the_scripts_are_found(script: str) -> None:
    assert script in SHELL_SCRIPTS


@pytest.mark.parametrize("script", SHELL_SCRIPTS)
def test_every_shell_script_can_be_run(script: str) -> None:
    done = subprocess.run(["bash", "-n", script], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert os.access(ROOT / script, os.X_OK), f"{script} is not executable"


def test_a_test_on_a_database_is_marked_by_it(request: pytest.FixtureRequest, database_url: str) -> None:
    assert costs(request) == [database_url.partition(":")[0]]


@pytest.mark.usefixtures("new_sqlite")
def test_a_test_on_a_database_of_sqlite_alone_is_marked_by_it(request: pytest.FixtureRequest) -> None:
    assert costs(request) == ["sqlite"]


def test_a_test_that_uses_neither_database_nor_files_is_a_unit(request: pytest.FixtureRequest) -> None:
    assert costs(request) == ["unit"]


def costs(request: pytest.FixtureRequest) -> list[str]:
    return [mark.name for mark in request.node.iter_markers() if mark.name in COSTS]


def test_a_server_is_refused_where_no_test_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTS_WITHOUT_SERVERS", "1")

    with pytest.raises(pytest.fail.Exception, match="starts a server"):
        PrivateServer("none", [], lambda _: True)


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A folder for PATH with the few programs that the scripts themselves use."""
    for program in ("bash", "dirname", "env"):
        (tmp_path / program).symlink_to(shutil.which(program) or program)
    return tmp_path


def write_program(file: Path, prints: str = "") -> None:
    file.write_text(f"#!/usr/bin/env bash\necho '{prints}'\n")
    file.chmod(0o755)


def install_system(path: Path, *programs: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [ROOT / "scripts" / "install-system", *programs]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)


def test_nothing_is_printed_where_nothing_is_missing(bare_path: Path) -> None:
    for program in ("initdb", "redis-server", "redis-cli", "wrk"):
        write_program(bare_path / program)

    done = install_system(bare_path, "postgresql", "redis", "wrk")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_missing_packages_are_named_in_one_list_where_there_is_no_apt_get(bare_path: Path) -> None:
    done = install_system(bare_path, "redis", "kafka", "wrk")

    assert done.returncode == 1
    assert re.search(r": redis-server openjdk-17-jre-headless( maven)? wrk\. Install them by hand", done.stderr)


def test_without_root_the_command_for_root_is_printed(bare_path: Path) -> None:
    write_program(bare_path / "apt-get")
    write_program(bare_path / "id", prints="1000")

    done = install_system(bare_path, "redis", "wrk")

    assert done.returncode == 1
    assert done.stderr.endswith("Install them as root: apt-get install redis-server wrk\n")
    assert done.stdout == ""


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A server of this module's own, which its tests may stop."""
    with required_postgres() as started:
        yield started


def databases(server: PostgresServer) -> set[str]:
    query = "SELECT datname FROM pg_database"
    command = [str(server.binaries / "psql"), "-X", "-At", "-c", query, server.url("postgres")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {server.url(name) for name in done.stdout.split()}


def test_databases_are_made_and_dropped_each_for_itself(own_postgres: PostgresServer) -> None:
    first, second = own_postgres.create_database(), own_postgres.create_database()

    own_postgres.drop_database(first)

    assert databases(own_postgres) & {first, second} == {second}


def test_a_crashed_server_comes_back_on_its_port_with_its_databases(own_postgres: PostgresServer) -> None:
    kept = own_postgres.create_database()

    own_postgres.stop("immediate")
    own_postgres.start()

    assert kept in databases(own_postgres)


def test_two_servers_run_side_by_side(own_postgres: PostgresServer) -> None:
    with postgres_server() as other:
        theirs = other.create_database()

        assert theirs in databases(other)
        assert theirs not in databases(own_postgres)
    assert not other.folder.exists()


KILLED_RUN = """
import time
from tests.support.postgres import postgres_server
with postgres_server() as server:
    print(server.folder, flush=True)
    time.sleep(600)
"""


def test_a_killed_test_run_leaves_no_server_behind(own_postgres: PostgresServer) -> None:
    assert own_postgres.folder.exists()  # so there is a PostgreSQL to be had
    command = [sys.executable, "-c", KILLED_RUN]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        assert (folder / "data" / "postmaster.pid").exists()

        run.kill()

    for _ in range(600):  # the guard needs a moment
        if not folder.exists():
            return
        time.sleep(0.1)
    pytest.fail(f"{folder} is still there")
