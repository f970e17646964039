"""Messages of other systems over HTTP: which are parked and why, trying them again, and what their facts show."""

import asyncio
from pathlib import Path

import pytest

from bootstrap.composition import open_inbox
from bootstrap.settings import AllSettings
from cli.manage.course import CourseFile, publish
from eventstore.errors import InvalidInputError
from integrations.inbound import reference_store
from integrations.inbound.inbox import Inbox
from integrations.inbound.inbox_worker import inbox_worker, look
from integrations.inbound.mapping_file import MappingFile
from integrations.inbound.message import Message
from integrations.inbound.outcome import Outcome
from integrations.inbound.reference_data import Enrolment, Fact, Media, Profile, ProfileField
from integrations.views import inbox_list
from tests.api.support import NOW, Json, accepted, ping, problem
from tests.api.tally import BODY, deliver
from tests.engine.support import HandClock, step
from tests.integrations.redis_entries import USER_UPSERT, message, result
from tests.support.serving import Local

PATIENCE_SEC = 30

CLASS_1 = '[redis.class.1]\nclass_id = "loops"\npass_score = 60\n'


def receive(api: Local, *messages: Message) -> list[Outcome]:
    inbox: Inbox = api.app.state.inbox
    return api.run(inbox.receive(messages))


def told(api: Local, *facts: Fact) -> None:
    async def write() -> None:
        async with api.engine.database.write() as connection:
            await reference_store.save_reference_data(connection, facts)

    api.run(write())


def items(api: Local, query: str = "") -> list[Json]:
    found: list[Json] = accepted(api.get(f"/v1/inbox{query}"))["items"]
    return found


def test_messages_are_listed_with_what_became_of_them(api: Local) -> None:
    receive(api, result(), message("user_upsert", USER_UPSERT, "1772000000001-0"))
    deliver(api, BODY)

    exam, learner, form = items(api)

    assert learner == {
        "source": "redis",
        "message_id": "lms_events/1772000000001-0",
        "type": "user_upsert",
        "topic": "lms_events",
        "received_at": "2026-03-01T12:00:00Z",
        "status": "done",
        "reason": None,
        "user_id": None,
        "event_id": None,
    }
    assert (exam["topic"], exam["status"], form["topic"], form["status"]) == (
        "cbt_events",
        "parked",
        "loops-quiz",
        "parked",
    )
    assert "expected the table [redis.class.1] in the mapping file" in exam["reason"]
    assert items(api, "?status=parked") == [exam, form]
    assert items(api, "?status=done&source=redis") == [learner]
    assert items(api, "?source=tally") == [form]
    assert accepted(api.get("/v1/stats/messages"))["items"] == [
        {"day": "2026-12-02", "source": "tally", "topic": "loops-quiz", "type": "FORM_RESPONSE", "messages": 1},
        {"day": "2026-03-01", "source": "redis", "topic": "lms_events", "type": "user_upsert", "messages": 1},
        {"day": "2026-03-01", "source": "redis", "topic": "cbt_events", "type": "exam_result_completed", "messages": 1},
    ]


def test_a_status_that_there_is_not_is_refused(api: Local) -> None:
    problem(api.get("/v1/inbox?status=lost"), 422, "query.status: expected 'done' or 'parked', found 'lost'")


def test_parked_messages_are_tried_again_on_request(api: Local, tmp_path: Path) -> None:
    receive(api, result())
    assert accepted(api.post("/v1/inbox/retry")) == {"done": 0, "parked": 1}

    api.app.state.inbox.mappings = mapping_file(tmp_path, CLASS_1).read()

    assert accepted(api.post("/v1/inbox/retry")) == {"done": 1, "parked": 0}
    [item] = items(api)
    [event] = accepted(api.get("/v1/events"))["items"]
    assert (item["status"], item["user_id"], item["event_id"]) == ("done", "42", event["event_id"])
    assert (event["class_id"], event["source"], event["payload"]["passed"]) == ("loops", "redis", True)


def mapping_file(folder: Path, text: str) -> MappingFile:
    path = folder / "mapping.toml"
    path.write_text(text)
    return MappingFile(path)


async def test_a_changed_mapping_file_is_taken_up_and_what_is_parked_tried_again(
    database_url: str, tmp_path: Path
) -> None:
    file = mapping_file(tmp_path, "")
    settings = AllSettings(database_url=database_url, mapping_file=file.path)
    async with open_inbox(settings, HandClock(NOW)) as inbox:
        file.read()
        await inbox.engine.publish("x", "", (step("loops", "quiz"),))
        await inbox.receive([result()])
        before = inbox.mappings

        # what has not changed, or makes no sense, changes nothing
        await look(inbox, file)
        mapping_file(tmp_path, "[redis.class.1]\nclass = 7\n")
        await look(inbox, file)
        assert inbox.mappings is before

        mapping_file(tmp_path, CLASS_1)
        await look(inbox, file)

        assert (await inbox.receive([result()]))[0].status == "done"


async def test_a_course_that_a_command_publishes_has_parked_messages_tried_again(
    database_url: str, tmp_path: Path
) -> None:
    # given a process with an inbox, in which a message waits for a course
    file = mapping_file(tmp_path, '[redis.class.1]\nclass_id = "loops"\n')
    settings = AllSettings(database_url=database_url, mapping_file=file.path)
    async with open_inbox(settings, HandClock(NOW)) as inbox:
        await asyncio.wait([inbox.engine.schedule_pending_work()])
        [parked] = await inbox.receive([result()])
        assert parked.status == "parked"

        # when a command of another process publishes the course
        steps = [{"class_id": "loops", "title": "Loops", "quiz_id": "quiz", "pass_score": 60}]
        await publish(settings, CourseFile.model_validate({"course_id": "x", "title": "X", "steps": steps}))
        assert await statuses(inbox) == ["parked"]

        # then the inbox's worker has the message tried again
        file.read()
        tried = asyncio.Event()

        async def note() -> None:
            tried.set()

        inbox.engine.after_publish.append(note)
        async with inbox_worker(inbox, file, interval_sec=0.01):
            await asyncio.wait_for(tried.wait(), PATIENCE_SEC)
        assert await statuses(inbox) == ["done"]


async def statuses(inbox: Inbox) -> list[str]:
    async with inbox.engine.database.read() as connection:
        return [item.status for item in (await inbox_list.read(connection, 10)).items]


async def test_a_mapping_file_that_is_wrong_or_missing_at_the_start_ends_it(database_url: str, tmp_path: Path) -> None:
    async def start(path: Path) -> None:
        async with open_inbox(AllSettings(database_url=database_url, mapping_file=path)):
            pass

    with pytest.raises(InvalidInputError, match=r"mapping\.toml"):
        await start(tmp_path / "mapping.toml")
    mapping_file(tmp_path, "[redis.class.1]\n")
    with pytest.raises(InvalidInputError, match=r"redis\.class\.1\.class_id: expected a value, found nothing"):
        await start(tmp_path / "mapping.toml")


def test_who_is_enrolled_sees_the_course_before_beginning_it(published: Local) -> None:
    told(
        published,
        Enrolment("ada", "python-101", NOW),
        Enrolment("ada", "not-published", NOW),
        Media("intro", "m", 300, NOW),
    )

    page = accepted(published.get("/v1/users/ada/progress"))

    [course] = page["courses"]
    assert (course["course_id"], course["percent"], course["enrolled_at"]) == ("python-101", 0, "2026-12-02T12:00:00Z")
    assert [(step["class_id"], step["duration_sec"]) for step in course["steps"]] == [("intro", 300), ("loops", None)]

    accepted(published.post("/v1/events", json=ping()))
    [course] = accepted(published.get("/v1/users/ada/progress"))["courses"]
    assert (course["percent"], course["enrolled_at"]) == (50, "2026-12-02T12:00:00Z")
    assert accepted(published.get("/v1/users/alan/progress"))["courses"] == []


def said(user_id: str, **fields: str) -> list[Fact]:
    return [Profile(user_id, ProfileField(field), value, NOW) for field, value in fields.items()]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "Ada Lovelace", "first_name": "A."}, "Ada Lovelace"),
        ({"first_name": "Ada", "last_name": "Lovelace"}, "Ada Lovelace"),
        ({"last_name": " Lovelace "}, "Lovelace"),
        ({"email": "ada@example.com", "role": "student"}, None),
        ({"name": " "}, None),
    ],
)
def test_learners_are_shown_by_name(published: Local, fields: dict[str, str], name: str | None) -> None:
    told(published, *said("ada", **fields), *said("grace", name="Grace Hopper"))
    accepted(published.post("/v1/events", json=[ping(), ping(user_id="alan")]))

    assert accepted(published.get("/v1/users/ada/progress"))["name"] == name
    board = accepted(published.get("/v1/leaderboard"))["entries"]
    assert [(entry["user_id"], entry["name"]) for entry in board] == [("ada", name), ("alan", None)]
    around = accepted(published.get("/v1/leaderboard/alan?neighbours=1"))
    assert [entry["name"] for entry in around["above"]] == [name]
