"""A mapping file that is broken stops the commands that translate messages, and no others."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap.composition import open_inbox
from bootstrap.settings import AllSettings
from integrations.inbound.mapping import Mappings
from tests.cli.support import Ended, envelope, ndjson, query, run
from tests.integrations.redis_entries import result

COURSE = b'{"course_id": "x", "title": "X", "steps": [{"class_id": "loops", "title": "Loops", "quiz_id": "quiz"}]}'
CLASS_1 = '[redis.class.1]\nclass_id = "loops"\npass_score = 60\n'
NOT_TOML = "[redis.class"


@pytest.fixture
def mapping_file(tmp_path: Path) -> Path:
    return tmp_path / "mapping.toml"


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (("import", "-"), ndjson([envelope()])),
        (("course", "publish", "-"), COURSE),
        (("replay",), b""),
        (("replay", "--user", "ada"), b""),
        (("verify",), b""),
        (("retry",), b""),
    ],
)
def test_commands_of_the_engine_work_with_a_broken_mapping_file(
    database_url: str, mapping_file: Path, arguments: tuple[str, ...], stdin: bytes
) -> None:
    mapping_file.write_text(NOT_TOML)

    ended = run(database_url, *arguments, stdin=stdin, LMS_MAPPING_FILE=str(mapping_file))

    assert ended.code == 0, ended.err


@pytest.mark.parametrize(
    "arguments", [("serve", "--port", "0"), ("consume", "redis"), ("relay",)], ids=lambda found: found[0]
)
def test_commands_that_translate_messages_name_what_is_wrong_with_it(
    new_sqlite: Callable[[], str], mapping_file: Path, arguments: tuple[str, ...]
) -> None:
    mapping_file.write_text(NOT_TOML)
    ended = run(new_sqlite(), *arguments, LMS_MAPPING_FILE=str(mapping_file), LMS_REDIS_URL="redis://127.0.0.1:1/0")

    assert ended.code == 1
    assert f"{mapping_file}: expected TOML" in ended.err


@pytest.mark.parametrize("arguments", [("replay",), ("retry",), ("import", "-")], ids=lambda found: found[0])
def test_commands_of_the_engine_leave_parked_messages_alone(
    database_url: str, mapping_file: Path, arguments: tuple[str, ...]
) -> None:
    # given a parked message that could be translated by now
    mapping_file.write_text("")
    run(database_url, "course", "publish", "-", stdin=COURSE)
    asyncio.run(receive_result(database_url, mapping_file))
    mapping_file.write_text(CLASS_1)
    assert status(database_url) == "parked"

    # when the command has ended
    ended: Ended = run(database_url, *arguments, LMS_MAPPING_FILE=str(mapping_file))

    # then the message is as it was, and an inbox tries it again
    assert (ended.code, status(database_url)) == (0, "parked")
    asyncio.run(retry(database_url, mapping_file))
    assert status(database_url) == "done"


async def receive_result(url: str, mapping_file: Path) -> None:
    async with open_inbox(AllSettings(database_url=url, mapping_file=mapping_file)) as inbox:
        inbox.mappings = Mappings()
        await inbox.receive([result()])


async def retry(url: str, mapping_file: Path) -> None:
    async with open_inbox(AllSettings(database_url=url, mapping_file=mapping_file)) as inbox:
        await asyncio.wait([inbox.engine.schedule_pending_work()])


def status(url: str) -> str:
    [(found,)] = query(url, "SELECT status FROM lms_inbox")
    return str(found)
