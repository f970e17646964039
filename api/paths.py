"""Ids in paths: an id may contain any character, also slashes and line breaks.

Starlette's own `path` stops at a line break, and the response would be 404.
"""

from starlette.convertors import PathConvertor, register_url_convertor


class IdConvertor(PathConvertor):
    """Any text."""

    regex = "(?s:.*)"


register_url_convertor("id", IdConvertor())

COURSE_ID = "{course_id:id}"
SUBSCRIPTION_ID = "{subscription_id:id}"
USER_ID = "{user_id:id}"
