"""The clock of the engine's tests, and a rule that raises."""

import pytest

from tests.engine.broken_rule import BreakableRule, break_rule
from tests.engine.support import HandClock


@pytest.fixture
def clock() -> HandClock:
    """A clock at day 0, unless the module has one of its own."""
    return HandClock()


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> BreakableRule:
    """A broken rule in the place of video_progress: it raises on poison."""
    return break_rule(monkeypatch)
