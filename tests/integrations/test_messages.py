"""The texts of notifications: their lines, what is left out, and that no text of a user passes for markup. Pure."""

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
from integrations.notifications.render import render, render_summary
from integrations.notifications.summary import Period, add, empty_summary, span_of, to_message
from integrations.notifications.text import LONGEST, MARKUP, markdown, plain
from integrations.zulip.encode import tag, tag_of, with_tag
from signals.outbox import OutboxMessage
from tests.docs.pages import ROOT
from tests.engine.support import at
from tests.integrations.notices import JONES, NOW, SMITH, content, exam

ZULIPS_LONGEST = 10_000
ENTITY = re.compile(r"&#[0-9]+;")
ANY_TEXT = st.text() | st.text(alphabet=MARKUP + "al htps/_-()\n\u202e\u2066\x00")
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


def text_of(activity: Activity) -> str:
    [one] = notifications(activity, activity.event_id, [SMITH], NOW)
    return render(one.type, from_json(one.body))


def test_a_failed_exam_is_rendered_with_its_result() -> None:
    assert text_of(exam(event_type="exam_failed")).splitlines() == [
        "**Exam failed**",
        "**john_doe** did not pass **Mathematics Final**",
        "**Score:** 85 · **Percentage:** 85% · **Result:** pass · **Time taken:** 45 minutes",
        "**Date:** 2026-11-28 00:00 UTC",
    ]


def test_a_completed_content_is_rendered_with_its_course_and_time() -> None:
    metadata = {
        "content_type": "video",
        "course_title": "Programming 101",
        "chapter_name": "Loops",
        "completed_on": "2026-11-27T14:30:00+02:00",
    }
    assert text_of(content(metadata=metadata)).splitlines() == [
        "**Content completed**",
        "**jane_smith** completed **For and while**",
        "**Course:** Programming 101 · **Chapter:** Loops · **Type:** video",
        "**Date:** 2026-11-27 12:30 UTC",
    ]


@pytest.mark.parametrize("nothing", [None, "", " \n", "\u202e"])
def test_unknown_parts_are_left_out(nothing: str | None) -> None:
    bare: dict[str, Any] = {
        "student_username": nothing,
        "activity_title": nothing,
        "metadata": {"score": 85.5, "result": nothing},
    }
    assert text_of(exam(**bare)).splitlines() == [
        "**Exam passed**",
        "**Student 123** passed **number 789**",
        "**Score:** 85.5",
        "**Date:** 2026-11-28 00:00 UTC",
    ]
    assert len(text_of(content(**bare | {"metadata": {}})).splitlines()) == 3


@pytest.mark.parametrize("text", NASTY)
def test_text_of_users_is_shown_and_is_no_markup(text: str) -> None:
    lines = text_of(exam(student_username=text, activity_title=text)).splitlines()
    assert len(lines) == 4
    shown = html.unescape(lines[1])
    assert shown == f"**{plain(text)}** passed **{plain(text)}**"
    assert lines[1].count("*") == 8
    assert not re.search(r"[@#:.`$~<\[\]|]", ENTITY.sub("", lines[1]))


@given(ANY_TEXT)
def test_escaped_text_is_one_line_and_shows_the_plain_text(text: str) -> None:
    escaped = markdown(text)
    assert not set(ENTITY.sub("", escaped)) & set(MARKUP)
    assert escaped.splitlines() in ([], [escaped])
    assert html.unescape(escaped) == plain(text)
    assert len(plain(text)) <= LONGEST
    assert plain(plain(text)) == plain(text)


@given(ACTIVITIES)
def test_a_message_has_four_lines_and_zulip_accepts_its_length(activity: Activity) -> None:
    text = text_of(activity)
    [one] = notifications(activity, activity.event_id, [SMITH], NOW)
    assert len(text.splitlines()) == 4
    assert len(with_tag(text, one.message_id)) <= ZULIPS_LONGEST
    assert tag_of(text) is None
    assert tag_of(with_tag(text, one.message_id)) == tag(one.message_id)


def test_zulip_accepts_the_longest_message() -> None:
    longest = "@" * 5_000
    metadata = {"score": 1e308, "percentage": 100.0, "result": longest, "time_taken": longest}
    assert len(text_of(exam(student_username=longest, activity_title=longest, metadata=metadata))) < ZULIPS_LONGEST
    metadata = {"course_title": longest, "chapter_name": longest, "content_type": longest}
    assert len(text_of(content(student_username=longest, activity_title=longest, metadata=metadata))) < ZULIPS_LONGEST


def test_the_docs_page_shows_messages_as_they_are_rendered() -> None:
    failed = {"score": 41.0, "percentage": 41.0, "result": "fail"}
    morning, afternoon = at(0) + timedelta(hours=9.5), at(0) + timedelta(hours=14.5)
    page = (ROOT / "docs/integrations/notifications.md").read_text()
    shown: list[Activity] = [
        exam(timestamp=morning),
        exam(event_type="exam_failed", metadata=failed, timestamp=morning),
        content(timestamp=afternoon),
    ]
    for activity in shown:
        assert f"```\n{text_of(activity)}\n\nref " in page
    done: list[Activity] = [
        exam(),
        exam(event_type="exam_failed", activity_title="Physics", metadata=failed),
        exam(student_username="jane_smith", student_id=124, metadata={"percentage": 92.0}),
        content(),
    ]
    summary = empty_summary(SMITH, Period.TODAY, span_of(Period.TODAY, at(0.75)))
    for activity in done:
        add(summary, activity)
    assert f"```\n{render_summary(summary)}\n```" in page


def summary_of(*activities: Activity, period: Period = Period.TODAY) -> OutboxMessage:
    summary = empty_summary(SMITH, period, span_of(period, at(1.5)))
    for activity in activities:
        add(summary, activity)
    return to_message(summary, NOW)


@given(st.lists(ACTIVITIES, max_size=250))
def test_a_summary_counts_all_activities_and_is_cut_off_at_its_longest(activities: list[Activity]) -> None:
    one = summary_of(*activities)
    text = render(one.type, from_json(one.body))
    assert len(text) <= ZULIPS_LONGEST - 100
    named = len(re.findall(r"^- ", text, re.MULTILINE))
    more = re.search(r"\n\nand ([0-9,]+) more$", text)
    assert named + int(more[1].replace(",", "") if more else 0) == len(activities)


def test_a_long_summary_says_how_many_activities_are_hidden() -> None:
    one = summary_of(*(exam(student_username="@" * 500, student_id=number) for number in range(1_500)))
    text = render(one.type, from_json(one.body))
    assert "1,500 exams passed" in text
    assert re.search(r"\n\nand 1,4[0-9]{2} more$", text)
    assert len(one.body) < 150_000


def test_notifications_have_different_ids() -> None:
    """An id follows from activity and mentor; that of a summary from mentor, period and the period's begin."""
    ids = [one.message_id for one in notifications(exam(), "a", [SMITH, JONES], NOW)]
    ids += [one.message_id for one in notifications(exam(), "b", [SMITH], NOW + timedelta(days=1))]
    ids += [summary_of(period=period).message_id for period in Period]
    assert len(set(ids)) == 5
    assert ids[:2] == [one.message_id for one in notifications(exam("another"), "a", [SMITH, JONES], at(9))]
