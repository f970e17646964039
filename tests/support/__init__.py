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
