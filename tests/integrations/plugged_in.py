"""Functions as an operator may name them in LMS_NOTIFY_RECIPIENTS."""

from collections.abc import Iterable, Sequence
from typing import Any

from integrations.contracts.activity import Activity
from integrations.notifications.recipient import Recipient

HEAD = Recipient("1", "head", "Head of School", "head@school.example.org")
NOT_A_FUNCTION = 1


def with_head(activity: Activity, recipients: Sequence[Recipient]) -> Iterable[Recipient]:
    """The head is notified of failed exams, too, and nobody of passed ones."""
    if activity.event_type == "exam_failed":
        yield from recipients
        yield HEAD


def fails(activity: Activity, recipients: Sequence[Recipient]) -> Iterable[Recipient]:
    raise KeyError(f"{activity.student_username} of {recipients}")


def gives_nonsense(*_: Any) -> Any:
    return [("smith", 3)]


def gives_nothing(*_: Any) -> Any:
    return None
