"""Payloads of every event type, for tests that draw events: each in its newest version, as JSON values.

A type without an entry here fails `test_event_type.py`, so that no test of a law passes it by.
"""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Payload = dict[str, object]

POSITIONS = (12.5, 89.9, 90, 100, 100.5)
"""Seconds of a video of 100 s, on both sides of 90 %."""

SEGMENTS = st.lists(st.sampled_from([[0, 10.5], [5, 90]]), max_size=2)


def video_ping() -> SearchStrategy[Payload]:
    return st.fixed_dictionaries(
        {"video_id": st.just("video"), "position": st.sampled_from(POSITIONS), "duration": st.just(100)},
        optional={"played_segments": SEGMENTS, "playback_rate": st.sampled_from([0.5, 2])},
    )


def quiz_submit() -> SearchStrategy[Payload]:
    return st.fixed_dictionaries(
        {
            "quiz_id": st.just("quiz"),
            "score": st.sampled_from([4.5, 10]),
            "max_score": st.just(10),
            "passed": st.booleans(),
        }
    )


PAYLOADS: dict[str, SearchStrategy[Payload]] = {"VIDEO_PING": video_ping(), "QUIZ_SUBMIT": quiz_submit()}
