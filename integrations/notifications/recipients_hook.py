"""The operator's own function that says whom to tell: it may add to the platform's recipients, or drop some.

A fault in it loses no activity, and no mentor: the platform's recipients are told then.
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
"""Takes an activity and the recipients that the platform gives; gives those who are told."""

log = logging.getLogger(__name__)

_RECIPIENTS = TypeAdapter(list[Recipient])


class PlugIn:
    """Such a function, by which nothing is lost."""

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self._trouble = OutageLog(
            log, f"the function of {VARIABLE} fails, the platform's recipients are told", f"{VARIABLE} works again"
        )

    def __call__(self, activity: Activity, recipients: Sequence[Recipient]) -> Sequence[Recipient]:
        """Whom to tell of an activity."""
        try:
            chosen = _RECIPIENTS.validate_python(list(self._choose(activity, tuple(recipients))))
        except Exception as error:
            self._trouble.report(fault(error))
            return recipients
        self._trouble.recovered()
        return chosen


def load(name: str) -> PlugIn:
    """The function `package.module:function`. Raises InvalidInput if there is none of that name."""
    module_name, _, function_name = name.partition(":")
    try:
        choose = getattr(import_module(module_name), function_name)
    except Exception as error:
        raise refused(f"{shorten_repr(name)}, by {fault(error)}") from error
    if not callable(choose):
        raise refused(f"{shorten_repr(name)}, which is no function")
    return PlugIn(choose)


def refused(what: str) -> InvalidInputError:
    return InvalidInputError(
        [FieldError(VARIABLE, "the package.module:function of a function that can be imported", what)]
    )
