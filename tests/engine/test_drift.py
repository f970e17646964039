"""Drift: what differs between rows, and how it is said."""

from itertools import permutations

import pytest

from engine.verify.expected_rows import Rows
from engine.verify.table_diff import Difference, compare, differences, format_value
from eventstore.errors import FOUND_LIMIT
from tests.engine.support import at

COLUMNS = ("course_id", "position", "completed_at")
ADA, BOB, CLEO = ("ada", "a"), ("bob", "a"), ("cleo", "a")


def said(expected: Rows, found: Rows) -> list[str]:
    return [str(difference) for difference in differences("lms_progress", COLUMNS, compare(expected, found))]


def test_the_same_rows_do_not_differ() -> None:
    rows: Rows = {ADA: ("x", 280, at(1)), BOB: (None, 0, None)}

    assert said(rows, dict(rows)) == []
    assert compare(rows, dict(rows)).rows == 0


def test_each_field_that_differs_is_named() -> None:
    expected: Rows = {ADA: ("x", 280, at(1))}

    assert said(expected, {ADA: ("x", 12, at(1))}) == ["lms_progress ada/a position: expected 280, found 12"]
    assert said(expected, {ADA: (None, 280, None)}) == [
        "lms_progress ada/a course_id: expected 'x', found nothing",
        "lms_progress ada/a completed_at: expected 2026-11-29T00:00:00.000000Z, found nothing",
    ]


def test_a_row_that_is_missing_is_named_with_what_it_should_say() -> None:
    assert said({ADA: ("x", 280, None)}, {}) == [
        "lms_progress ada/a row: expected a row (course_id 'x', position 280), found no row"
    ]


def test_a_row_too_many_is_named_with_what_it_says() -> None:
    assert said({}, {ADA: ("x", 280, None)}) == [
        "lms_progress ada/a row: expected no row, found a row (course_id 'x', position 280)"
    ]


def test_differences_come_by_key_whatever_they_are() -> None:
    row = ("x", 1, None)
    keys = ["lms_progress ada/a row", "lms_progress bob/a position", "lms_progress cleo/a row"]

    for found in permutations([(BOB, ("x", 2, None)), (CLEO, row)]):
        lines = said({BOB: row, ADA: row}, dict(found))
        assert [line.partition(":")[0] for line in lines] == keys


def test_rows_are_counted_once_however_many_of_their_fields_differ() -> None:
    drift = compare({ADA: ("x", 1, None), BOB: ("x", 1, None)}, {ADA: ("y", 2, at(1)), CLEO: ("x", 1, None)})

    assert (len(drift.missing), len(drift.changed), len(drift.surplus), drift.rows) == (1, 1, 1, 3)


@pytest.mark.parametrize(
    ("key", "shown"),
    [(("ada", "", "all"), "ada/''/all"), (("two\nlines",), r"'two\nlines'"), (("Zoë",), "Zoë")],
)
def test_a_key_is_one_readable_word(key: tuple[str, ...], shown: str) -> None:
    assert str(Difference("lms_xp", key, "xp", "1", "2")) == f"lms_xp {shown} xp: expected 1, found 2"


def test_long_text_is_cut() -> None:
    assert len(format_value("x" * 1_000)) == FOUND_LIMIT
