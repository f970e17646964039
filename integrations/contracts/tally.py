"""Tally's FORM_RESPONSE webhook: as much of it as we read; whatever else it carries is ignored.

Source: https://tally.so/help/webhooks. Forms grow new kinds of fields, so any field is accepted.
"""

from typing import Literal

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from eventstore.event_type import EventType, Ident
from integrations.contracts.fields import Instant

SOURCE = "tally"
"""What `lms_inbox` and `lms_event` call it."""

HIDDEN = "HIDDEN_FIELDS"
"""Fields filled from the link to the form (`?user_id=ada`), one for each name."""

CALCULATED = "CALCULATED_FIELDS"
"""Variables that the form itself computes, such as the score; nobody can type into them."""


class TallyModel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class FormField(TallyModel):
    """One field. Questions without a title have no label, unanswered ones no value; values have any shape.

    CHECKBOXES come as one field with the list of chosen options and one more per option, true or
    false; a MATRIX is an object of rows; PAYMENT comes as five fields; files are lists of objects.
    """

    label: object = None
    type: object = None
    value: object = None

    def is_called(self, label: str) -> bool:
        """Whether this is its label. Form authors are careless with capitals and spaces, so we are."""
        return isinstance(self.label, str) and self.label.strip().casefold() == label.strip().casefold()

    @property
    def is_filled_in(self) -> bool:
        return self.value.strip() != "" if isinstance(self.value, str) else self.value is not None


class FormData(TallyModel):
    """One response: `response_id` stays the same however often Tally delivers it."""

    response_id: Ident
    form_id: Ident
    fields: list[FormField]

    def value(self, label: str, *types: str) -> object:
        """What the first field of that label that is filled in says, looking type by type; else None."""
        for field_type in types:
            for field in self.fields:
                if field.type == field_type and field.is_called(label) and field.is_filled_in:
                    return field.value
        return None

    def labels(self, *types: str) -> list[object]:
        """The labels of the fields of these types, to tell an operator what there is."""
        return [field.label for field in self.fields if field.type in types]


class FormResponse(TallyModel):
    """The webhook's body. `event_id` names a delivery, and may change when Tally tries again.

    `submitted_at` is the response's own `createdAt`, or the delivery's if that is absent.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "eventId": "a4cb511e-d513-4fa5-baee-b815d718dfd1",
                    "eventType": "FORM_RESPONSE",
                    "createdAt": "2026-01-15T09:30:02.000Z",
                    "data": {
                        "responseId": "2wgx4n",
                        "formId": "intro-quiz",
                        "createdAt": "2026-01-15T09:30:00.000Z",
                        "fields": [
                            {"label": "user_id", "type": "HIDDEN_FIELDS", "value": "ada"},
                            {"label": "Score", "type": "CALCULATED_FIELDS", "value": 8},
                        ],
                    },
                }
            ]
        }
    )

    event_type: Literal["FORM_RESPONSE"]
    event_id: Ident | None = None
    submitted_at: Instant = Field(validation_alias=AliasChoices(AliasPath("data", "createdAt"), "createdAt"))
    data: FormData


TYPES = (EventType("FORM_RESPONSE", {"1.0": FormResponse}, {}),)
"""What is read."""
