"""A join may be any class with a merge and a codec: one without SQL survives the fold, the store and a replay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from projections.joins import Max, Min
from projections.progress import FIELDS, fields_of
from tests.docs.walk import Edit, copy_of_the_source

JOIN = '''

class Union(Join):
    """A set of texts, stored as JSON."""

    column_type = Text()

    def merge(self, a: Any, b: Any) -> Any:
        return a | b

    def encode(self, value: Any) -> Any:
        return json.dumps(sorted(value))

    def decode(self, stored: Any) -> Any:
        return frozenset(json.loads(stored))
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

EDITS = (
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
    from typing import NamedTuple

    class WithoutJoin(NamedTuple):
        score: int | None = None

    with pytest.raises(TypeError, match=r"Progress\.score: expected one join in its annotation, found 0"):
        fields_of(WithoutJoin)


@pytest.mark.slow
def test_a_join_without_sql_is_folded_in_python_and_equal_after_a_replay(tmp_path: Path) -> None:
    folder = copy_of_the_source(tmp_path / "lms-progress")
    joins = folder / "projections" / "joins.py"
    text = joins.read_text().replace("from typing import", "import json\nfrom typing import")
    joins.write_text(text.replace("from sqlalchemy import ", "from sqlalchemy import Text, ") + JOIN)
    for edit in EDITS:
        edit.carry_out(folder)

    tests = ["tests/projections/test_laws.py", "tests/engine/test_replay.py", "tests/engine/test_laws.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-k", "not postgresql", *tests]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
