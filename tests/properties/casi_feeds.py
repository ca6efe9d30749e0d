"""Subscriber batches made to hurt: each differs from the one before it, some come late or in two
files, one of them before the first; changes fall on the very time of a batch."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from tests.properties.steps import Account, Load, Row

NAMES = ("Someone", "SOMEONE ", "Some  one", "Zoë", None, "None, Pat")
EMAILS = ("s@example.org", "S@Example.org", "zoe@example.org", None)
PLANS = ("SHARE1000", "SHARE800", None)

# as-of, and the days on which its files arrive; the accounts of a file are apart
BATCHES = (
    (datetime(2025, 1, 20, tzinfo=UTC), (date(2025, 1, 21),)),
    (datetime(2025, 3, 10, tzinfo=UTC), (date(2025, 3, 10),)),
    # the rest of a batch comes when it was long built
    (datetime(2025, 3, 28, 12, tzinfo=UTC), (date(2025, 3, 29), date(2025, 4, 16))),
    # earlier than what was first
    (datetime(2024, 12, 28, tzinfo=UTC), (date(2025, 4, 17),)),
    # between two that were compared
    (datetime(2025, 2, 5, tzinfo=UTC), (date(2025, 5, 10),)),
    (datetime(2025, 5, 20, tzinfo=UTC), (date(2025, 5, 20), date(2025, 5, 20))),
    (datetime(2025, 6, 27, tzinfo=UTC), (date(2025, 6, 28),)),
)


class CasiFeeds:
    """What carriers say of lines, with a randomness of its own."""

    def __init__(self, seed: int, accounts: Sequence[Account]) -> None:
        self.random = random.Random(f"casi {seed}")
        self.accounts = accounts
        self.change_ids = iter(range(1, 100_000))
        self.numbers = iter(range(5_040_000_000, 5_049_999_999, 89))

    def said(self) -> Row:
        """What a carrier says of a line from the start."""
        r = self.random
        return {
            "plan_id": r.choice(PLANS),
            "subscriber_name": r.choice(NAMES),
            "email": r.choice(EMAILS),
        }

    def arrivals(
        self, carrier: str, listed: Sequence[Row], changes: Sequence[tuple[date, Row]]
    ) -> list[tuple[date, Load]]:
        """Batches of a carrier and changes at their time.

        Args:
            carrier: its id.
            listed: its lines, as its first batch had them.
            changes: its changes, with the day on which each arrives.
        """
        r = self.random
        found: list[tuple[date, Load]] = []
        for as_of, days in BATCHES:
            files: list[list[Row]] = [[] for _ in days]
            for row in self._as_of(as_of, listed, changes):
                for said in self._said_in_batch(row, as_of):
                    r.choice(files).append(said)
                if r.random() < 0.04:
                    found.append((days[0], self._change(carrier, row, as_of)))
            found += [
                (day, Load("subscribers", tuple(file), carrier, as_of))
                for day, file in zip(days, files, strict=True)
            ]
        return found

    def corrections(self, voided: Sequence[tuple[str, Row]]) -> list[tuple[date, Load]]:
        """Numbers with voided calls turn out to be another account's since before one of them, or
        since the very instant: before the close of its cycle, after it, and after that of the next.

        Args:
            voided: such calls, with their carriers.
        """
        r = self.random
        found: list[tuple[date, Load]] = []
        for carrier, call in voided:
            if r.random() > 0.4:
                continue
            started = datetime.fromisoformat(str(call["started_at"]))
            comes = started.date() + timedelta(days=r.choice([8, 20, 35, 60, 90]))
            since = started - timedelta(days=r.choice([0, 0, 2, 15]))
            out = call["direction"] == "originated"
            row: Row = {
                "change_id": f"cc{next(self.change_ids)}",
                "changed_at": datetime.combine(comes, time(), UTC).isoformat(),
                "account_id": r.choice(self.accounts).account_id,
                "service_number": call["calling_number" if out else "called_number"],
                "status": "active",
                "activated_at": since.isoformat(),
                **self.said(),
            }
            # the night's records are there by then, or not yet
            day = min(comes, date(2025, 7, 20)) + timedelta(days=r.choice([0, 1, 5]))
            found.append((day, Load("subscriber_changes", (row,), carrier)))
        return found

    @staticmethod
    def _as_of(
        as_of: datetime, listed: Sequence[Row], changes: Sequence[tuple[date, Row]]
    ) -> list[Row]:
        lines = {(row["account_id"], row["service_number"]): row for row in listed}
        for _, change in sorted(changes, key=lambda c: str(c[1]["changed_at"])):
            if datetime.fromisoformat(str(change["changed_at"])) <= as_of:
                kept = {k: v for k, v in change.items() if k not in ("change_id", "changed_at")}
                lines[kept["account_id"], kept["service_number"]] = kept
        return list(lines.values())

    def _said_in_batch(self, row: Row, as_of: datetime) -> list[Row]:
        """Mostly the line as it is; or otherwise, twice, of two accounts, or not at all."""
        r = self.random
        fate = r.random()
        if fate < 0.05:
            return []
        if fate < 0.09:
            return [row, self._otherwise(row, as_of)]
        other: Row = {"account_id": r.choice(self.accounts).account_id}
        if fate < 0.11:
            # of two accounts: its calls are the other's since a day, in an open cycle or in one
            # closed long ago; or, since both began at once, those of the smaller; or stay, where
            # the other had it for no time
            at = (as_of - timedelta(days=r.choice([0, 3, 20, 60]))).isoformat()
            since: list[Row] = [
                {"activated_at": at},
                {"activated_at": at},
                {},
                {"status": "disconnected", "activated_at": at, "deactivated_at": at},
            ]
            return [row, row | r.choice(since) | other]
        if fate < 0.13:
            new = row | {"service_number": f"+1{next(self.numbers)}"}
            return [row, new, new | other]
        if fate < 0.25:
            return [self._otherwise(row, as_of)]
        return [row]

    def _otherwise(self, row: Row, as_of: datetime) -> Row:
        r = self.random
        activated = datetime.fromisoformat(str(row["activated_at"]))
        off = timedelta(microseconds=r.choice([1, 250_000, -3_600_000_000]))
        left = as_of + timedelta(days=r.choice([-2, 40]))
        changed: list[Row] = [
            {"plan_id": r.choice(PLANS)},
            {"status": "suspended"},
            {"activated_at": (activated + off).isoformat()},
            {"status": "disconnected", "deactivated_at": max(left, activated).isoformat()},
            {"subscriber_name": r.choice(NAMES)},
            {"email": r.choice(EMAILS)},
        ]
        return row | r.choice(changed) | (r.choice(changed) if r.random() < 0.3 else {})

    def _change(self, carrier: str, row: Row, as_of: datetime) -> Load:
        """At the very time of a batch, or within the second before it; sometimes two at once."""
        r = self.random
        at = as_of - timedelta(seconds=r.choice([0, 0, 1]))
        rows = [
            self._otherwise(row, as_of)
            | {"change_id": f"cb{next(self.change_ids)}", "changed_at": at.isoformat()}
            for _ in range(r.choice([1, 1, 2]))
        ]
        return Load("subscriber_changes", tuple(rows), carrier)
