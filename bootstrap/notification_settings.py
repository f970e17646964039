"""Settings of notifications: whether mentors are told of activities, who else is, and by which ways."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo
from pydantic_settings import BaseSettings

from bootstrap.addresses import mailbox, url_of, web_address
from bootstrap.variables import variable_of

Value = TypeVar("Value")
Mailbox = Annotated[str, AfterValidator(mailbox)]


def with_its(other: str) -> Callable[[Value, ValidationInfo], Value]:
    """Holds a setting to be there where another is."""

    def check(value: Value, known: ValidationInfo) -> Value:
        if value is None and known.data.get(other) is not None:
            raise ValueError(f"a value while {variable_of(other)} is there")
        return value

    return check


class NotificationSettings(BaseSettings):
    """What an operator can choose of notifications."""

    notify_mentors_enabled: bool = Field(
        default=False, description="Whether mentors are told of their students' activities"
    )
    notify_recipients: str | None = Field(
        None, description="`package.module:function` that says whom to tell; without it those that the platform gives"
    )
    zulip_site: Annotated[str, AfterValidator(web_address)] | None = Field(
        None, description="The URL of a Zulip organisation, where mentors are told of activities"
    )
    zulip_email: Annotated[Mailbox | None, AfterValidator(with_its("zulip_site"))] = Field(
        None, validate_default=True, description="The address of the bot that tells them"
    )
    zulip_api_key: Annotated[SecretStr | None, AfterValidator(with_its("zulip_site"))] = Field(
        None, validate_default=True, description="The bot's key"
    )
    smtp_url: Annotated[SecretStr, AfterValidator(url_of("smtps", "smtp"))] | None = Field(
        None, description="`smtps://…` or `smtp://…`: the server by which mentors are told by e-mail"
    )
    smtp_from: Annotated[Mailbox | None, AfterValidator(with_its("smtp_url"))] = Field(
        None, validate_default=True, description="The address that e-mails come from"
    )
