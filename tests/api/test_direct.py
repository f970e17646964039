"""Endpoints that are called past FastAPI: what it did for them, they still have."""

import pytest

from tests.api.support import accepted, ping
from tests.support.serving import Local


def test_a_fault_of_ours_is_a_problem_whose_trace_the_log_alone_has(
    api: Local, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("nobody's business")

    monkeypatch.setattr(api.engine.ingest, "submit", fail)

    response = api.post("/v1/events", json=ping())

    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "expected no fault of the server's, found one; its log says more"
    assert "nobody's business" in caplog.text


@pytest.mark.parametrize("path", ["/v1/events?of=today", "/v1/events?"])
def test_a_query_changes_nothing(api: Local, path: str) -> None:
    assert accepted(api.post(path, json=ping()))["accepted"] == 1


@pytest.mark.parametrize(("path", "allowed"), [("/v1/events", "GET, HEAD, POST"), ("/v1/webhooks/tally", "POST")])
def test_other_methods_are_told_which_there_are(api: Local, path: str, allowed: str) -> None:
    response = api.put(path, json={})

    assert response.status_code == 405
    assert response.headers["Allow"] == allowed
