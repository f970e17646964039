"""wrk, which asks a server as fast as it answers."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from benchmarks.program import run
from benchmarks.result import WrongResultError, same

SCRIPT = Path(__file__).with_name("post.lua")
CONNECTIONS = 64


class Load(NamedTuple):
    """What a run of wrk did: answers, and for how long; latencies in ms."""

    requests: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def post(url: str, seconds: float, number: int) -> Load:
    """Posts single events to `url` for so long. `number` keeps the learners of the run apart from another's.

    Raises WrongResult if any request failed.
    """
    program = shutil.which("wrk")
    if program is None:
        raise WrongResultError("wrk is not installed: scripts/apt-install wrk")
    duration = str(max(1, round(seconds)))
    options = ["--threads", "1", "--connections", str(CONNECTIONS), "--duration", duration]
    output = run([program, *options, "--script", SCRIPT, url, "--", str(number)]).output
    said = json.loads(output.splitlines()[-1])
    same(f"{url}: requests that failed", said["errors"], 0)
    return Load(said["requests"], said["duration"] / 1e6, said["p50"] / 1000, said["p99"] / 1000)
