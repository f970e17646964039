"""A page that takes its reader through changes: its edits and its sessions, in their order, carried out on a copy.

An edit's file is named at the end of the paragraph before it: `path`: and then a diff, or the whole of a new file.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.docs.pages import FENCE, ROOT, Command, commands
from tests.docs.terminal import comparable, environment, type_all

NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.db*", "*.egg-info", "build", "dist")
CAPTION = re.compile(r"`([\w./-]+)`:\n\n\Z")
SHOWN_FOLDER = "/srv/lms-progress"
"""Where the page's reader has the checkout."""


class Edit(NamedTuple):
    """`old` gives way to `new` in a file; an `old` that is empty says that the file is new."""

    path: str
    old: str
    new: str

    def carry_out(self, folder: Path) -> None:
        file = folder / self.path
        if not self.old:
            assert not file.exists(), f"{self.path}: expected a new file, found one that is there"
            file.write_text(self.new)
            return
        text = file.read_text()
        assert text.count(self.old) == 1, f"{self.path}: expected once, found {text.count(self.old)} times:\n{self.old}"
        file.write_text(text.replace(self.old, self.new))


class Session(NamedTuple):
    """What is typed, and what the page says it prints."""

    commands: list[Command]

    def hold(self, folder: Path, settings: Mapping[str, str]) -> None:
        """Types it there, by the copy's own code, and holds what it prints against the page."""
        more = {"PYTHONPATH": str(folder), "PATH": f"{folder}/.venv/bin{os.pathsep}{os.environ['PATH']}"}
        printed = type_all(self.commands, folder, environment(**more, **settings))
        found = [(command.line, said(text, folder)) for command, text in zip(self.commands, printed, strict=True)]
        assert found == [(command.line, said(command.prints, folder)) for command in self.commands]


def copy_of_the_source(folder: Path) -> Path:
    """A copy of the checkout, with what was installed beside it."""
    shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def steps(text: str) -> Iterator[Edit | Session]:
    """The edits and sessions of a part of a page. Edits that follow each other may share one caption."""
    path, end = "", 0
    for block in FENCE.finditer(text):
        caption = CAPTION.search(text[end : block.start()])
        path, end = caption[1] if caption else path, block.end()
        language, content = block.groups()
        if language == "console":
            yield Session(list(commands(content)))
        elif language == "diff":
            yield Edit(path, side(content, "-"), side(content, "+"))
        else:
            yield Edit(path, "", content)


def side(diff: str, sign: str) -> str:
    """What a diff says was there (`-`), or is there then (`+`)."""
    return "\n".join(line[1:] for line in diff.splitlines() if line[:1] in ("", " ", sign))


def said(printed: str, folder: Path) -> str:
    """What was printed, without what differs from one run to the next."""
    counted = re.sub(r"\b\d+ passed in [\d.]+s", "all passed", printed)
    return comparable(counted.replace(str(folder), SHOWN_FOLDER))
