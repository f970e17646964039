"""The settings of notifications: whether mentors are notified of activities, and which recipients a hook chooses."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_settings import BaseSettings

from integrations.runtime.addresses import mailbox
from integrations.runtime.variables import variable_of

Value = TypeVar("Value")
Mailbox = Annotated[str, AfterValidator(mailbox)]


def with_its(other: str) -> Callable[[Value, ValidationInfo], Value]:
    """Return a validator that requires a setting if the other one is set."""

    def check(value: Value, others: ValidationInfo) -> Value:
        if value is None and others.data.get(other) is not None:
            raise ValueError(f"a value while {variable_of(other)} is there")
        return value

    return check


class NotificationSettings(BaseSettings):
    """The settings that all ways of notification share."""

    notify_mentors_enabled: bool = Field(
        default=False, description="Whether mentors are notified of their students' activities"
    )
    notify_recipients: str | None = Field(
        None, description="`package.module:function` that chooses the recipients, instead of the platform's"
    )
