"""Tally's webhook bodies as Tally sends them, for every test that needs one.

The shapes are those of the example event at https://tally.so/help/webhooks.
"""

from collections.abc import Iterable, Mapping

Json = dict[str, object]

COURSE_QUIZ = "VwbNEw"
"""The form that `form_response` answers unless told otherwise."""


def form_response(  # noqa: PLR0913 - everything that a test may want to say differently, by name
    *,
    form_id: str = COURSE_QUIZ,
    response_id: str = "2wgx4n",
    event_id: str = "a4cb511e-d513-4fa5-baee-b815d718dfd1",
    created_at: str = "2023-06-28T15:00:21.000Z",
    delivered_at: str = "2023-06-28T15:00:21.889Z",
    hidden: Mapping[str, object] | None = None,
    calculated: Mapping[str, object] | None = None,
    questions: Iterable[Json] = (),
) -> Json:
    """A FORM_RESPONSE: by default learner ada with a Score of 8, and no questions."""
    fields = [
        *hidden_fields({"user_id": "ada"} if hidden is None else hidden),
        *calculated_fields({"Score": 8} if calculated is None else calculated),
        *questions,
    ]
    return {
        "eventId": event_id,
        "eventType": "FORM_RESPONSE",
        "createdAt": delivered_at,
        "data": {
            "responseId": response_id,
            "submissionId": response_id,
            "respondentId": "dwQKYm",
            "formId": form_id,
            "formName": "Quiz: loops",
            "createdAt": created_at,
            "fields": fields,
        },
    }


def hidden_fields(values: Mapping[str, object]) -> list[Json]:
    return [question("HIDDEN_FIELDS", label, value) for label, value in values.items()]


def calculated_fields(values: Mapping[str, object]) -> list[Json]:
    return [question("CALCULATED_FIELDS", label, value) for label, value in values.items()]


def question(field_type: str, label: str | None, value: object, **more: object) -> Json:
    return {"key": f"question_{label}", "label": label, "type": field_type, "value": value, **more}


def options(*texts: str) -> list[Json]:
    return [{"id": f"id-of-{text}", "text": text} for text in texts]


FILE: Json = {
    "id": "5mDNqw",
    "name": "notes.png",
    "url": "https://storage.example.com/notes.png",
    "mimeType": "image/png",
    "size": 16233,
}

SPORTS = options("Soccer", "Swimming")

EVERY_FIELD: Mapping[str, list[Json]] = {
    "short text": [question("INPUT_TEXT", "Text", "Hello")],
    "long text": [question("TEXTAREA", "Long text", "Hello\nworld")],
    "number": [question("INPUT_NUMBER", "Number", 10)],
    "email": [question("INPUT_EMAIL", "Email", "alice@example.com")],
    "phone number": [question("INPUT_PHONE_NUMBER", "Phone number", "+32491223344")],
    "link": [question("INPUT_LINK", "Website", "example.com")],
    "date": [question("INPUT_DATE", "Date", "2023-06-28")],
    "time": [question("INPUT_TIME", "Time", "12:00")],
    "linear scale": [question("LINEAR_SCALE", "Linear scale", 7)],
    "rating": [question("RATING", "Rating", 4)],
    "multiple choice, a list": [question("MULTIPLE_CHOICE", "Choice", ["id-of-Soccer"], options=SPORTS)],
    "multiple choice, bare": [question("MULTIPLE_CHOICE", "Choice", "id-of-Soccer", options=SPORTS)],
    "checkboxes, list and one by one": [
        question("CHECKBOXES", "Sports", ["id-of-Swimming"], options=SPORTS),
        question("CHECKBOXES", "Sports (Soccer)", False),
        question("CHECKBOXES", "Sports (Swimming)", True),
    ],
    "checkboxes, list alone": [question("CHECKBOXES", "Sports", ["id-of-Soccer"], options=SPORTS)],
    "checkboxes, none ticked": [
        question("CHECKBOXES", "Sports", None, options=SPORTS),
        question("CHECKBOXES", "Sports (Soccer)", None),
    ],
    "checkbox to agree": [question("CHECKBOXES", "I agree", True)],
    "dropdown": [question("DROPDOWN", "Dropdown", ["id-of-Soccer"], options=SPORTS)],
    "multi-select": [question("MULTI_SELECT", "Multi", ["id-of-Soccer", "id-of-Swimming"], options=SPORTS)],
    "ranking": [question("RANKING", "Ranking", ["id-of-Swimming", "id-of-Soccer"], options=SPORTS)],
    "matrix": [
        question(
            "MATRIX",
            "Matrix",
            {"id-of-Quality": ["id-of-Good"], "id-of-Speed": []},
            rows=options("Quality", "Speed"),
            columns=options("Good", "Bad"),
        )
    ],
    "file upload": [question("FILE_UPLOAD", "File", [FILE])],
    "signature": [question("SIGNATURE", "Signature", [FILE])],
    "payment": [
        question("PAYMENT", "Payment (price)", 9.5),
        question("PAYMENT", "Payment (currency)", "USD"),
        question("PAYMENT", "Payment (name)", "Alice Smith"),
        question("PAYMENT", "Payment (email)", "alice@example.com"),
        question("PAYMENT", "Payment (link)", "https://payments.example.com/1"),
    ],
    "wallet": [question("WALLET_CONNECT", "Wallet", "0xabc")],
    "other hidden": hidden_fields({"utm_campaign": "newsletter", "referrer": None}),
    "other calculated": calculated_fields({"Type": "Hard", "Bonus": None}),
    "left empty": [question("INPUT_TEXT", "Text", None), question("MATRIX", "Matrix", None)],
    "without a title": [question("INPUT_TEXT", None, "Hello")],
    "a type of the future": [question("HOLOGRAM", "Hologram", {"depth": [1, {"deep": None}]})],
    "a field without anything": [{}],
}
"""Every type of field and every form that it comes in, by a name for the case."""
