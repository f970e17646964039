"""The program as a whole: what it says of itself, and that whatever goes wrong is one readable message."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic_core import to_json

from tests.cli.support import envelope, ndjson, run, run_process
from tests.support.postgres import PostgresServer


def test_migrate_says_what_it_did(empty_database: Callable[[], str]) -> None:
    url = empty_database()

    first, second = run(url, "migrate"), run(url, "migrate")

    assert (first.code, first.out) == (0, "The database is at the current schema now.\n")
    assert (second.code, second.out) == (0, "The database was at the current schema already.\n")


@pytest.mark.slow
def test_every_command_runs_as_a_process(empty_database: Callable[[], str], tmp_path: Path) -> None:
    # given
    url, file = empty_database(), tmp_path / "course.json"
    step = {"class_id": "a", "title": "Watch", "video_id": "v"}
    file.write_bytes(to_json({"course_id": "c", "title": "A course", "steps": [step]}))

    # when
    commands: list[tuple[list[str | Path], bytes]] = [
        (["migrate"], b""),
        (["course", "publish", file], b""),
        (["import", "-"], ndjson([envelope()])),
        (["export", "signals", "--format", "csv"], b""),
        (["course", "list"], b""),
        (["stats"], b""),
    ]
    ended = [run_process(url, *command, stdin=stdin) for command, stdin in commands]

    # then
    assert [done.code for done in ended] == [0] * len(commands)
    said = [
        "current schema now",
        "published version 1",
        "accepted              1",
        "COURSE_COMPLETED,ada",
        "A course",
        "learners",
    ]
    assert [words for words, done in zip(said, ended, strict=True) if words not in done.out] == []


@pytest.mark.parametrize("command", [["stats"], ["course", "list"], ["export", "events"]])
def test_commands_that_read_do_not_change_the_schema(empty_database: Callable[[], str], command: list[str]) -> None:
    done = run(empty_database(), *command)

    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "lms-progress: expected a database at the current schema, found another: run `lms-progress migrate`\n"
    )


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "LMS_DATABASE_URL: expected sqlite:///FILE or postgresql://…, found no URL"),
        (
            "mysql://u:secret@h/x",
            "LMS_DATABASE_URL: expected sqlite:///FILE or postgresql://…, found mysql://u:***@h/x",
        ),
        ("sqlite:////no-such-folder/x.db", "LMS_DATABASE_URL: expected a file in a folder that exists, found"),
        ("postgresql://postgres@127.0.0.1:1/x", "the database does not answer: "),
    ],
)
def test_a_database_that_cannot_be_had_is_one_message(url: str, reason: str) -> None:
    done = run(url, "stats")

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"lms-progress: {reason}")
    assert done.err.count("\n") == 1


def test_a_file_that_is_no_database_is_one_message(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, " * 1_000)

    done = run(f"sqlite:///{file}", "migrate")

    assert (done.code, done.err) == (
        1,
        "lms-progress: expected the database to take this, found: file is not a database\n",
    )


def test_a_missing_postgresql_database_is_one_message(postgres: PostgresServer) -> None:
    done = run(postgres.url("no_such_database"), "migrate")

    assert done.code == 1
    assert done.err.startswith("lms-progress: expected the database to take this, found: ")
    assert 'database "no_such_database" does not exist' in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("command", [["import"], ["course", "publish"]])
def test_a_missing_file_is_one_message(new_sqlite: Callable[[], str], command: list[str]) -> None:
    done = run(new_sqlite(), *command, "no-such-file")

    assert (done.code, done.err) == (1, "lms-progress: no-such-file: No such file or directory\n")


def test_a_setting_that_is_no_good_is_named(new_sqlite: Callable[[], str]) -> None:
    done = run(new_sqlite(), "stats", LMS_XP_QUIZ_PASSED="many")

    assert done.code == 1
    assert done.err.startswith("lms-progress: LMS_XP_QUIZ_PASSED: expected a valid integer")


@pytest.mark.parametrize(
    "command", [[], ["migrate"], ["import"], ["export"], ["course", "publish"], ["course", "list"], ["stats"]]
)
def test_every_command_explains_itself(command: list[str]) -> None:
    done = run("sqlite:///unused.db", *command, "--help")

    assert done.code == 0
    assert " ".join(["lms-progress", *command]) in done.out
    assert not Path("unused.db").exists()


def test_a_command_that_there_is_not_is_refused() -> None:
    done = run("sqlite:///unused.db", "imprt")

    assert done.code == 2
    assert "No such command" in done.err
