"""Programs that start quickly, for the tests of faults: they are killed so often."""

import pytest


@pytest.fixture(autouse=True, scope="module")
def quick_starts(forked: None) -> None:
    """Programs are started here to be killed."""
