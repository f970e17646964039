"""Tests of the HTTP side. What these modules assert is explained as tests are when it fails."""

import pytest

pytest.register_assert_rewrite("tests.api.contract", "tests.api.support")
