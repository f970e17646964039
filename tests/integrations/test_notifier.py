"""The notifier: which recipients it notifies, and that an error in the operator's function loses nothing. Pure."""

import pytest

from bootstrap.settings import AllSettings
from bootstrap.sinks import make_notifier
from eventstore.errors import InvalidInputError
from integrations.contracts.activity import Activity
from integrations.notifications.notification import Notifier, notifications
from integrations.notifications.recipients_hook import load
from tests.integrations.notices import JONES, NOW, SMITH, content, exam

HERE = "tests.integrations.plugged_in"


def notified(notifier: Notifier, activity: Activity) -> list[str]:
    return [one.user_id for one in notifier.notifications(activity, "message", [SMITH, JONES], NOW)]


def test_the_platforms_recipients_are_notified_unless_a_function_chooses_others() -> None:
    failed = exam(event_type="exam_failed")
    assert notified(Notifier(), exam()) == notified(Notifier(), failed) == ["456", "457"]
    chosen = Notifier(load(f"{HERE}:with_head"))
    assert (notified(chosen, exam()), notified(chosen, failed)) == ([], ["456", "457", "1"])


def test_nobody_is_notified_of_an_activity_that_only_begins() -> None:
    for kind in ("exam_started", "exam_completed"):
        assert notified(Notifier(), exam(event_type=kind)) == []
    for kind in ("content_started", "content_watched"):
        assert notified(Notifier(), content(event_type=kind)) == []


@pytest.mark.parametrize("function", ["fails", "gives_nonsense", "gives_nothing"])
def test_a_function_that_fails_loses_nothing_and_is_logged_once(
    function: str, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier(load(f"{HERE}:{function}"))

    for _ in range(3):
        made = notifier.notifications(exam(), "message", [SMITH, JONES], NOW)
        assert made == notifications(exam(), "message", [SMITH, JONES], NOW)

    [line] = caplog.messages
    assert line.startswith("the function of LMS_NOTIFY_RECIPIENTS fails, the platform's recipients are notified: ")
    assert not any(word in line for word in ("john_doe", "Smith", "example.org"))


@pytest.mark.parametrize(
    "name",
    ["", "plugged_in", HERE, f"{HERE}:", f"{HERE}:absent", f"{HERE}:NOT_A_FUNCTION", "no.such.module:f", ":f", "a b:c"],
)
def test_a_name_that_is_no_function_is_refused(name: str) -> None:
    with pytest.raises(
        InvalidInputError, match=r"^LMS_NOTIFY_RECIPIENTS: expected the package.module:function of a function"
    ):
        load(name)


def test_there_is_no_notifier_while_notifications_are_off() -> None:
    absent = {"notify_mentors_enabled": True, "notify_recipients": "absent:function"}

    assert make_notifier(AllSettings()) is None
    assert make_notifier(AllSettings.model_validate({"notify_mentors_enabled": True})) is not None
    with pytest.raises(InvalidInputError):
        make_notifier(AllSettings.model_validate(absent))
