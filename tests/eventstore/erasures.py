"""Rows of lms_erasure, a table that any test may write to."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

COUNT = "SELECT count(*) FROM lms_erasure"


async def erase(connection: AsyncConnection, user_id: str) -> None:
    row = {"user_id": user_id, "erased_at": "2026-11-21T05:04:24.587453Z"}
    quoted = ", ".join(f"'{field}'" for field in row.values())
    await connection.execute(text(f"INSERT INTO lms_erasure ({', '.join(row)}) VALUES ({quoted})"))  # noqa: S608
