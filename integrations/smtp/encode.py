"""A notification as an e-mail: plain text, under an id that stays the same however often it is sent. Pure."""

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from integrations.notifications.render import heading, message
from integrations.notifications.text import plain
from integrations.outbound.sink import OutboundMessage


def mail(announcement: OutboundMessage, sender: str, recipient: str) -> EmailMessage | None:
    """The e-mail from one address to another. None if the recipient's is none."""
    to = address(recipient)
    if to is None:
        return None
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = to
    made["Subject"] = heading(announcement.type, announcement.body)
    made["Date"] = format_datetime(announcement.created_at)
    made["Message-ID"] = f"<{announcement.message_id}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(message(announcement.type, announcement.body, plain))
    return made


def address(text: str) -> Address | None:
    """An address of one mailbox, or None if it is none."""
    try:
        parsed = Address(addr_spec=text)
    except (ValueError, IndexError, MessageError):
        return None
    return parsed if parsed.username and parsed.domain and text.isprintable() else None
