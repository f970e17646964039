"""What several tests stand on: the services they need, made for one run and gone after it.
A service that cannot be had skips its tests, or fails them where LMS_REQUIRE_SERVICES=1 says so."""

import os
from typing import NoReturn

import pytest


def missing_service(reason: str) -> NoReturn:
    """Ends the test that asked for a service: as skipped, or as failed if LMS_REQUIRE_SERVICES=1."""
    if os.environ.get("LMS_REQUIRE_SERVICES") == "1":
        pytest.fail(f"LMS_REQUIRE_SERVICES=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def check_servers_allowed() -> None:
    """Fail the test that starts a server, if the run is one of tests that need none: the test has the wrong marker."""
    if os.environ.get("TESTS_WITHOUT_SERVERS") == "1":
        pytest.fail("this test starts a server, but tests/support/costs.py knows none of its fixtures", pytrace=False)
