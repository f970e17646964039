"""Servers to ask: the product's as its users start it, and an empty one, which is the limit."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.databases import Store
from benchmarks.program import ROOT, environment
from benchmarks.result import WrongResultError
from tests.support.serving import serving

PATIENCE_SEC = 30


@contextmanager
def product(store: Store, *options: str, **settings: str) -> Iterator[str]:
    """The URL of `lms-progress serve --dev` on that database."""
    with serving(store.url, "--dev", *options, **settings) as server:
        yield server.url


@contextmanager
def empty() -> Iterator[str]:
    """The URL of an empty app under uvicorn, with all that makes uvicorn fast."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--loop", "uvloop", "--http", "httptools", "--lifespan", "off"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "benchmarks.empty_app:app", *options, "--no-access-log"],
        cwd=ROOT,
        env=environment(""),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    """Returns when something listens there. Raises WrongResult when that takes too long."""
    until = time.monotonic() + PATIENCE_SEC
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise WrongResultError(f"nothing listens on port {port}")
