"""`lms-progress consume` as a process of its own, which can be stopped and killed."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.serving import PATIENCE_SEC, PROGRAM, environment_of


class ConsumerProcess:
    """A process that consumes. It has said so on stdout when it is handed over."""

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
def consuming(system: str, database_url: str, *options: str, **settings: str) -> Iterator[ConsumerProcess]:
    """`lms-progress consume SYSTEM` with those options and settings, from when it consumes.

    Whoever has not ended it by the end of the block has it stopped there, and checked.
    """
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder) / "stderr"
        environment = environment_of(LMS_DATABASE_URL=database_url, **settings)
        command: list[str | Path] = [PROGRAM, "consume", system, *options]
        with errors.open("w") as stderr:
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True)
        consumer = ConsumerProcess(process, errors)
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Consuming from"), consumer.log
            yield consumer
            if process.poll() is None:
                consumer.stop()
        finally:
            process.kill()
            process.communicate()
