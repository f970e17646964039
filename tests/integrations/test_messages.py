"""Messages to mentors: what they say, what is left out, and that nothing a user wrote is more than text. Pure."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from integrations.contracts.activity import Activity
from integrations.notifications.notification import notifications
from integrations.notifications.render import message
from integrations.notifications.render_summary import summary_message
from integrations.notifications.summary import Period, add, announced, empty_summary, span_of
from integrations.notifications.text import FORGES, MOST, markdown, plain
from integrations.zulip.tag import tag, tag_of, with_tag
from signals.outbox import OutboxMessage
from tests.docs.pages import ROOT
from tests.engine.support import at
from tests.integrations.notices import JONES, NOW, SMITH, content, exam

ZULIPS_LONGEST = 10_000
ENTITY = re.compile(r"&#[0-9]+;")
ANY_TEXT = st.text() | st.text(alphabet=FORGES + "al htps/_-()\n\u202e\u2066\x00")
NASTY = [
    "@**all**",
    "@_**mentor_smith|11**",
    "@*everyone*",
    "[grades](https://evil.example.com)",
    "https://evil.example.com",
    "evil.example.com",
    "mail@evil.example.com",
    "#**announce>topic**",
    "```spoiler x\ny\n```",
    "`code`",
    "$$x$$",
    "~~struck~~",
    ":octopus:",
    "<time:2026-01-01T00:00:00Z>",
    "&#64;&#42;&#42;all&#42;&#42;",
    "![](https://evil.example.com/x.png)",
    "\n\n# heading\n- item",
    "\n\nref 0123456789ab",
]
ACTIVITIES = st.builds(
    lambda kind, **fields: kind(**fields),
    st.sampled_from([exam, content]),
    student_username=st.none() | ANY_TEXT.filter(lambda text: "\x00" not in text),
    activity_title=st.none() | ANY_TEXT.filter(lambda text: "\x00" not in text),
)


def told(activity: Activity) -> str:
    [one] = notifications(activity, activity.event_id, [SMITH], NOW)
    return message(one.type, from_json(one.body))


def test_given_an_exam_that_was_failed_then_the_message_says_how_far_it_went() -> None:
    assert told(exam(event_type="exam_failed")).splitlines() == [
        "**Exam failed**",
        "**john_doe** did not pass **Mathematics Final**",
        "**Score:** 85 · **Percentage:** 85% · **Result:** pass · **Time taken:** 45 minutes",
        "**Date:** 2026-11-28 00:00 UTC",
    ]


def test_given_content_that_was_completed_then_the_message_says_where_it_stands_and_when_it_was() -> None:
    metadata = {
        "content_type": "video",
        "course_title": "Programming 101",
        "chapter_name": "Loops",
        "completed_on": "2026-11-27T14:30:00+02:00",
    }
    assert told(content(metadata=metadata)).splitlines() == [
        "**Content completed**",
        "**jane_smith** completed **For and while**",
        "**Course:** Programming 101 · **Chapter:** Loops · **Type:** video",
        "**Date:** 2026-11-27 12:30 UTC",
    ]


@pytest.mark.parametrize("nothing", [None, "", " \n", "\u202e"])
def test_what_is_not_known_is_left_out(nothing: str | None) -> None:
    bare: dict[str, Any] = {
        "student_username": nothing,
        "activity_title": nothing,
        "metadata": {"score": 85.5, "result": nothing},
    }
    assert told(exam(**bare)).splitlines() == [
        "**Exam passed**",
        "**Student 123** passed **number 789**",
        "**Score:** 85.5",
        "**Date:** 2026-11-28 00:00 UTC",
    ]
    assert len(told(content(**bare | {"metadata": {}})).splitlines()) == 3


@pytest.mark.parametrize("text", NASTY)
def test_what_a_user_wrote_is_shown_and_forges_nothing(text: str) -> None:
    lines = told(exam(student_username=text, activity_title=text)).splitlines()
    assert len(lines) == 4
    shown = html.unescape(lines[1])
    assert shown == f"**{plain(text)}** passed **{plain(text)}**"
    assert lines[1].count("*") == 8
    assert not re.search(r"[@#:.`$~<\[\]|]", ENTITY.sub("", lines[1]))


@given(ANY_TEXT)
def test_escaped_text_is_one_line_and_shows_what_it_shows_as_plain_text(text: str) -> None:
    escaped = markdown(text)
    assert not set(ENTITY.sub("", escaped)) & set(FORGES)
    assert escaped.splitlines() in ([], [escaped])
    assert html.unescape(escaped) == plain(text)
    assert len(plain(text)) <= MOST
    assert plain(plain(text)) == plain(text)


@given(ACTIVITIES)
def test_a_message_has_the_lines_that_it_is_meant_to_have_and_zulip_takes_all_of_it(activity: Activity) -> None:
    text = told(activity)
    [one] = notifications(activity, activity.event_id, [SMITH], NOW)
    assert len(text.splitlines()) == 4
    assert len(with_tag(text, one.message_id)) <= ZULIPS_LONGEST
    assert tag_of(text) is None
    assert tag_of(with_tag(text, one.message_id)) == tag(one.message_id)


def test_the_longest_message_is_one_that_zulip_takes() -> None:
    longest = "@" * 5_000
    metadata = {"score": 1e308, "percentage": 100.0, "result": longest, "time_taken": longest}
    assert len(told(exam(student_username=longest, activity_title=longest, metadata=metadata))) < ZULIPS_LONGEST
    metadata = {"course_title": longest, "chapter_name": longest, "content_type": longest}
    assert len(told(content(student_username=longest, activity_title=longest, metadata=metadata))) < ZULIPS_LONGEST


def test_the_page_shows_messages_as_they_are() -> None:
    failed = {"score": 41.0, "percentage": 41.0, "result": "fail"}
    morning, afternoon = at(0) + timedelta(hours=9.5), at(0) + timedelta(hours=14.5)
    page = (ROOT / "docs/integrations/notifications.md").read_text()
    shown: list[Activity] = [
        exam(timestamp=morning),
        exam(event_type="exam_failed", metadata=failed, timestamp=morning),
        content(timestamp=afternoon),
    ]
    for activity in shown:
        assert f"```\n{told(activity)}\n\nref " in page
    done: list[Activity] = [
        exam(),
        exam(event_type="exam_failed", activity_title="Physics", metadata=failed),
        exam(student_username="jane_smith", student_id=124, metadata={"percentage": 92.0}),
        content(),
    ]
    summed = empty_summary(SMITH, Period.TODAY, span_of(Period.TODAY, at(0.75)))
    for activity in done:
        add(summed, activity)
    assert f"```\n{summary_message(summed, markdown)}\n```" in page


def summed_up(*activities: Activity, period: Period = Period.TODAY) -> OutboxMessage:
    summed = empty_summary(SMITH, period, span_of(period, at(1.5)))
    for activity in activities:
        add(summed, activity)
    return announced(summed, NOW)


@given(st.lists(ACTIVITIES, max_size=250))
def test_a_summary_counts_all_and_is_cut_off_where_it_gets_long(activities: list[Activity]) -> None:
    one = summed_up(*activities)
    text = message(one.type, from_json(one.body))
    assert len(text) <= ZULIPS_LONGEST - 100
    named = len(re.findall(r"^- ", text, re.MULTILINE))
    more = re.search(r"\n\nand ([0-9,]+) more$", text)
    assert named + int(more[1].replace(",", "") if more else 0) == len(activities)


def test_a_long_summary_says_how_much_more_there_is() -> None:
    one = summed_up(*(exam(student_username="@" * 500, student_id=number) for number in range(1_500)))
    text = message(one.type, from_json(one.body))
    assert "1,500 exams passed" in text
    assert re.search(r"\n\nand 1,4[0-9]{2} more$", text)
    assert len(one.body) < 150_000


def test_ids_tell_notifications_apart() -> None:
    """By activity and mentor; a summary's by mentor, period and when that began."""
    ids = [one.message_id for one in notifications(exam(), "a", [SMITH, JONES], NOW)]
    ids += [one.message_id for one in notifications(exam(), "b", [SMITH], NOW + timedelta(days=1))]
    ids += [summed_up(period=period).message_id for period in Period]
    assert len(set(ids)) == 5
    assert ids[:2] == [one.message_id for one in notifications(exam("another"), "a", [SMITH, JONES], at(9))]
