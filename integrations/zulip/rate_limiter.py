"""The rate limit of requests to Zulip: at most 200 a minute from this process, and none while Zulip asks for a pause.

Source: https://zulip.com/api/rest-error-handling, which names the default limits.
"""

import time
from collections.abc import Callable

PER_MINUTE = 200
BURST = 20
"""Requests that may be sent at once. Later ones are spread evenly, so no minute has more than PER_MINUTE."""

PER_SEC = (PER_MINUTE - BURST) / 60


class RateLimiter:
    """A token bucket. `clock` counts seconds and is never set back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens = float(BURST)
        self._counted_at = clock()
        self._resumes_at = clock()

    @property
    def is_paused(self) -> bool:
        """Whether a pause is running that Zulip asked for."""
        return self._clock() < self._resumes_at

    def pause(self, sec: float) -> None:
        """Allow no request for `sec` seconds."""
        self._resumes_at = max(self._resumes_at, self._clock() + sec)

    def reserve(self) -> float:
        """Reserve the next request. Return the seconds to wait before it is sent."""
        now = self._clock()
        self._tokens = min(float(BURST), self._tokens + (now - self._counted_at) * PER_SEC) - 1
        self._counted_at = now
        return max(0.0, -self._tokens / PER_SEC)
