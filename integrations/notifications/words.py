"""How messages name students, what they did, and numbers, where more or less is known of them. Pure."""


def student_of(username: str | None, user_id: str) -> str:
    """The name by which the platform knows a student, or else the id."""
    return named(username) or f"Student {user_id}"


def title_of(title: str | None, activity_id: str) -> str:
    """What an exam or a content is called, or else its id."""
    return named(title) or f"number {activity_id}"


def named(name: str | None) -> str | None:
    """A name that can be seen."""
    return name if name is not None and any(each.isprintable() and not each.isspace() for each in name) else None


def number(value: float | None, unit: str = "") -> str | None:
    """As people write it: `85`, `85.5%`."""
    return None if value is None else f"{value:.10g}{unit}"
