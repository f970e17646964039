"""The tag at the end of each message: by it a message that was sent is found again. Pure.

Zulip takes a message as often as it is sent. So whoever does not know whether one arrived has to look for it.
"""

import re

LENGTH = 12
"""The last digits of a message id, which operators see in the list of deliveries: random enough for one mentor."""

LAST_LINE = re.compile(rf"\n\nref ([0-9a-f]{{{LENGTH}}})\s*\Z")


def tag(message_id: str) -> str:
    """What stands for a message id, which is a UUID, in a message."""
    return message_id[-LENGTH:]


def with_tag(text: str, message_id: str) -> str:
    """The text, and below it the tag."""
    return f"{text}\n\nref {tag(message_id)}"


def tag_of(text: str) -> str | None:
    """The tag that ends a message. Whatever users wrote stands above it."""
    found = LAST_LINE.search(text)
    return found and found[1]
