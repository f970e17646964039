"""A variable that looks like a setting and is none is named in a warning, with the setting that was probably meant."""

from collections.abc import Callable

import pytest

from bootstrap.settings import AllSettings, load
from bootstrap.unknown_variables import find_unknown
from integrations.runtime.variables import variable_of
from tests.support.processes import command


def warnings_of(*names: str) -> list[str]:
    return list(find_unknown(names, AllSettings.model_fields))


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("LMS_DATABSE_URL", "LMS_DATABSE_URL is not a setting; did you mean LMS_DATABASE_URL?"),
        ("LMS_TOKEN_SECRETS", "LMS_TOKEN_SECRETS is not a setting; did you mean LMS_TOKEN_SECRET?"),
        ("LMS_DB_PASWORD", "LMS_DB_PASWORD is not a setting; did you mean LMS_DB_PASSWORD?"),
        ("LMS_ACTIVITY_ENABLED", "LMS_ACTIVITY_ENABLED is not a setting; did you mean LMS_ACTIVITY_MONITOR_ENABLED?"),
        ("LMS_KAFKA_GROUP", "LMS_KAFKA_GROUP is not a setting; did you mean KAFKA_GROUP_ID?"),
        ("lms_databse_url", "lms_databse_url is not a setting; did you mean LMS_DATABASE_URL?"),
        ("LMS_COLOUR", "LMS_COLOUR is not a setting"),
        ("LMS_", "LMS_ is not a setting"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_most_similar_setting(name: str, warning: str) -> None:
    assert warnings_of(name) == [warning]


def test_every_setting_is_known_in_any_case() -> None:
    variables = [variable_of(field) for field in AllSettings.model_fields]

    assert warnings_of(*variables, *map(str.lower, variables)) == []


@pytest.mark.parametrize("name", ["LMS_REQUIRE_SERVICES", "LMSDATABASE_URL", "PATH", "PGHOST", "KAFKA_HOME"])
def test_variables_of_others_are_left_alone(name: str) -> None:
    assert warnings_of(name) == []


def test_the_settings_are_loaded_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LMS_QUEUE_EVENT", "7")

    settings = load()

    assert settings.queue_events == AllSettings.model_fields["queue_events"].default
    assert caplog.messages == ["LMS_QUEUE_EVENT is not a setting; did you mean LMS_QUEUE_EVENTS?"]


@pytest.mark.slow
def test_a_command_prints_the_warning_once_and_runs(new_sqlite: Callable[[], str]) -> None:
    done = command("migrate", LMS_DATABASE_URL=new_sqlite(), LMS_TOKEN_SECRETS="x")

    assert done.returncode == 0
    assert done.stderr == "LMS_TOKEN_SECRETS is not a setting; did you mean LMS_TOKEN_SECRET?\n"
