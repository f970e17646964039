"""Ids in paths: whatever their senders put there, slashes and line breaks too, comes to their route.

Starlette's own `path` would stop at a line break, and the answer would be that there is no such path.
"""

from starlette.convertors import PathConvertor, register_url_convertor


class IdConvertor(PathConvertor):
    """Any text."""

    regex = "(?s:.*)"


register_url_convertor("id", IdConvertor())

COURSE_ID = "{course_id:id}"
SUBSCRIPTION_ID = "{subscription_id:id}"
USER_ID = "{user_id:id}"
