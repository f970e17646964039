"""The operator's hook: a function that adds recipients of an activity, or removes some.

If the function fails, the platform's recipients are notified, so its errors lose no notification.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module

from pydantic import TypeAdapter

from eventstore.errors import FieldError, InvalidInputError, shorten_repr
from eventstore.outage_log import OutageLog
from eventstore.redaction import fault
from integrations.contracts.activity import Activity
from integrations.notifications.recipient import Recipient

VARIABLE = "LMS_NOTIFY_RECIPIENTS"

Choose = Callable[[Activity, Sequence[Recipient]], Iterable[Recipient]]
"""Takes an activity and the platform's recipients, and returns the recipients to notify."""

log = logging.getLogger(__name__)

_RECIPIENTS = TypeAdapter(list[Recipient])


class RecipientsHook:
    """Calls the operator's function, and validates its result."""

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self._outage = OutageLog(
            log, f"the function of {VARIABLE} fails, the platform's recipients are notified", f"{VARIABLE} works again"
        )

    def __call__(self, activity: Activity, recipients: Sequence[Recipient]) -> Sequence[Recipient]:
        """Return the recipients to notify of an activity."""
        try:
            chosen = _RECIPIENTS.validate_python(list(self._choose(activity, tuple(recipients))))
        except Exception as error:
            self._outage.report(fault(error))
            return recipients
        self._outage.recovered()
        return chosen


def load(name: str) -> RecipientsHook:
    """Import the function `package.module:function`. Raise InvalidInputError if that is not possible."""
    module_name, _, function_name = name.partition(":")
    try:
        choose = getattr(import_module(module_name), function_name)
    except Exception as error:
        raise invalid_name(f"{shorten_repr(name)}, by {fault(error)}") from error
    if not callable(choose):
        raise invalid_name(f"{shorten_repr(name)}, which is no function")
    return RecipientsHook(choose)


def invalid_name(found: str) -> InvalidInputError:
    return InvalidInputError(
        [FieldError(VARIABLE, "the package.module:function of a function that can be imported", found)]
    )
