"""Summaries over HTTP: queued for every mentor of whom something is known, and refused while that is switched off."""

from collections.abc import Callable, Iterator

import pytest

from integrations.notifications.notification import notifications
from signals import outbox
from tests.api.support import NOW, accepted, problem
from tests.engine.rows import rows
from tests.engine.support import HandClock
from tests.integrations.notices import JONES, SMITH, exam
from tests.support.serving import Local

SUMMARY = "/v1/notifications/summary"


@pytest.fixture
def notifying(new_database: Callable[[], str], clock: HandClock) -> Iterator[Local]:
    """An app that tells mentors, of whom two have a student who passed an exam just now."""

    async def announce() -> None:
        async with api.engine.database.write() as connection:
            await outbox.enqueue_deliveries(
                connection, notifications(exam(timestamp=NOW), "exam-1", [SMITH, JONES], NOW)
            )

    with Local(new_database(), clock=clock, notify_mentors_enabled=True) as api:
        api.run(announce())
        clock.now = NOW.replace(hour=23)
        yield api


def test_a_summary_is_queued_for_each_mentor_once(notifying: Local) -> None:
    for _ in range(2):
        assert accepted(notifying.post(SUMMARY, json={"period": "today"})) == {"mentors": 2}
    assert accepted(notifying.post(SUMMARY, json={"period": "last-hour"})) == {"mentors": 0}

    query = "SELECT user_id FROM lms_outbox WHERE type = 'activity_summary' ORDER BY user_id"
    assert [row[0] for row in notifying.run(rows(notifying.engine.database, query))] == ["456", "457"]


def test_a_period_that_is_none_is_refused(notifying: Local) -> None:
    problem(notifying.post(SUMMARY, json={"period": "yesterday"}), 422, "period: expected 'today' or 'last-hour'")
    problem(notifying.post(SUMMARY, json={}), 422, "period: expected a value")


def test_while_mentors_are_not_told_it_is_refused(api: Local) -> None:
    problem(api.post(SUMMARY, json={"period": "today"}), 409, "LMS_NOTIFY_MENTORS_ENABLED: expected true, found false")
