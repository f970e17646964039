"""A system: one declaration of all that the program knows of another system, in the system's own folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel
from pydantic_settings import BaseSettings

from eventstore.event_type import EventType
from integrations.inbound.mapping import SystemMapping
from integrations.inbound.message import Message
from integrations.inbound.source import Delivery, Source
from integrations.inbound.translator import Translator
from integrations.outbound.sink import SinkSpec

RECEIVE: Literal["receive"] = "receive"
SEND: Literal["send"] = "send"

CurrentMapping = Callable[[], SystemMapping]
"""Returns the mapping as it is now: the operator's file may change while a sink is open."""

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class Channel(NamedTuple):
    """One way that messages take. `address` is a stream, a routing key, a topic or a path; None if receivers choose it.

    `headers` is the model of the headers; `bindings` is AsyncAPI's description of what is special to the protocol.
    """

    address: str | None
    action: Literal["receive", "send"]
    types: Sequence[EventType]
    headers: type[BaseModel] | None = None
    bindings: Mapping[str, Any] = {}


class Server(NamedTuple):
    """The server of a system's channels, for the AsyncAPI document. Its host is different in each installation."""

    protocol: str
    description: str


@dataclass(frozen=True)
class System(Generic[SettingsT]):
    """Another system: its settings, what it sends and receives, and how to connect to it.

    A system that sends messages has `decode` and `translator`, which are pure. `decode` takes the time of receipt and
    raises RequestError for a message that can never be accepted. `mapping_kinds` are the kinds of its ids that the
    mapping file may map. A system that is a broker has a `source`, and one that gets announcements has a `sink`: both
    return None if the settings do not configure them. They import the system's client, which few programs need.
    `address_setting` is the variable that says where a broker is.
    """

    name: str
    settings: type[SettingsT]
    server: Server | None = None
    channels: Sequence[Channel] = ()
    decode: Callable[[Delivery, datetime], Message] | None = None
    translator: Translator | None = None
    mapping_kinds: Sequence[str] = ()
    address_setting: str = ""
    source: Callable[[SettingsT], Source | None] | None = None
    sink: Callable[[SettingsT, CurrentMapping], SinkSpec | None] | None = None


Systems = Mapping[str, System[Any]]
"""Systems by name."""


def by_name(*systems: System[Any]) -> Systems:
    """Return the systems by name, as `lms_inbox` and `lms_event` call them."""
    return {system.name: system for system in systems}
