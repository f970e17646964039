"""Links lead somewhere, the glossary's words are the code's, and each dependency has its reason."""

import re
import tomllib
from functools import reduce
from importlib import import_module
from importlib.util import find_spec

import pytest
from packaging.requirements import Requirement

from bootstrap.schema import metadata
from tests.docs.pages import ROOT, anchors, code, links, pages, read, section
from views import VIEWS

GLOSSARY = [line.split("|")[1:-1] for line in read("docs/glossary.md").splitlines() if line.startswith("| ")][1:]


@pytest.mark.parametrize("page", pages(), ids=str)
def test_every_link_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    broken = []
    for link in links(read(page)):
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve() if path else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            broken.append(link)

    assert broken == []


def test_the_journey_of_an_event_names_real_modules() -> None:
    journey = section("README.md", "## The journey of an event")

    steps = re.findall(r"^\d\. \[(\S+)\]\((\S+)\)", journey, flags=re.MULTILINE)

    assert steps != []
    assert [name for name, path in steps if name != path or not (ROOT / path).is_file()] == []


def test_every_decision_is_listed() -> None:
    written = {page.name for page in (ROOT / "docs/decisions").glob("[0-9]*.md")}

    assert set(links(read("docs/decisions/README.md"))) == written


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    required = [project["dependencies"], project["optional-dependencies"]["dev"]]

    listed = [
        re.findall(r"^- `([a-z0-9-]+)`: \S", part, flags=re.MULTILINE)
        for part in read("docs/decisions/0012-dependencies.md").split("To develop:")
    ]

    assert listed == [[Requirement(line).name for line in lines] for lines in required]


@pytest.mark.parametrize("entry", GLOSSARY, ids=lambda entry: entry[0].strip())
def test_a_word_of_the_glossary_is_the_codes(entry: list[str]) -> None:
    _, _, named = entry

    assert code(named) != []
    assert [name for name in code(named) if not exists(name)] == []


def exists(name: str) -> bool:
    """Whether there is such a table, view, column, module, or something of that name in a module."""
    table, _, column = name.partition(".")
    if table in metadata.tables:
        return column == "" or column in metadata.tables[table].columns
    return name in VIEWS or is_module(name) or is_in_module(name)


def is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def is_in_module(name: str) -> bool:
    module, rest = name, list[str]()
    while "." in module and not is_module(module):
        module, _, last = module.rpartition(".")
        rest.insert(0, last)
    try:
        reduce(getattr, rest, import_module(module))
    except (AttributeError, ModuleNotFoundError):
        return False
    return True
