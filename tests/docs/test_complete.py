"""The pages are complete and name nothing that is not there: endpoints, commands, settings, tables, types."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel

from api.app import create_app
from bootstrap.schema import metadata
from bootstrap.settings import AllSettings
from cli.main import app as program
from eventstore.json_schemas import published
from integrations.contracts.redis import LMS_EVENTS
from integrations.redis.source import DEAD_LETTERS
from integrations.runtime.variables import variable_of
from signals.signal import SignalType
from signals.xp import DEFAULT_XP_VALUES
from tests.docs.pages import FENCE, HEADING, code, pages, read, rows, section
from views import (
    VIEWS,
    event_daily_stats,
    leaderboard,
    message_daily_stats,
    signal_summary,
    user_activity,
    user_progress,
)

STREAMS = {LMS_EVENTS, DEAD_LETTERS}
"""Redis's, whose names look like tables'."""

NOT_OF_SETTINGS = {"LMS_REQUIRE_SERVICES"}
"""Read by the tests alone."""

SHAPES: Mapping[str, type[BaseModel]] = {
    "v_user_progress": user_progress.UserProgress,
    "v_leaderboard": leaderboard.Entry,
    "v_signal_summary": signal_summary.SignalSummary,
    "v_event_daily_stats": event_daily_stats.DailyStats,
    "v_message_daily_stats": message_daily_stats.MessageStats,
    "v_user_activity": user_activity.UserActivity,
}
"""Each view's row, as the API shows it: the same columns."""

TABLES = {table.name: {column.name for column in table.columns} for table in metadata.sorted_tables}


@cache
def endpoints() -> dict[str, list[str]]:
    """The parameters of each `METHOD /path` of the app's OpenAPI."""
    described: dict[str, dict[str, Any]] = create_app(AllSettings()).openapi()["paths"]
    return {
        f"{method.upper()} {path}": sorted(parameter["name"] for parameter in operation.get("parameters", ()))
        for path, operations in described.items()
        for method, operation in operations.items()
    }


@cache
def commands() -> dict[str, list[str]]:
    """The options of each command of the program."""
    return dict(leaves(typer.main.get_command(program), "lms-progress"))


def leaves(command: Any, path: str) -> Iterator[tuple[str, list[str]]]:
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from leaves(child, f"{path} {name}")
    else:
        yield path, sorted(opt for p in command.params if p.param_type_name == "option" for opt in p.opts)


def test_every_endpoint_is_documented_with_its_parameters() -> None:
    documented = {
        code(endpoint)[0]: sorted(code(parameters))
        for endpoint, _, parameters, _ in rows(section("docs/http.md", "## Endpoints"))
    }

    assert documented == endpoints()


def test_every_command_is_documented_with_its_options() -> None:
    documented = {}
    for heading in HEADING.findall(read("docs/cli.md")):
        words = re.match(r"lms-progress( [a-z]+(?![|\w]))+", heading)
        if words:
            documented[words[0]] = sorted(
                re.findall(r"^- `(--[a-z-]+)`", section("docs/cli.md", f"## {heading}"), re.MULTILINE)
            )

    assert documented == commands()


def test_every_setting_is_documented_with_its_default() -> None:
    defaults = {
        variable_of(name): "none" if field.default is None else str(field.default)
        for name, field in AllSettings.model_fields.items()
    }

    documented = {code(name)[0]: default.strip("`") for name, default, _ in rows(read("docs/settings.md"))}

    assert documented == defaults


def test_every_table_is_documented_with_its_columns() -> None:
    documented = {code(name)[0]: set(code(columns)) for name, columns, _ in rows(section("docs/sql.md", "## Tables"))}

    assert documented == TABLES


def test_every_view_is_documented_with_its_columns() -> None:
    documented = {code(name)[0]: set(code(columns)) for name, columns, _ in rows(section("docs/sql.md", "## Views"))}

    assert documented == {name: set(SHAPES[name].model_fields) for name in VIEWS}


def test_every_version_of_every_event_type_is_documented() -> None:
    table = section("docs/http.md", "## An event").rpartition("| type | version |")[2]

    documented = [(code(name)[0], code(version)[0]) for name, version, _ in rows(table)]

    assert documented == published()


def test_every_signal_is_documented_with_its_worth() -> None:
    documented = {code(row[0])[0]: int(row[-1]) for row in rows(section("docs/http.md", "## Signals"))}

    assert documented == {str(kind): DEFAULT_XP_VALUES[kind] for kind in SignalType}


@pytest.mark.parametrize("page", pages(), ids=str)
def test_a_page_names_nothing_that_is_not_there(page: str) -> None:
    text = read(page)
    named = set(code(text))
    endpoints_named = {span for span in named if re.fullmatch(r"(GET|PUT|POST|DELETE|PATCH) /\S+", span)}
    tables_named = {span.partition(".")[0] for span in named if re.fullmatch(r"(lms|v)_[a-z_]+(\.[a-z_]+)?", span)}
    settings_named = set(re.findall(r"\bLMS_[A-Z_]+[A-Z]\b", text))

    assert endpoints_named <= endpoints().keys()
    assert tables_named <= TABLES.keys() | VIEWS.keys() | STREAMS
    assert settings_named <= set(map(variable_of, AllSettings.model_fields)) | NOT_OF_SETTINGS


@pytest.mark.parametrize("page", pages(), ids=str)
def test_a_page_names_no_command_that_is_not_there(page: str) -> None:
    text = read(page)
    typed = [span for span in code(text) if span.startswith("lms-progress ")]
    typed += re.findall(r"^\$ (lms-progress .+)$", "".join(block for _, block in FENCE.findall(text)), re.MULTILINE)

    unknown = [line for line in typed if "COMMAND" not in line and not is_known(line)]

    assert unknown == []


def is_known(line: str) -> bool:
    """Whether a command of ours begins the line, and has all the options on it."""
    name = next((name for name in commands() if f"{line} ".startswith(f"{name} ")), None)
    return name is not None and set(re.findall(r" (--[a-z-]+)", line)) <= {*commands()[name], "--help"}
