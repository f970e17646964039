"""The pages of words, taken apart: sections, tables, code spans, links, and the sessions that they show.

Knows as much Markdown as our pages use, and no more.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Command(NamedTuple):
    """What somebody types, and what it prints."""

    line: str
    prints: str


def pages() -> list[Path]:
    """Every page of words, relative to the root; what is installed or hidden is none of ours."""
    found = (page.relative_to(ROOT) for page in ROOT.rglob("*.md"))
    return sorted(page for page in found if not any(part.startswith(".") for part in page.parts))


def read(page: str | Path) -> str:
    return (ROOT / page).read_text()


def section(page: str, heading: str) -> str:
    """The text under that heading, to the next one of any level."""
    _, found, rest = f"\n{read(page)}".partition(f"\n{heading}\n")
    assert found, f"{page}: expected the heading {heading!r}, found none"
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of the tables in `text` whose first cell is code."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def code(text: str) -> list[str]:
    """The code spans of `text`, without its blocks."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def links(text: str) -> list[str]:
    """Where the links of `text` lead, within this repository."""
    targets = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text))
    return [target for target in targets if not re.match(r"\w+:", target)]


def anchors(text: str) -> set[str]:
    """The anchors of the headings of `text`, as they are made where pages are shown."""
    headings = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def sessions(page: str) -> list[list[Command]]:
    """The terminal sessions that a page shows, block by block."""
    return [list(commands(block)) for language, block in FENCE.findall(read(page)) if language == "console"]


def commands(block: str) -> Iterator[Command]:
    """A session's commands: each begins with `$ ` and goes on while a quotation or a pipe is open."""
    for typed in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = typed.splitlines()
        length = next(n for n in range(1, len(lines) + 1) if is_whole("\n".join(lines[:n])))
        yield Command("\n".join(lines[:length]), "\n".join(lines[length:]))


def is_whole(line: str) -> bool:
    if line.endswith(("|", "\\")):
        return False
    try:
        shlex.split(line)
    except ValueError:
        return False
    return True
