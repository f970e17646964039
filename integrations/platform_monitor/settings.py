"""Settings of the monitor: whether it runs, what it looks for, and where the platform's database is."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from integrations.contracts.activity import TYPES

TYPE_NAMES = tuple(each.name for each in TYPES)


def of_types(names: str) -> str:
    """Holds names, separated by commas, to types of activities."""
    if set(split(names)) <= set(TYPE_NAMES):
        return names
    raise ValueError(f"some of {', '.join(TYPE_NAMES)}, separated by commas")


def split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]


class MonitorSettings(BaseSettings):
    """What an operator can choose of the monitor."""

    activity_monitor_enabled: bool = Field(
        default=False, description="Whether a learning platform's database is polled for what its students do"
    )
    activity_layout_file: Path | None = Field(
        None, description="The TOML file that names the tables and columns of that database"
    )
    activity_poll_interval: Annotated[float, Field(gt=0)] = Field(
        60, description="How many seconds after a poll the next one begins"
    )
    event_types_to_monitor: Annotated[str, AfterValidator(of_types)] = Field(
        ",".join(TYPE_NAMES), description="The types of activities that are taken in, separated by commas"
    )
    db_name: str | None = Field(None, description="The name of the platform's database, a PostgreSQL")
    db_user: str | None = Field(None, description="Who reads there: a role that can only read")
    db_password: SecretStr | None = Field(None, description="That role's password")
    db_host: str = Field("localhost", description="Where it is")
    db_port: Annotated[int, Field(ge=1, le=65_535)] = Field(5432, description="Its port")

    @property
    def types_to_monitor(self) -> frozenset[str]:
        """The types that are taken in."""
        return frozenset(split(self.event_types_to_monitor))
