"""The engine against a naive model of what DESIGN section 2 defines: whatever happens to it, they never differ.

To let it run for long: MACHINE_EXAMPLES=5000 .venv/bin/python -m pytest tests/engine/machine -k sqlite
"""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from engine import (
    bringing,
    catch_up,
    deriving,
    filling,
    learners,
    mend,
    probing,
    publish,
    retry,
    sides,
    swap_in,
    verify,
)
from eventstore.dialects import second_tables
from tests.engine.machine.broken import use_breakable_rules
from tests.engine.machine.facts import Break
from tests.engine.machine.machine import Machine

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "15"))
STEPS = 30

SMALL = [
    (publish, "CHUNK_LEARNERS", 1),
    (retry, "PAGE", 2),
    (filling, "PIECE_SEQS", 3),
    (deriving, "PIECE_LEARNERS", 1),
    (catch_up, "CHUNK_EVENTS", 2),
    (catch_up, "SHORT_SEQS", 2),
    (swap_in, "PAUSE_SEC", 0.01),
    (bringing, "BROUGHT_LEARNERS", 1),
    (probing, "FEW_LEARNERS", 1),
    (probing, "PROBED_LEARNERS", 2),
    (sides, "RANGE_LEARNERS", 2),
    (second_tables, "SHORT_ROWS", 12),
    (second_tables, "CHUNK_ROWS", 5),
    (second_tables, "CHUNK_LEARNERS", 1),
    (learners, "CHUNK_LEARNERS", 1),
    (verify, "CHUNK_LEARNERS", 1),
    (mend, "CHUNK_LEARNERS", 2),
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
