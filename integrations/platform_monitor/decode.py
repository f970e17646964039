"""An activity of the monitored platform as a message: its id is the activity's.

Only that it can be told from others is asked here. What else it says may break the contract: a broker's message would
be buried, but this one lies in a database. So it is kept, and parked when it is to be translated.
"""

from datetime import datetime

from integrations.contracts.activity import SOURCE, TYPES, ActivityHeader
from integrations.contracts.contract import Contract
from integrations.inbound.message import Message
from integrations.inbound.source import Delivery

CONTRACT = Contract(ActivityHeader, TYPES)


def decode(delivery: Delivery, received_at: datetime) -> Message:
    """The message that an activity is; its topic is the table where it was found. Raises Refused."""
    body = delivery.body.decode()
    activity = CONTRACT.head(body)
    return Message(SOURCE, activity.event_id, activity.event_type, delivery.topic, body, received_at)
