"""Which of the database's errors will pass, and are told to come again, and which are the statement's own fault."""

import pytest
from sqlalchemy.exc import DBAPIError

from eventstore.db.database import Database, translate_errors
from eventstore.errors import UnavailableError
from tests.engine.rows import change


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT no_such_column FROM lms_event",
        "DELETE FROM no_such_table",
        "NO SUCH WORDS",
        "INSERT INTO lms_erasure (user_id, erased_at) VALUES ('ada', NULL)",
    ],
)
async def test_what_is_wrong_with_a_statement_does_not_pass(database: Database, statement: str) -> None:
    with pytest.raises(DBAPIError):
        await change(database, statement)
    await works(database)


async def works(database: Database) -> None:
    """Fails if what went wrong before is in the way."""
    await change(database, "INSERT INTO lms_erasure (user_id, erased_at) VALUES ('ada', '2026-11-21T05:04:24.587453Z')")


def test_no_answer_in_time_is_said_in_words() -> None:
    with (
        pytest.raises(UnavailableError, match="the database does not answer: timeout"),
        translate_errors(),
    ):
        raise TimeoutError
