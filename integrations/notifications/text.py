"""What users wrote, as it may stand in a message: on one line, not too long, and forging nothing.

Zulip's Markdown has no backslash escapes, but it shows an HTML entity as its character, and sees nothing else in it.
"""

from collections.abc import Callable

MOST = 200
"""So many characters of what a user wrote are shown: any more makes nothing clearer."""

FORGES = "&<>*`~$@#[]\\|:.!^{}"
"""What Zulip reads as markup, a mention, an emoji or, as the dot does, a link; and what begins an entity."""

JOINERS = "\u200c\u200d"
"""Characters that are not seen, but that words of some languages and some emojis are made of."""

Escape = Callable[[str], str]
"""Makes what a user wrote fit for one kind of message."""

_ENTITIES = {ord(character): f"&#{ord(character)};" for character in FORGES}


def markdown(text: str) -> str:
    """Fit for Markdown: it shows the text, and is nothing but text."""
    return plain(text).translate(_ENTITIES)


def plain(text: str) -> str:
    """Fit for plain text: one line of MOST characters at most, of which none turns the order of others around."""
    visible = "".join(each if each.isprintable() or each in JOINERS else " " for each in text)
    line = " ".join(visible.split())
    return line if len(line) <= MOST else f"{line[: MOST - 1]}…"


def student_of(username: str | None, user_id: str) -> str:
    """The name by which the platform knows a student, or else the id."""
    return format_name(username) or f"Student {user_id}"


def title_of(title: str | None, activity_id: str) -> str:
    """What an exam or a content is called, or else its id."""
    return format_name(title) or f"number {activity_id}"


def format_name(name: str | None) -> str | None:
    """A name that can be seen."""
    return name if name is not None and any(each.isprintable() and not each.isspace() for each in name) else None


def number(value: float | None, unit: str = "") -> str | None:
    """As people write it: `85`, `85.5%`."""
    return None if value is None else f"{value:.10g}{unit}"
