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

    PDFs, which cost a hundred times what other answers do, are counted besides: those of one
    caller, whatever the number of his tokens, and all that the server makes.
    """

    def __init__(
        self,
        per_minute: int,
        unknown_per_minute: int,
        pdfs_per_minute: int,
        all_pdfs_per_minute: int,
    ) -> None:
        """Begin to count: requests with one token, those without one from one address, PDFs."""
        self._known = RateLimitItemPerMinute(per_minute)
        self._unknown = RateLimitItemPerMinute(unknown_per_minute)
        self._pdfs = RateLimitItemPerMinute(pdfs_per_minute)
        self._all_pdfs = RateLimitItemPerMinute(all_pdfs_per_minute)
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

    def admit_pdf(self, who: str) -> None:
        """Count a PDF for somebody.

        Raises:
            ApiError: 429; he has had too many, or all together have.
        """
        self._admit(self._pdfs, f"PDFs of {who}", "PDFs a minute are made for one caller")
        self._admit(self._all_pdfs, "PDFs", "PDFs a minute are made here")

    def _admit(
        self, limit: RateLimitItem, who: str, what: str = "requests a minute are answered here"
    ) -> None:
        if self._window.hit(limit, who):
            return
        until = self._window.get_window_stats(limit, who).reset_time - time.time()
        raise ApiError(
            HTTPStatus.TOO_MANY_REQUESTS,
            "tooManyRequests",
            "Too many requests",
            f"Up to {limit.amount:,} {what}.",
            {"Retry-After": str(max(1, math.ceil(until)))},
        )
