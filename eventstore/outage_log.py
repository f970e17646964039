"""Trouble that passes, as a log tells of it: once, however often something is tried meanwhile, and when it is over."""

import logging


class OutageLog:
    """What keeps something from being done: `stopped` says what is not done, `again` that it is done again."""

    def __init__(self, log: logging.Logger, stopped: str, again: str) -> None:
        self._log = log
        self._stopped = stopped
        self._again = again
        self._reason: str | None = None

    def report(self, reason: str) -> None:
        """Says why it is not done, unless that was said last."""
        if reason != self._reason:
            self._log.warning("%s: %s", self._stopped, reason)
        self._reason = reason

    def recovered(self) -> None:
        """Says that it is done again, if it was not."""
        if self._reason is not None:
            self._log.warning("%s", self._again)
        self._reason = None
