"""docs/schema-change.md, carried out: each walk as it is written, on a database with old events, on both databases."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import opened
from tests.docs.pages import FENCE, HEADING, ROOT, read, section
from tests.docs.walk import Edit, copy_of_the_source, steps
from tests.engine.rows import rows
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.slow

PAGE = "docs/schema-change.md"
BEGINNING = "## The database"
WALKS = (
    "## An optional field: a minor version",
    "## A breaking change: a major version",
    "## A new column: a migration, a rule, a replay",
)
DOCUMENTED_AND_MIGRATED = "view_is_documented or table_is_documented or type_is_documented or sqlite"
LAWS = "tests/projections/test_laws.py"
SCHEMAS = "eventstore/schemas"
NOT_EVEN_COLLECTED = 4

EDITED = {step.path for walk in WALKS for step in steps(section(PAGE, walk)) if isinstance(step, Edit)}

Rows = list[tuple[Any, ...]]


class Reader(NamedTuple):
    """Somebody with a checkout and a database, who does what the page says."""

    folder: Path
    url: str

    @property
    def settings(self) -> Mapping[str, str]:
        return {"LMS_DATABASE_URL": self.url}

    def follow(self, heading: str) -> None:
        """Carries out the part of the page under that heading."""
        for step in steps(section(PAGE, heading)):
            if isinstance(step, Edit):
                step.carry_out(self.folder)
            else:
                step.hold(self.folder, self.settings)

    def log(self) -> Rows:
        """The log as the database holds it."""

        async def every_row() -> Rows:
            async with opened(self.url) as database:
                return await rows(database, "SELECT * FROM lms_event ORDER BY seq")

        return asyncio.run(every_row())

    def run_tests_with(self, fault: Edit, *which: str, code: int = 1) -> str:
        """What those tests say while the copy has that fault. They must fail, with that exit code."""
        sound = (self.folder / fault.path).read_text()
        fault.carry_out(self.folder)
        try:
            done = self.run_tests(*which)
        finally:
            (self.folder / fault.path).write_text(sound)
        assert done.returncode == code, done.stdout
        return done.stdout + done.stderr

    def run_tests(self, *which: str) -> subprocess.CompletedProcess[str]:
        """Runs those of the copy's tests."""
        return self.run("pytest", *which)

    def run(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a module by the copy's own code."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)


class Journey(NamedTuple):
    """A reader at the end of the page, and the log as it was before and after each walk."""

    reader: Reader
    logs: list[Rows]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def journey(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """Carries out the whole page, and holds all that it prints against what it shows."""
    folder = copy_of_the_source(tmp_path_factory.mktemp("walk") / "lms-progress")
    if request.param == "sqlite":
        reader = Reader(folder, f"sqlite:///{folder}/lms-progress.db")
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        reader = Reader(folder, server.create_database())
    reader.follow(BEGINNING)
    logs = [reader.log()]
    for walk in WALKS:
        reader.follow(walk)
        logs.append(reader.log())
    return Journey(reader, logs)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """A reader who made all the edits, and wrote the schemas."""
    folder = copy_of_the_source(tmp_path_factory.mktemp("edits") / "lms-progress")
    for walk in WALKS:
        for step in steps(section(PAGE, walk)):
            if isinstance(step, Edit):
                step.carry_out(folder)
    reader = Reader(folder, "sqlite:///never-opened.db")
    reader.run("eventstore.json_schemas").check_returncode()
    reader.run("bootstrap.documentation").check_returncode()
    return reader


def test_every_part_of_the_page_is_carried_out() -> None:
    _, *headings = HEADING.findall(FENCE.sub("", read(PAGE)))

    assert [f"## {heading}" for heading in headings] == [BEGINNING, *WALKS]


def test_no_walk_rewrites_an_event(journey: Journey) -> None:
    assert [len(log) for log in journey.logs] == [10, 11, 12, 12]
    for before, after in pairwise(journey.logs):
        assert [row for row in after if row in before] == before


def test_what_was_published_is_as_it_was(changed: Reader) -> None:
    for path in (ROOT / SCHEMAS).glob("**/*.json"):
        assert (changed.folder / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


def test_the_code_that_the_page_leads_to_is_as_it_should_be(changed: Reader) -> None:
    """As the project's own: documented, formatted, and with tables as the migration makes them."""
    done = changed.run_tests("tests/docs/test_complete.py", "tests/test_schema.py", "-k", DOCUMENTED_AND_MIGRATED)
    assert done.returncode == 0, done.stdout
    for check in (["check"], ["format", "--check"]):
        formatted = changed.run("ruff", *check, *(path for path in EDITED if path.endswith(".py")))
        assert formatted.returncode == 0, formatted.stdout


def test_a_published_version_that_changes_is_noticed(changed: Reader) -> None:
    change = Edit("eventstore/types/quiz_submit.py", "    passed: bool\n", "    passed: bool | None\n")

    said = changed.run_tests_with(change, "tests/eventstore/test_json_schemas.py")

    assert "QUIZ_SUBMIT 1.0 is published and has changed" in said
    assert "QUIZ_SUBMIT 2.0 is published and has changed" not in said


def test_a_new_field_that_no_join_is_given_is_noticed_at_once(changed: Reader) -> None:
    fault = Edit("projections/progress.py", ', Min(), Doc("When the quiz was first submitted.")]', ', Doc("None.")]')

    said = changed.run_tests_with(fault, LAWS, code=NOT_EVEN_COLLECTED)

    assert "Progress.quiz_tried_at: expected one join in its annotation, found 0" in said


def test_a_new_field_that_no_rule_fills_is_noticed_by_the_laws(changed: Reader) -> None:
    line = "    return Progress(quiz_tried_at=occurred_at)"

    said = changed.run_tests_with(
        Edit("projections/rules/quiz_tried.py", line, "    return Progress()"), LAWS, "-k", "quiz_tried_at"
    )

    assert f"FAILED {LAWS}::test_every_field_is_reached_by_some_event[quiz_tried_at]" in said
