"""Which acknowledgements say that messages are done with: as few as can be."""

from collections.abc import Collection, Sequence
from itertools import takewhile
from typing import NamedTuple


class Acknowledgement(NamedTuple):
    """Of the message with that tag; if `multiple`, of all before it as well."""

    tag: int
    multiple: bool


def acknowledgements(unsettled: Sequence[int], done: Collection[int]) -> list[Acknowledgement]:
    """`unsettled` are the tags of all messages in hand, in their order; `done` are some of them."""
    first = list(takewhile(done.__contains__, unsettled))
    others = [tag for tag in unsettled[len(first) :] if tag in done]
    together = [Acknowledgement(first[-1], multiple=True)] if first else []
    return together + [Acknowledgement(tag, multiple=False) for tag in others]
