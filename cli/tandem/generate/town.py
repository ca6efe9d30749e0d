"""What to generate: the parameters of a town, and the streams of chance it draws from."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

Format = Literal["csv", "jsonl", "parquet"]
Compression = Literal["gzip", "zstd"] | None
Split = Literal["month", "day"]

#: CDRs per account and day of a town that nobody gave a figure for. At this rate the mean voice
#: call takes a few minutes and the median account uses about two thirds of its allowance.
USUAL_RATE = 12.0

#: Above this the telephone numbers of the three cities would run out.
MOST_ACCOUNTS = 1_000_000


@dataclass(frozen=True)
class Town:
    """A sample town of subscribers; the same town is always the same bytes.

    `accounts` accounts over `months` calendar months from `first_month` (a first of a month).
    Take months that are over: a load refuses what lies more than a day ahead.
    `calls_per_account_per_day` is the mean number of CDRs of all carriers and services per
    account and day, over all accounts and all days: `accounts * days * calls_per_account_per_day`
    is what comes out, to within a per cent or so. Minutes and bytes per account stay about the
    same whatever the rate (fewer calls are longer ones, at most five times as long), so that a
    thin town has overage and rollover too.

    `trouble` adds what real feeds bring: malformed rows, duplicates, late files, voids, unknown
    numbers, orders that disagree. Without it every row is good and every order has its
    counterpart within a day.

    `format`, `compression` and `split` concern the CDR files: one file per carrier and month or
    one per carrier and UTC day. `bill_cycle_days` restricts the days (1 to 28) on which billing
    cycles start; None is a mixture, mostly the first. `batches_per_month` is the number of full
    subscriber batches per carrier and month, besides the one before the first month.
    `adjustments` adds files of the rollover_adjustments feed, and a household that comes from
    another billing system with opening balances, to whose rollover everything happens that can.
    """

    accounts: int
    months: int
    seed: int
    first_month: date = date(2026, 6, 1)
    calls_per_account_per_day: float = USUAL_RATE
    trouble: bool = True
    format: Format = "csv"
    compression: Compression = None
    split: Split = "month"
    bill_cycle_days: tuple[int, ...] | None = None
    batches_per_month: int = 1
    adjustments: bool = True

    def __post_init__(self) -> None:
        """Refuse a town that cannot be built, with ValueError and one clear sentence."""
        rules = (
            (1 <= self.accounts <= MOST_ACCOUNTS, f"accounts must be 1 to {MOST_ACCOUNTS}"),
            (1 <= self.months <= 120, "months must be 1 to 120"),
            (self.seed >= 0, "seed must not be negative"),
            (self.first_month.day == 1, "first_month must be the first day of a month"),
            (
                2000 <= self.first_month.year <= 2080,
                "first_month must lie between the years 2000 and 2080",
            ),
            (
                0 < self.calls_per_account_per_day <= 1000,
                "calls_per_account_per_day must be above 0 and at most 1000",
            ),
            (self.format in ("csv", "jsonl", "parquet"), "format must be csv, jsonl or parquet"),
            (self.compression in (None, "gzip", "zstd"), "compression must be gzip or zstd"),
            (self.split in ("month", "day"), "split must be month or day"),
            (
                self.bill_cycle_days is None
                or (
                    len(self.bill_cycle_days) > 0
                    and all(1 <= day <= 28 for day in self.bill_cycle_days)
                ),
                "bill_cycle_days must be days from 1 to 28",
            ),
            (1 <= self.batches_per_month <= 28, "batches_per_month must be 1 to 28"),
        )
        for holds, sentence in rules:
            if not holds:
                raise ValueError(sentence)


def stream(town: Town, *key: str | int) -> np.random.Generator:
    """A generator of its own for each purpose, so that one part can change without the others."""
    parts = [zlib.crc32(k.encode()) if isinstance(k, str) else k for k in key]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([town.seed, *parts])))


class Dice:
    """Single draws, a hundred times cheaper than asking the generator for each of them."""

    _BLOCK = 16_384

    def __init__(self, rng: np.random.Generator) -> None:
        """Draw from this generator, in blocks."""
        self._rng = rng
        self._ready: list[float] = []

    def share(self) -> float:
        """A number from 0 to below 1."""
        if not self._ready:
            self._ready = self._rng.random(self._BLOCK).tolist()
        return self._ready.pop()

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.share() * (high - low + 1))

    def pick(self, cumulated: Sequence[float]) -> int:
        """An index, by cumulated shares of which the last is the total."""
        return bisect_right(cumulated, self.share() * cumulated[-1], 0, len(cumulated) - 1)
