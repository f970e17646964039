"""What every table builds on: the collection that it belongs to, and itself in one of two schemas."""

from sqlalchemy import MetaData, Table

metadata = MetaData()
"""All tables, whichever module they stand in."""


def in_schema(table: Table, schema: str) -> Table:
    """The same table in a schema: a statement that sees both a shadow and the live tables tells them apart by it."""
    return table.to_metadata(MetaData(), schema=schema)
