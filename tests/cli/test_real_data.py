"""The real learner data, imported as an operator does it: what it amounts to, again, and in another order."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.support import derived_at, query, run, run_process

pytestmark = pytest.mark.slow

REPORT = "accepted 10,449 duplicates 0 skipped 11,551 refused 0"


def report(out: str) -> str:
    """The report without the verbs."""
    return " ".join(word for line in out.splitlines() if line[0] != " " for word in line.split())


@pytest.fixture(scope="module")
def shuffled_file(xapi_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with its lines in another order."""
    lines = gzip.decompress(xapi_file.read_bytes()).splitlines(keepends=True)
    random.Random(20_261_121).shuffle(lines)
    file = tmp_path_factory.mktemp("data") / "shuffled.json"
    file.write_bytes(b"".join(lines))
    return file


def test_the_dataset_amounts_to_the_same_however_often_and_in_whatever_order(
    empty_database: Callable[[], str], xapi_file: Path, shuffled_file: Path
) -> None:
    # given two empty databases
    url, other = empty_database(), empty_database()

    # when it is imported into the first
    done = run_process(url, "import", xapi_file, "--format", "xapi")

    # then
    assert (done.code, report(done.out)) == (0, REPORT)
    assert query(url, "SELECT count(*) FROM v_user_progress") == [(2_136,)]
    assert query(url, "SELECT count(*) FROM v_user_progress WHERE video_completed = 1") == [(1_303,)]
    once = derived_at(url)

    # and again, nothing is added
    again = run(url, "import", xapi_file, "--format", "xapi")
    assert report(again.out) == "accepted 0 duplicates 10,449 skipped 11,551 refused 0"
    assert derived_at(url) == once

    # and in another order, the other database has the same
    assert report(run(other, "import", shuffled_file, "--format", "xapi").out) == REPORT
    assert derived_at(other) == once
