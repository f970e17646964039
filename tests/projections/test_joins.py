"""A join may be any class with a merge and a codec: one without SQL survives the fold, the store and a replay."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from projections.joins import Max, Min
from projections.progress import FIELDS, fields_of
from tests.conftest import opened
from tests.docs.walk import Edit, copy_of_the_source
from tests.engine.rows import change, rows
from tests.support.postgres import PostgresServer

JOIN = '''

class Union(Join):
    """A set of texts, stored as JSON."""

    column_type = Text()

    def merge(self, a: Any, b: Any) -> Any:
        return a | b

    def encode(self, value: Any) -> Any:
        return to_json(sorted(value)).decode()

    def decode(self, stored: Any) -> Any:
        return frozenset(from_json(stored))
'''

RULE = '''"""quizzes: the quizzes that a learner submitted in a class."""

from datetime import datetime

from eventstore.types.quiz_submit import QUIZ_SUBMIT, QuizSubmit
from projections.progress import Progress
from projections.rule import rule


@rule(QUIZ_SUBMIT)
def quizzes(submission: QuizSubmit, _: datetime) -> Progress:
    return Progress(quizzes=frozenset([submission.quiz_id]))
'''

MIGRATION = '''"""lms_progress.quizzes."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("lms_progress", Column("quizzes", Text))
'''

PASSED_AT = '    quiz_passed_at: Annotated[datetime | None, Min(), Doc("When the quiz was first passed.")] = None\n'
QUIZZES = PASSED_AT + '    quizzes: Annotated[frozenset[str] | None, Union(), Doc("The submitted quizzes.")] = None\n'

SQLALCHEMY = "from sqlalchemy import ColumnElement, func\n"
LAST_OF_MAX = """        return func.max(column)
"""

EDITS = (
    Edit("projections/joins.py", SQLALCHEMY, f"from pydantic_core import from_json, to_json\n{SQLALCHEMY}"),
    Edit("projections/joins.py", "ColumnElement, func\n", "ColumnElement, Text, func\n"),
    Edit("projections/joins.py", LAST_OF_MAX, LAST_OF_MAX + JOIN),
    Edit("projections/progress.py", "import Join, Max, Min\n", "import Join, Max, Min, Union\n"),
    Edit("projections/progress.py", PASSED_AT, QUIZZES),
    Edit("projections/rules/quizzes.py", "", RULE),
    Edit("migrations/versions/0002_quizzes.py", "", MIGRATION),
)


def test_a_declared_field_knows_its_join_its_column_and_its_type() -> None:
    first, second, *_ = FIELDS

    assert (first.name, first.column, first.value_type, first.default) == ("course_id", "named_course_id", str, None)
    assert (second.name, second.column, second.value_type, second.default) == (*["video_max_position_sec"] * 2, int, 0)
    assert isinstance(first.join, Min)
    assert isinstance(second.join, Max)


def test_a_field_without_a_join_is_refused() -> None:
    class WithoutJoin(NamedTuple):
        score: int | None = None

    with pytest.raises(TypeError, match=r"Progress\.score: expected one join in its annotation, found 0"):
        fields_of(WithoutJoin())


QUIZZES_OF_ALL = [
    ("ada", "branch", '["branch-quiz","second-quiz"]'),
    ("grace", "branch", '["branch-quiz"]'),
]
"""The submitted quizzes of the events in `examples/first-week.ndjson` and of `LATER`."""

LATER = """{"type": "QUIZ_SUBMIT", "event_id": "5f4e1c1a-0000-4000-8000-000000000001", "user_id": "ada",
"class_id": "branch", "payload": {"quiz_id": "second-quiz", "score": 1, "max_score": 2, "passed": false}}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source with a field whose join has no SQL."""
    folder = copy_of_the_source(tmp_path_factory.mktemp("join") / "lms-progress")
    for edit in EDITS:
        edit.carry_out(folder)
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/lms-progress.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database()


@pytest.mark.slow
async def test_a_join_without_sql_survives_fold_merge_store_and_replay(folder: Path, url: str) -> None:
    (folder / "later.ndjson").write_text(LATER.replace("\n", " "))
    for command in ("migrate", "import examples/first-week.ndjson", "import later.ndjson"):
        run(folder, url, command)
    async with opened(url) as database:
        live = await rows(database, SELECT_QUIZZES)
        await change(database, "UPDATE lms_progress SET quizzes = NULL")

    replayed = run(folder, url, "replay")

    async with opened(url) as database:
        assert live == await rows(database, SELECT_QUIZZES) == QUIZZES_OF_ALL
    assert "rows differing           2" in replayed
    assert "rows differing 0" in run(folder, url, "verify")


@pytest.mark.slow
def test_a_join_without_sql_keeps_the_laws(folder: Path) -> None:
    run(folder, "sqlite:///unused.db", "tests/projections/test_laws.py", module="pytest")


SELECT_QUIZZES = "SELECT user_id, class_id, quizzes FROM lms_progress WHERE quizzes IS NOT NULL ORDER BY user_id"


def run(folder: Path, url: str, command: str, module: str = "cli.main") -> str:
    """Return what a command prints that runs with the code of that folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "LMS_DATABASE_URL": url}
    program = [sys.executable, "-m", module, *command.split()]
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
