"""Tests of the engine."""

import pytest

pytest.register_assert_rewrite("tests.engine.broken_rule", "tests.engine.delivery", "tests.engine.replays")
