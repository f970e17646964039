"""Encoding a notification as a Zulip message: Markdown, with a tag at its end. Pure.

Zulip delivers a message as often as it is sent. The tag makes it possible to find out whether it was sent before.
"""

import re

from integrations.notifications.render import render
from integrations.outbound.sink import OutboundMessage

LENGTH = 12
"""The length of a tag: the last digits of a message id. One mentor's tags practically never collide."""

LAST_LINE = re.compile(rf"\n\nref ([0-9a-f]{{{LENGTH}}})\s*\Z")


def encode(message: OutboundMessage) -> str:
    """Return the text of a notification, with its tag."""
    return with_tag(render(message.type, message.body), message.message_id)


def with_tag(text: str, message_id: str) -> str:
    """Append the tag of a message id to the text."""
    return f"{text}\n\nref {tag(message_id)}"


def tag(message_id: str) -> str:
    """Return the tag of a message id, which is a UUID. Operators see the id in the list of deliveries."""
    return message_id[-LENGTH:]


def tag_of(text: str) -> str | None:
    """Return the tag at the end of a message, or None. Text that users wrote stands above it, so it is no tag."""
    found = LAST_LINE.search(text)
    return found and found[1]
