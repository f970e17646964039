"""Platforms of other layouts than the example: other names and types, what is missing, and what cannot be kept."""

from pathlib import Path

import pytest
from pydantic_core import from_json

from integrations.platform_monitor import poller, queries
from tests.cli.support import query, run
from tests.integrations.monitored import ON, activities, marked, poll, told
from tests.support.platform import LAYOUT, Platform


def test_a_layout_that_the_platform_does_not_have_is_refused(
    database_url: str, platform: Platform, tmp_path: Path
) -> None:
    layout = tmp_path / "layout.toml"
    layout.write_text(LAYOUT.read_text().replace('result = "result"', 'result = "outcome"'))

    ended = run(
        database_url, "monitor", "--once", stdin=b"", **platform.settings | {"LMS_ACTIVITY_LAYOUT_FILE": str(layout)}
    )

    expected = f"{layout}, exam_attempts.result: expected a column of 'exam_attempts' that LMS_DB_USER may read"
    assert (ended.code, ended.err) == (1, f"lms-progress: {expected}, found no 'outcome' there\n")


OTHERWISE = """
CREATE SCHEMA "The School";
CREATE TABLE "The School"."People" ("Key" UUID PRIMARY KEY, "Log In" TEXT);
CREATE TABLE "The School"."Tests" ("Key" UUID PRIMARY KEY, "Title" JSONB);
CREATE TABLE "The School"."Sittings" (
    "Key" TEXT PRIMARY KEY, "Who" UUID, "What" UUID, "Begun" TIMESTAMP, "Ended" TIMESTAMP, "Touched" TIMESTAMP,
    "Good" BOOLEAN, "Points" REAL, "Took" INTERVAL
);
CREATE TABLE "The School"."Views" ("Key" INTEGER, "Who" UUID, "What" UUID, "Begun" DATE, "Touched" TIMESTAMP);
GRANT USAGE ON SCHEMA "The School" TO lms_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA "The School" TO lms_reader;
INSERT INTO "The School"."People" VALUES ('00000000-0000-4000-8000-000000000001', 'ada');
INSERT INTO "The School"."Tests" VALUES ('00000000-0000-4000-8000-000000000002', '"Algebra"');
INSERT INTO "The School"."Sittings" SELECT 'sitting "' || n || '"', '00000000-0000-4000-8000-000000000001',
    '00000000-0000-4000-8000-000000000002', '2026-03-01 15:30', '2026-03-01 16:00', '2026-03-01 16:00',
    n > 5, 7, '30 min'
    FROM generate_series(1, 10) AS n;
"""
LAYOUT_OF_IT = """
schema = "The School"
time_zone = "Asia/Kolkata"
students = { table = "People", id = "Key", username = "Log In" }
exams = { table = "Tests", id = "Key", title = "Title" }
contents = { table = "Tests", id = "Key" }

[exam_attempts]
table = "Sittings"
id = "Key"
student_id = "Who"
exam_id = "What"
changed_at = "Touched"
started_at = "Begun"
completed_at = "Ended"
result = "Good"
score = "Points"
time_taken = "Took"
passed = ["true"]
failed = ["false"]

[content_progress]
table = "Views"
id = "Key"
student_id = "Who"
content_id = "What"
changed_at = "Touched"
started_at = "Begun"
"""


def test_a_platform_may_have_other_names_and_types(
    database_url: str, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times without an offset are of the layout's time zone, ids of any type; and there are no mentors."""
    for module in (poller, queries):
        monkeypatch.setattr(module, "PAGE", 4)
    platform.run(OTHERWISE)
    layout = tmp_path / "layout.toml"
    layout.write_text(LAYOUT_OF_IT)

    new = [poll(database_url, platform, LMS_ACTIVITY_LAYOUT_FILE=str(layout), **ON) for _ in range(2)]

    assert new == [30, 0]
    kinds = query(database_url, "SELECT type, count(*) FROM lms_activity GROUP BY type ORDER BY type")
    assert kinds == [("exam_completed", 10), ("exam_failed", 5), ("exam_passed", 5), ("exam_started", 10)]
    kept = query(database_url, "SELECT body FROM lms_inbox WHERE type = 'exam_passed' ORDER BY message_id LIMIT 1")
    body = from_json(kept[0][0]) if isinstance(kept[0][0], str) else kept[0][0]
    assert (body["student_username"], body["timestamp"]) == ("ada", "2026-03-01T10:30:00.000000Z")
    assert body["metadata"] == {"score": 7, "result": "pass", "time_taken": "30 minutes"}
    assert told(database_url) == []


LONGER = """
CREATE FUNCTION long(id BIGINT) RETURNS TEXT IMMUTABLE LANGUAGE SQL RETURN
    CASE id WHEN 2 THEN (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 300) AS n) ELSE id::text END;
CREATE VIEW long_attempts AS SELECT exam_attempts.*, long(student_id) AS who FROM exam_attempts;
CREATE VIEW long_pairs AS SELECT mentor_id, long(student_id) AS who FROM student_mentors;
CREATE VIEW long_progress AS SELECT content_progress.*, long(student_id) AS who FROM content_progress;
CREATE VIEW long_students AS SELECT username, long(id) AS who FROM students;
GRANT SELECT ON long_attempts, long_pairs, long_progress, long_students TO lms_reader;
"""


def test_what_cannot_be_kept_is_passed_over_and_the_others_are_kept(
    database_url: str, platform: Platform, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A learner's id of which PostgreSQL makes no key."""
    platform.run(LONGER)
    text = LAYOUT.read_text().replace('student_id = "student_id"', 'student_id = "who"')
    for table, longer in (("students", "students"), ("student_mentors", "pairs"), ("exam_attempts", "attempts")):
        text = text.replace(f'table = "{table}"', f'table = "long_{longer}"')
    text = text.replace('table = "content_progress"', 'table = "long_progress"').replace('id = "id"', 'id = "who"', 1)
    layout = tmp_path / "layout.toml"
    layout.write_text(text)
    for student in (1, 2, 3):
        platform.sit(student, 1, **marked(17))

    ended = run(
        database_url, "monitor", "--once", stdin=b"", **platform.settings | {"LMS_ACTIVITY_LAYOUT_FILE": str(layout)}
    )

    assert ended.code == 0
    assert sorted(row for row in activities(database_url) if len(row[0]) == 1) == [
        (student, f"exam_{kind}") for student in ("1", "3") for kind in ("completed", "passed", "started")
    ]
    if database_url.startswith("postgresql"):
        assert caplog.text.count("is passed over") == 3
