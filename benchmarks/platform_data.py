"""A platform that is full of what its students did: the example's schema, filled by its own database."""

from tests.support.platform import Platform

ACTIVITIES = {"exam_attempts": 3, "content_progress": 2}
"""How many activities each row of a table tells of: exams are started, completed, marked; videos started and seen."""

CLASSES = 40

FILL = """
INSERT INTO students (username, full_name, email)
    SELECT 'student-' || n, 'Student ' || n, 'student-' || n || '@example.org' FROM generate_series(1, {students}) AS n;
INSERT INTO mentors (username, full_name) SELECT 'mentor-' || n, 'Mentor ' || n FROM generate_series(1, 50) AS n;
INSERT INTO student_mentors SELECT n, 1 + n % 50 FROM generate_series(1, {students}) AS n;
INSERT INTO exams (title, max_score) SELECT 'Exam ' || n, 10 FROM generate_series(1, {classes}) AS n;
INSERT INTO courses (title) VALUES ('Course');
INSERT INTO chapters (course_id, name) VALUES (1, 'Chapter');
INSERT INTO contents (chapter_id, title, content_type, duration_sec)
    SELECT 1, 'Video ' || n, 'video', 600 FROM generate_series(1, {classes}) AS n;
CREATE TEMPORARY TABLE done AS
    SELECT 1 + n % {students} AS student_id, 1 + n / 7 % {classes} AS subject_id, n % 10 AS score,
        now() - interval '30 days' + n * interval '1 minute' AS at
    FROM generate_series(1, {rows}) AS n;
INSERT INTO exam_attempts
        (student_id, exam_id, started_at, completed_at, result, score, percentage, time_taken_sec, updated_at)
    SELECT student_id, subject_id, at, at + interval '40 minutes', CASE WHEN score < 5 THEN 'fail' ELSE 'pass' END,
        score, 10 * score, 2400, at + interval '40 minutes'
    FROM done;
INSERT INTO content_progress (student_id, content_id, state, started_at, completed_at, updated_at)
    SELECT student_id, subject_id, 'completed', at, at + interval '10 minutes', at + interval '10 minutes' FROM done;
ANALYZE;
"""
"""What the platform has: as many rows of both tables, of students in turn."""


def fill(platform: Platform, rows: int, students: int) -> None:
    """Has its students do so much."""
    platform.run(FILL.format(rows=rows, students=students, classes=CLASSES))


def mapping() -> str:
    """The mapping file: which class of ours each exam and each video there is."""
    tables = [
        f'[activity.{kind}.{number}]\nclass_id = "class-{number - 1:02d}"\n'
        for kind in ("exam", "content")
        for number in range(1, CLASSES + 1)
    ]
    return "\n".join(tables)
