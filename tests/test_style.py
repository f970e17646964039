"""The tools that read the code: what they refuse, the tests refuse too.
Their settings are in pyproject.toml; each tool is its own test and fails with the tool's own words."""

import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = Path(sysconfig.get_path("scripts"))


@pytest.mark.parametrize(
    "command",
    ["ruff check", "ruff format --check --diff", "mypy", "lint-imports"],
)
def test_the_tool_finds_nothing_to_say(command: str) -> None:
    program, *options = command.split()

    done = subprocess.run([SCRIPTS / program, *options], cwd=ROOT, capture_output=True, text=True, check=False)

    if done.returncode != 0:
        pytest.fail(f"{command} refuses the code:\n{done.stdout}{done.stderr}", pytrace=False)
