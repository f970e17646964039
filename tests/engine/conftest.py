"""The time at which the tests of the engine begin."""

import pytest

from tests.engine.support import HandClock


@pytest.fixture
def clock() -> HandClock:
    """A clock at day 0, unless the module has one of its own."""
    return HandClock()
