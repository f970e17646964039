"""Whether a database holds what it was given, and what that amounts to: asked past the product, and of `verify`."""

from benchmarks.data import Shape, expected, user_id
from benchmarks.databases import Store
from benchmarks.program import PROGRAM, run
from benchmarks.result import same

SAMPLE = 20

COUNT_LOG = "SELECT count(*) FROM lms_event"
"""How many events the log holds."""


def check_all(store: Store, shape: Shape) -> None:
    """Raises WrongResult unless the log holds the events of `shape`, and some learners' rows are what they prove."""
    same("events in the log", store.number(COUNT_LOG), shape.events)
    check_progress(store, shape)
    check_verify(store)


def check_progress(store: Store, shape: Shape) -> None:
    """The rows of some learners, counted again from their events in another way."""
    for learner in range(0, shape.learners, max(1, shape.learners // SAMPLE)):
        found = store.rows(
            "SELECT class_id, video_max_position_sec, video_completed, quiz_passed, quiz_score "  # noqa: S608 - a name of ours
            f"FROM v_user_progress WHERE user_id = '{user_id(learner)}' ORDER BY class_id"
        )
        same(f"progress of {user_id(learner)}", found, [tuple(row) for row in expected(shape, learner)])


def check_verify(store: Store, sample: int = 200) -> None:
    """`verify` of some learners: progress, signals, XP and all counts."""
    run([PROGRAM, "verify", "--sample", str(sample)], store.url)
