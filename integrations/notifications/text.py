"""Text of users for messages: one line of limited length, escaped so that it cannot pass for markup.

Zulip's Markdown has no backslash escapes, but it shows an HTML entity as its character, without a meaning as markup.
"""

from collections.abc import Callable

LONGEST = 200
"""The characters of a user's text that are shown."""

MARKUP = "&<>*`~$@#[]\\|:.!^{}"
"""The characters that Zulip reads as markup, a mention, an emoji or a link, and the one that begins an entity."""

JOINERS = "\u200c\u200d"
"""Invisible characters that words of some languages, and some emojis, consist of."""

Escape = Callable[[str], str]
"""Makes a user's text safe for one kind of message."""

_ENTITIES = {ord(character): f"&#{ord(character)};" for character in MARKUP}


def markdown(text: str) -> str:
    """Return the text for Markdown, with markup escaped."""
    return plain(text).translate(_ENTITIES)


def plain(text: str) -> str:
    """Return the text as one line of at most LONGEST characters, without the ones that reverse the order of others."""
    visible = "".join(each if each.isprintable() or each in JOINERS else " " for each in text)
    line = " ".join(visible.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def student_of(username: str | None, user_id: str) -> str:
    """Return the student's name at the platform, or else the id."""
    return visible_name(username) or f"Student {user_id}"


def title_of(title: str | None, activity_id: str) -> str:
    """Return the title of an exam or a content, or else its id."""
    return visible_name(title) or f"number {activity_id}"


def visible_name(name: str | None) -> str | None:
    """Return the name, or None if it has no visible character."""
    return name if name is not None and any(each.isprintable() and not each.isspace() for each in name) else None


def number(value: float | None, unit: str = "") -> str | None:
    """Return a number as people write it: `85`, `85.5%`."""
    return None if value is None else f"{value:.10g}{unit}"
