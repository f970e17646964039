"""The house style that ruff cannot check: how docstrings begin, and words that name nothing in the field."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent

PLAIN_NAMES = (
    "eventstore",
    "projections",
    "signals",
    "views",
    "engine",
    "api",
    "cli",
    "migrations",
    "integrations/outbound",
    "integrations/webhook",
    "integrations/zulip",
    "integrations/smtp",
    "integrations/notifications",
)
"""The packages and folders without retired names: add each one as soon as it has none."""

PLAIN_DOCSTRINGS = (
    "eventstore",
    "projections",
    "signals",
    "views",
    "engine",
    "api",
    "cli",
    "migrations",
    "integrations/outbound",
    "integrations/webhook",
    "integrations/zulip",
    "integrations/smtp",
    "integrations/notifications",
)
"""The packages and folders whose docstrings hold to the style: add each one as soon as they do."""

PRONOUNS = (
    *("i", "you", "he", "she", "it", "we", "they", "them", "its", "their", "theirs", "his", "her", "our", "your"),
    *("this", "that", "these", "those", "what", "whatever", "which", "whichever", "who", "whoever", "whom", "whose"),
    *("others", "none", "nothing", "nobody", "something", "somebody", "someone"),
    *("anything", "anybody", "anyone", "everything", "everybody", "everyone"),
)
REFUSED_BEGINNING = re.compile(
    rf"({'|'.join(PRONOUNS)}|ones? (of|that|to|which|who|whose|with)|likewise|the same|all that|so (much|many))\b|as `",
    re.IGNORECASE,
)
"""Beginnings after which a reader has to guess what a docstring is about."""

RETIRED: Mapping[str, str] = {
    "alongside": "hook",
    "anew": "a verb with re-, or again",
    "announced": "message",
    "apart": "without, or needs_copy",
    "aside": "park, or throttled",
    "beside": "concurrent, or hook",
    "bring": "copy",
    "bringing": "copy",
    "brought": "copied",
    "buried": "dead_letter",
    "bury": "dead_letter",
    "carefully": "how it is done: bisecting",
    "clash": "conflict",
    "crew": "pool",
    "desk": "state",
    "doubt": "undecidable, or uncertain",
    "drift": "diff",
    "earning": "delta",
    "evidence": "state, or log",
    "filling": "fold",
    "fanning": "fan_out",
    "here": "shadow",
    "intake": "processor",
    "keep": "save",
    "keeping": "save",
    "kept": "saved, or stored",
    "knowledge": "inputs",
    "lane": "partition",
    "leased": "leader",
    "mend": "repair",
    "mended": "repaired",
    "namesake": "match",
    "narrow": "bisect",
    "news": "notify",
    "noticed": "detected",
    "noticing": "detection",
    "patiently": "with_retry",
    "presence": "marker",
    "probing": "sampling",
    "said": "sent, text, or compiled",
    "sayable": "translatable",
    "settle": "ack, or apply",
    "settled": "outcome",
    "shown": "display, or visible",
    "sole": "lock",
    "strangers": "mismatched",
    "sweep": "scan",
    "taken": "result",
    "tell": "report, or notify",
    "telling": "encode",
    "theirs": "external",
    "these": "what these are",
    "those": "filter",
    "told": "notified",
    "trouble": "outage, or error",
    "tried": "attempted",
    "turn": "lock",
    "unbroken": "shield",
    "unsaid": "untranslatable",
    "whole": "export, or row",
    "words": "text, or format",
    "worth": "value",
}
"""Words that name no module, class or function any more, with the standard word instead."""

RETIRED_NOUNS: Mapping[str, str] = {"known": "what is known: rows, a specification, a cache"}
"""Words that end no name; in front of a noun they are right."""

RETIRED_IN_PROSE = re.compile(
    r"\b(anew|amounts? to|unsaid|sayable|lanes?|bury|buried|sees? to|hands? in|of its kind)\b"
)
"""Words that docstrings do without, too."""

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Found(NamedTuple):
    """A name or a docstring of the source, with its place."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.text}"


@pytest.mark.parametrize("package", PLAIN_DOCSTRINGS)
def test_a_docstring_begins_with_its_subject_or_verb(package: str) -> None:
    assert refused_beginnings(package) == []


@pytest.mark.parametrize("package", PLAIN_DOCSTRINGS)
def test_a_docstring_has_no_retired_words(package: str) -> None:
    assert retired_prose(package) == []


@pytest.mark.parametrize("package", PLAIN_NAMES)
def test_a_name_has_no_retired_words(package: str) -> None:
    assert retired_names(package) == []


def test_no_test_imports_from_a_test_module() -> None:
    assert [str(each) for each in imports("tests") if ".test_" in each.text] == []


@pytest.mark.parametrize(
    ("beginning", "is_refused"),
    [
        ("Return the rows.", False),
        ("Items of a page.", False),
        ("Another process", False),
        ("As many rows as there are", False),
        ("One table of each module", False),
        ("One of the rows", True),
        ("It returns the rows.", True),
        ("Those of one database.", True),
        ("What a page shows.", True),
        ("Whoever asks, waits.", True),
        ("The same, on the writer's thread.", True),
        ("As `read`, but", True),
        ("Likewise on PostgreSQL.", True),
    ],
)
def test_a_beginning_is_refused_for_its_first_words(beginning: str, is_refused: bool) -> None:
    assert (REFUSED_BEGINNING.match(beginning) is not None) == is_refused


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("take_said", ["said"]),
        ("TakenIn", ["taken"]),
        ("HTTPTurn2", ["turn"]),
        ("is_known", ["known"]),
        ("known_version", []),
        ("returned", []),
    ],
)
def test_a_name_is_compared_by_its_whole_words(name: str, words: list[str]) -> None:
    assert [word for word, _ in retired_in(name)] == words


def refused_beginnings(package: str) -> list[str]:
    """Return the docstrings of `package` whose beginning is refused."""
    return [str(each) for each in docstrings(package) if REFUSED_BEGINNING.match(each.text)]


def retired_prose(package: str) -> list[str]:
    """Return the docstrings of `package` that have a retired word."""
    return [str(each) for each in docstrings(package) if RETIRED_IN_PROSE.search(each.text)]


def retired_names(package: str) -> list[str]:
    """Return the names in `package` that have a retired word, with the standard one."""
    return [
        f"{each}: `{word}` is retired; the standard word is {standard}"
        for each in names(package)
        for word, standard in retired_in(each.text)
    ]


def retired_in(name: str) -> list[tuple[str, str]]:
    """Return the retired words in `name`, each with the standard one."""
    words = split_name(name)
    found = [(word, RETIRED[word]) for word in words if word in RETIRED]
    return found + [(word, RETIRED_NOUNS[word]) for word in words[-1:] if word in RETIRED_NOUNS]


def docstrings(package: str) -> Iterator[Found]:
    """Yield the docstrings of modules, classes, functions, constants and fields."""
    for path, tree in modules(package):
        for node in ast.walk(tree):
            match node:
                case ast.Expr(value=ast.Constant(value=str() as text), lineno=line):
                    yield Found(path, line, " ".join(text.split()))


def names(package: str) -> Iterator[Found]:
    """Yield the names of modules, folders, classes and functions, except tests, whose names are sentences."""
    folders = {path.parent for path, _ in modules(package)}
    yield from (Found(folder, 0, folder.name) for folder in sorted(folders))
    for path, tree in modules(package):
        if not path.name.startswith("test_"):
            yield Found(path, 1, path.stem)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:5] != "test_":
                yield Found(path, node.lineno, node.name)


def imports(package: str) -> Iterator[Found]:
    """Yield what the modules of `package` import, as dotted names."""
    for path, tree in modules(package):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
                yield from (Found(path, node.lineno, module + alias.name) for alias in node.names)


def modules(package: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        if ".venv" not in path.parts:
            yield path, ast.parse(path.read_text())


def split_name(name: str) -> list[str]:
    """Split a name in snake or camel case into its words."""
    return [word.lower() for word in WORD.findall(name)]
