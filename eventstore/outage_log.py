"""Logging an outage: one line when it begins, and one when it is over, however many attempts fail meanwhile."""

import logging


class OutageLog:
    """Logs an outage. `stopped` says what does not work, `again` that it works again."""

    def __init__(self, log: logging.Logger, stopped: str, again: str) -> None:
        self._log = log
        self._stopped = stopped
        self._again = again
        self._reason: str | None = None

    def report(self, reason: str) -> None:
        """Log the reason, unless it is the last one logged."""
        if reason != self._reason:
            self._log.warning("%s: %s", self._stopped, reason)
        self._reason = reason

    def recovered(self) -> None:
        """Log the recovery, if there was an outage."""
        if self._reason is not None:
            self._log.warning("%s", self._again)
        self._reason = None
