"""The cost of a test: each test gets the marker of the most expensive thing that it uses."""

from collections.abc import Iterator, Mapping

import pytest

COSTS = ("unit", "sqlite", "postgresql", "broker", "faults")
"""The markers, from cheap to expensive. pyproject.toml describes them."""

FIXTURES: Mapping[str, str] = {
    "tmp_path": "sqlite",
    "tmp_path_factory": "sqlite",
    "postgres": "postgresql",
    "own_postgres": "postgresql",
    "redis_server": "broker",
    "rabbitmq_server": "broker",
    "kafka_server": "broker",
    "own_redis": "broker",
    "bench": "broker",
}
"""The fixtures by which a test gets files or a server, with the marker of each. SQLite's databases are such files."""


def mark_by_cost(item: pytest.Item) -> None:
    """Mark `item` with its cost."""
    item.add_marker(max(used_by(item), key=COSTS.index, default="unit"))


def used_by(item: pytest.Item) -> Iterator[str]:
    """Yield the markers of the folder, the fixtures and the parameters of `item`."""
    if item.path.parent.name == "faults":
        yield "faults"
    for fixture in getattr(item, "fixturenames", ()):
        if fixture in FIXTURES:
            yield FIXTURES[fixture]
    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        yield from (value for value in item.callspec.params.values() if isinstance(value, str) and value in COSTS)
