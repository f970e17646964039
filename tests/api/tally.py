"""Tally delivering responses to the quiz of tests/api/support.py, and what became of them."""

from typing import Any

from sqlalchemy import select

from integrations.tables import lms_inbox
from tests.api.support import accepted, tally
from tests.integrations.tally_payloads import Json, form_response
from tests.support.serving import Local

PATH = "/v1/webhooks/tally"
BODY = form_response(form_id="loops-quiz")
TAKEN = {"accepted": 1, "duplicates": 0, "rejected": [], "signals": []}
DUPLICATE = {"accepted": 0, "duplicates": 1, "rejected": [], "signals": []}


def deliver(api: Local, body: Json | bytes) -> dict[str, Any]:
    return accepted(api.post(PATH, **tally(body)))


def inbox(api: Local) -> list[Any]:
    async def read() -> list[Any]:
        async with api.engine.database.read() as connection:
            rows = await connection.execute(select(lms_inbox).order_by(lms_inbox.c.message_id))
            return list(rows)

    return api.run(read())


def submissions(api: Local) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = accepted(api.get("/v1/events", params={"type": "QUIZ_SUBMIT", "limit": 1000}))[
        "items"
    ]
    return items
