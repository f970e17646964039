"""Rules that can be broken and mended while the engine runs: they raise on what a set of breaks names."""

from collections.abc import Collection
from datetime import datetime

import pytest

from projections.progress import Progress
from projections.rule import Rule
from projections.rules import RULES
from tests.engine.machine.facts import Break
from tests.support.rules import use_rules


class BrokenRuleError(ArithmeticError):
    """What a broken rule raises."""


def use_breakable_rules(monkeypatch: pytest.MonkeyPatch, breaks: Collection[Break]) -> None:
    """Puts rules that `breaks` breaks in the place of the real ones, wherever the engine takes its rules from."""
    rules = tuple(breakable(rule, breaks) for rule in RULES)
    use_rules(monkeypatch, rules)


def breakable(rule: Rule, breaks: Collection[Break]) -> Rule:
    def prove(payload: object, occurred_at: datetime) -> Progress:
        for broken in breaks:
            if broken.rule == rule.name and getattr(payload, broken.field) == broken.value:
                raise BrokenRuleError(broken)
        return rule.apply(payload, occurred_at)

    return rule._replace(apply=prove)
