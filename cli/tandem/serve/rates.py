"""How often somebody may call."""

from __future__ import annotations

import math
import time
from http import HTTPStatus

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from tandem.serve.errors import ApiError


class Rates:
    """Counts requests of the last minute, in memory.

    Those with a genuine token are counted by token: behind a proxy all come from one address, and
    nobody is to be shut out by what others do. The others are counted by address.
    """

    def __init__(self, per_minute: int, unknown_per_minute: int) -> None:
        """Begin to count: requests with one token, and those without one from one address."""
        self._known = RateLimitItemPerMinute(per_minute)
        self._unknown = RateLimitItemPerMinute(unknown_per_minute)
        self._window = SlidingWindowCounterRateLimiter(MemoryStorage())

    def admit(self, who: str) -> None:
        """Count a request of somebody known.

        Raises:
            ApiError: 429; there were too many.
        """
        self._admit(self._known, who)

    def admit_unknown(self, address: str) -> None:
        """Count a request of somebody unknown.

        Raises:
            ApiError: 429; there were too many.
        """
        self._admit(self._unknown, address)

    def _admit(self, limit: RateLimitItem, who: str) -> None:
        if self._window.hit(limit, who):
            return
        until = self._window.get_window_stats(limit, who).reset_time - time.time()
        raise ApiError(
            HTTPStatus.TOO_MANY_REQUESTS,
            "tooManyRequests",
            "Too many requests",
            f"Up to {limit.amount:,} requests a minute are answered here.",
            {"Retry-After": str(max(1, math.ceil(until)))},
        )
