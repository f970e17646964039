"""The counts of the fault tests, shown at the end of every run: a fault that nothing met would prove nothing."""

from collections.abc import Callable

import pytest

COUNTS = pytest.StashKey[list[str]]()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line of counts, once they are checked."""
    return request.config.stash.setdefault(COUNTS, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(COUNTS, []):
        terminalreporter.write_line(f"faults: {line}")
