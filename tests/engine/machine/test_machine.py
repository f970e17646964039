"""The engine against a naive model of what DESIGN section 2 defines: whatever happens to it, they never differ.

To let it run for long: MACHINE_EXAMPLES=5000 .venv/bin/python -m pytest tests/engine/machine -k sqlite
"""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import make_url

from eventstore.db.sqlite import staging
from tests.engine.machine.broken import use_breakable_rules
from tests.engine.machine.facts import Break
from tests.engine.machine.machine import Machine

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "15"))
STEPS = 30

SMALL = [
    (staging, "SHORT_ROWS", 12),
    (staging, "CHUNK_ROWS", 5),
    (staging, "CHUNK_LEARNERS", 1),
]
"""Sizes of SQLite's staging tables by which a few learners are several chunks."""

law = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_the_engine_never_differs_from_the_definition(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, report: Callable[[str], None]
) -> None:
    breaks: set[Break] = set()
    use_breakable_rules(monkeypatch, breaks)
    for module, name, size in SMALL:
        monkeypatch.setattr(module, name, size)

    urls: list[str] = []

    class OnNewDatabase(Machine):
        def __init__(self) -> None:
            urls.append(new_database())
            super().__init__(urls[-1], breaks)

    run_state_machine_as_test(OnNewDatabase, settings=law)
    backend = make_url(urls[0]).get_backend_name()
    report(f"{backend}: {len(urls):,} runs of at most {STEPS} steps, 0 differences from the definition")
