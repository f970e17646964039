"""A form's response, from Tally's webhook, as a message."""

from datetime import datetime

from pydantic import ValidationError

from eventstore.errors import InvalidInputError, field_errors
from integrations.contracts.contract import json_text
from integrations.contracts.tally import SOURCE, FormResponse
from integrations.inbound.message import Message
from integrations.inbound.source import Delivery


def decode(delivery: Delivery, received_at: datetime) -> Message:
    """The message that a delivery is; its topic is the form. Raises Refused."""
    body = json_text(delivery.body)
    try:
        response = FormResponse.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInputError(field_errors(error)) from error
    data = response.data
    return Message(SOURCE, data.response_id, response.event_type, data.form_id, body, received_at)
