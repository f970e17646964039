"""The pace of requests: 200 in any minute at most, of all that this process sends, and none while Zulip says so.

Source: https://zulip.com/api/rest-error-handling, of its default limits.
"""

import time
from collections.abc import Callable

PER_MINUTE = 200
BURST = 20
"""So many may go at once. The others follow evenly: so it is 200 at most, wherever a minute begins."""

PER_SEC = (PER_MINUTE - BURST) / 60


class RateLimiter:
    """Says when each request may go, by a clock that counts seconds and is never set back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free = float(BURST)
        self._counted_at = clock()
        self._resumes_at = clock()

    @property
    def is_paused(self) -> bool:
        """Whether Zulip has asked for a pause that is not over."""
        return self._clock() < self._resumes_at

    def pause(self, sec: float) -> None:
        """No request goes for so many seconds."""
        self._resumes_at = max(self._resumes_at, self._clock() + sec)

    def slot(self) -> float:
        """Takes the next turn. In how many seconds it comes."""
        now = self._clock()
        self._free = min(float(BURST), self._free + (now - self._counted_at) * PER_SEC) - 1
        self._counted_at = now
        return max(0.0, -self._free / PER_SEC)
