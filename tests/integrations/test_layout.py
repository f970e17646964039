"""The layout file: the example's is good, and what is wrong in one is told where it stands."""

from pathlib import Path

import pytest

from eventstore.errors import InvalidInputError
from integrations.platform_monitor.layout import Layout
from integrations.platform_monitor.schema_check import Types, check
from tests.support.platform import LAYOUT

EXAMPLE = LAYOUT.read_text()


def written(text: str, folder: Path) -> Path:
    file = folder / "layout.toml"
    file.write_text(text, "utf-8")
    return file


def types_of(layout: Layout) -> dict[tuple[str, str], str]:
    """A platform that has just what the layout names."""
    found: dict[tuple[str, str], str] = {}
    for _, relation in layout.relations():
        for name, column in relation.columns():
            is_number = (
                name == "id" or name.endswith("_id") or name in ("score", "max_score", "percentage", "percentile")
            )
            is_number = is_number or name in (
                "speed",
                "unanswered",
                "correct_answers",
                "incorrect_answers",
                "duration_sec",
            )
            kind = "timestamp with time zone" if name.endswith("_at") else "text"
            found[relation.table, column] = "bigint" if is_number else kind
    return found


def test_the_example_names_the_columns_of_the_example() -> None:
    layout = Layout.load(LAYOUT)
    assert (layout.schema_, layout.time_zone) == ("public", "UTC")
    assert dict(layout.students.columns()) == {"id": "id", "username": "username"}
    assert layout.exam_attempts.changed_at == "updated_at"
    assert layout.contents.video == ("video",)
    check(layout, types_of(layout))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('schema = "public"', "schema = ", "layout.toml: expected TOML, found Invalid value"),
        ('schema = "public"', "schema = 1", "layout.toml, schema: expected a valid string, found 1"),
        ('time_zone = "UTC"', 'time_zone = "Moon"', "layout.toml, time_zone: expected a time zone such as UTC or Asia"),
        ('result = "result"', "", "layout.toml, exam_attempts.result: expected a value, found nothing"),
        ('score = "score"', 'scores = "score"', "layout.toml, exam_attempts.scores: expected no field of this name"),
        ('table = "exams"', 'table = ""', "layout.toml, exams.table: expected at least 1 character, found ''"),
        ('table = "exams"', f'table = "{"x" * 64}"', "layout.toml, exams.table: expected at most 63 bytes, found 'xxx"),
        ('passed = ["pass"]', "passed = []", "layout.toml, exam_attempts.passed: expected at least 1 item"),
        ("[mentors]", "[[mentors]]", "layout.toml, mentors: expected an object"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in EXAMPLE
    with pytest.raises(InvalidInputError) as caught:
        Layout.load(written(EXAMPLE.replace(old, new, 1), tmp_path))
    assert expected in str(caught.value)


def test_mentors_are_named_with_whose_they_are(tmp_path: Path) -> None:
    only_mentors = EXAMPLE.partition("[student_mentors]")[0] + "[exams]" + EXAMPLE.partition("[exams]")[2]
    with pytest.raises(InvalidInputError, match="expected both of mentors and student_mentors, or neither"):
        Layout.load(written(only_mentors, tmp_path))


def test_a_platform_may_have_no_mentors(tmp_path: Path) -> None:
    without = EXAMPLE.partition("[mentors]")[0] + "[exams]" + EXAMPLE.partition("[exams]")[2]
    layout = Layout.load(written(without, tmp_path))
    assert "mentors" not in [name for name, _ in layout.relations()]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"layout.toml: expected a file that can be read, found No such file"):
        Layout.load(tmp_path / "layout.toml")


MISSING_TABLE = (
    "exam_attempts.table: expected a table of schema 'public' that LMS_DB_USER may read, found no 'exam_attempts'"
)


@pytest.mark.parametrize(
    ("table", "column", "kind", "expected"),
    [
        (
            "exam_attempts",
            "score",
            None,
            "exam_attempts.score: expected a column of 'exam_attempts' that LMS_DB_USER may",
        ),
        (
            "exam_attempts",
            "score",
            "text",
            "exam_attempts.score: expected a column of 'exam_attempts' of type smallint or",
        ),
        (
            "exam_attempts",
            "updated_at",
            "bigint",
            "exam_attempts.changed_at: expected a column of 'exam_attempts' of type",
        ),
        (
            "exams",
            "id",
            "jsonb",
            "exams.id: expected a column of 'exams' of type smallint or integer or bigint or numeric",
        ),
        ("exam_attempts", None, None, MISSING_TABLE),
    ],
)
def test_what_the_platform_has_otherwise_is_told_where_the_layout_says_it(
    table: str, column: str | None, kind: str | None, expected: str
) -> None:
    layout = Layout.load(LAYOUT)
    types: Types = {
        (its_table, name): (kind or "") if (its_table, name) == (table, column) else found
        for (its_table, name), found in types_of(layout).items()
        if its_table != table or (column is not None and (kind is not None or name != column))
    }
    with pytest.raises(InvalidInputError) as caught:
        check(layout, types)
    assert f"layout.toml, {expected}" in str(caught.value)
    assert len(caught.value.errors) == 1


def test_an_id_names_a_row_by_an_id_of_its_sort() -> None:
    layout = Layout.load(LAYOUT)
    with pytest.raises(InvalidInputError) as caught:
        check(layout, types_of(layout) | {("exam_attempts", "student_id"): "text"})
    expected = "expected a column whose type goes with that of students.id, which is bigint, found text"
    assert str(caught.value) == f"{LAYOUT}, exam_attempts.student_id: {expected}"


def test_ids_may_be_of_any_type_that_ids_have_and_texts_of_all() -> None:
    layout = Layout.load(LAYOUT)
    for kind in ("uuid", "character varying", "integer", "numeric"):
        ids = {("exam_attempts", "id"): kind, ("exams", "id"): kind, ("exam_attempts", "exam_id"): kind}
        check(layout, types_of(layout) | ids | {("exams", "title"): "jsonb"})
