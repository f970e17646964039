"""The engine against a naive model of what DESIGN section 2 defines: whatever happens to it, they never differ.

To let it run for long: MACHINE_EXAMPLES=5000 .venv/bin/python -m pytest tests/engine/machine -k sqlite
"""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from engine.courses import publish
from engine.parking import retry
from engine.replay import catch_up, derive_signals, diff_queries, fold, sampling, shadow_copy, swap
from engine.verify import learners, repair, verify
from eventstore.db.sqlite import staging
from tests.engine.machine.broken import use_breakable_rules
from tests.engine.machine.facts import Break
from tests.engine.machine.machine import Machine

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "15"))
STEPS = 30

SMALL = [
    (publish, "CHUNK_LEARNERS", 1),
    (retry, "PAGE", 2),
    (fold, "PIECE_SEQS", 3),
    (derive_signals, "PIECE_LEARNERS", 1),
    (catch_up, "CHUNK_EVENTS", 2),
    (catch_up, "SHORT_SEQS", 2),
    (swap, "PAUSE_SEC", 0.01),
    (shadow_copy, "BROUGHT_LEARNERS", 1),
    (sampling, "FEW_LEARNERS", 1),
    (sampling, "PROBED_LEARNERS", 2),
    (diff_queries, "RANGE_LEARNERS", 2),
    (staging, "SHORT_ROWS", 12),
    (staging, "CHUNK_ROWS", 5),
    (staging, "CHUNK_LEARNERS", 1),
    (learners, "CHUNK_LEARNERS", 1),
    (verify, "CHUNK_LEARNERS", 1),
    (repair, "CHUNK_LEARNERS", 2),
]
"""Sizes by which a few learners and a few events are several chunks, pieces and pages."""

law = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_the_engine_never_differs_from_the_definition(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks: set[Break] = set()
    use_breakable_rules(monkeypatch, breaks)
    for module, name, size in SMALL:
        monkeypatch.setattr(module, name, size)

    class OnNewDatabase(Machine):
        def __init__(self) -> None:
            super().__init__(new_database(), breaks)

    run_state_machine_as_test(OnNewDatabase, settings=law)
