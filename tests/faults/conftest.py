"""What the tests of faults share: programs that start quickly, since they are killed so often, and counts.

The counts are shown at the end of every run: a fault that nothing met would prove nothing.
"""

from collections.abc import Callable

import pytest

COUNTS = "counts"


@pytest.fixture(autouse=True, scope="module")
def quick_starts(forked: None) -> None:
    """Programs are started here to be killed."""


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line of counts, once they are checked."""

    def take(line: str) -> None:
        request.node.user_properties.append((COUNTS, line))  # which reach the process that shows them

    return take


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        for name, line in report.user_properties:
            if name == COUNTS:
                terminalreporter.write_line(f"faults: {line}")
