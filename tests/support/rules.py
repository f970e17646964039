"""Rules for tests, in the place of the registered ones."""

from collections.abc import Sequence

import pytest

from projections.rule import Rule


def use_rules(monkeypatch: pytest.MonkeyPatch, rules: Sequence[Rule]) -> None:
    """Make engines that are opened from now on run these rules, also engines that a command or the API opens."""
    monkeypatch.setattr("engine.engine.RULES", tuple(rules))
