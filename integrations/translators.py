"""Which translator reads the messages of which source of `lms_inbox`."""

from collections.abc import Mapping

from integrations.contracts.tally import FormResponse
from integrations.inbox import Translate
from integrations.tally import translate
from signals.course_store import Courses

TALLY = "tally"


def translate_tally(body: str, courses: Courses) -> object:
    """A webhook's body as the envelope it amounts to."""
    return translate(FormResponse.model_validate_json(body), list(courses.histories.values()))


TRANSLATORS: Mapping[str, Translate] = {TALLY: translate_tally}
