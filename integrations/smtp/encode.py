"""Encoding a notification as an e-mail: plain text, with a Message-ID that is the same at each attempt. Pure."""

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from integrations.notifications.render import heading, render
from integrations.notifications.text import plain
from integrations.outbound.sink import OutboundMessage


def encode(message: OutboundMessage, sender: str, recipient: str) -> EmailMessage | None:
    """Return the e-mail from `sender` to `recipient`, or None if the recipient's address is invalid."""
    to = address(recipient)
    if to is None:
        return None
    email = EmailMessage(policy=SMTP)
    email["From"] = sender
    email["To"] = to
    email["Subject"] = heading(message.type, message.body)
    email["Date"] = format_datetime(message.created_at)
    email["Message-ID"] = f"<{message.message_id}@{sender.rpartition('@')[2]}>"
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(render(message.type, message.body, plain))
    return email


def address(text: str) -> Address | None:
    """Return the address of one mailbox, or None if the text is none."""
    try:
        parsed = Address(addr_spec=text)
    except (ValueError, IndexError, MessageError):
        return None
    return parsed if parsed.username and parsed.domain and text.isprintable() else None
