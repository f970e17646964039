"""Recipients: the mentors who are told of what a student did, and by which addresses each can be reached."""

from typing import NamedTuple


class Recipient(NamedTuple):
    """A mentor. `user_id` is the id on the platform, as text; an address that is not known is None."""

    user_id: str
    username: str
    name: str
    email: str | None = None
    zulip_user_id: int | None = None
