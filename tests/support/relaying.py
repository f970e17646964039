"""`lms-progress relay` as a process of its own, which can be stopped and killed."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.serving import PATIENCE_SEC, PROGRAM, environment_of


class RelayProcess:
    """A process that relays. It has said so on stdout when it is handed over."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process = process
        self._errors = errors

    @property
    def log(self) -> str:
        """What it said on stderr so far."""
        return self._errors.read_text()

    def stop(self) -> None:
        """Ends it as an operator does, and checks that it ends well."""
        self.process.terminate()
        assert self.process.wait(PATIENCE_SEC) == 0, self.log

    def kill(self) -> None:
        """Ends it as a power cut does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def relaying(database_url: str, **settings: str) -> Iterator[RelayProcess]:
    """`lms-progress relay` with those settings, from when it relays.

    Whoever has not ended it by the end of the block has it stopped there, and checked.
    """
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder) / "stderr"
        environment = environment_of(LMS_DATABASE_URL=database_url, **settings)
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                [PROGRAM, "relay"], env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        relay = RelayProcess(process, errors)
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Relaying"), relay.log
            yield relay
            if process.poll() is None:
                relay.stop()
        finally:
            process.kill()
            process.communicate()
