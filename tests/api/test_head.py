"""HEAD: whatever GET would answer, without its body, as HTTP has it."""

import httpx
import pytest

from bootstrap.keys import Scope
from tests.api.contract import openapi
from tests.api.support import contents, key
from tests.support.serving import Local, serving

PATHS = ("/healthz", "/openapi.json", "/v1/progress?limit=1", "/v1/courses/python-101", "/v1/leaderboard/nobody", "/no")


@pytest.mark.parametrize("path", PATHS)
def test_head_answers_what_get_does_without_the_body(lived_in: Local, path: str) -> None:
    before = contents(lived_in)

    head, get = lived_in.request("HEAD", path), lived_in.get(path)

    assert (head.status_code, head.headers) == (get.status_code, get.headers)
    assert (head.content, len(get.content)) == (b"", int(head.headers["content-length"]))
    assert contents(lived_in) == before


def test_head_asks_who_calls_as_get_does(guarded: Local) -> None:
    assert guarded.request("HEAD", "/v1/progress").status_code == 401
    assert guarded.request("HEAD", "/v1/progress", headers=key(guarded, Scope.PUBLISH)).status_code == 403
    assert guarded.request("HEAD", "/v1/progress", headers=key(guarded, Scope.READ)).status_code == 200


def test_head_is_no_get_where_there_is_none(lived_in: Local) -> None:
    response = lived_in.request("HEAD", "/v1/webhooks/tally")

    assert (response.status_code, response.headers["Allow"], response.content) == (405, "POST", b"")


def test_head_is_not_documented_again() -> None:
    assert all("head" not in operations for operations in openapi()["paths"].values())


@pytest.mark.slow
def test_a_connection_goes_on_after_head(database_url: str) -> None:
    """A body that came after all would be taken for the next answer."""
    with serving(database_url, "--dev") as server, httpx.Client(base_url=server.url) as client:
        for _ in range(3):
            assert (client.head("/readyz").status_code, client.get("/readyz").json()) == (200, {"status": "ok"})
