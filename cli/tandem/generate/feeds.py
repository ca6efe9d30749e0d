"""The feeds besides CDRs: accounts, subscriber data, orders, opening balances, adjustments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from tandem.generate.calendar import DAY, HOUR, Calendar, iso
from tandem.generate.files import write_sheet
from tandem.generate.model import Line, Population, Snapshot
from tandem.generate.places import CARRIERS, PREFIXES
from tandem.generate.spoil import spoil_sheet
from tandem.generate.summary import WrittenFile
from tandem.generate.town import Town, stream

Row = tuple[str, ...]

HEADERS: dict[str, Row] = {
    "accounts": (
        *("account_id", "holder_name", "address_line1", "address_line2", "city", "region"),
        *("postal_code", "country", "email", "bill_cycle_day", "time_zone"),
        *("tax_jurisdiction_id", "opened_on", "closed_on"),
    ),
    "subscribers": (
        *("account_id", "service_number", "plan_id", "status", "activated_at"),
        *("deactivated_at", "subscriber_name", "email"),
    ),
    "subscriber_changes": (
        *("change_id", "changed_at", "account_id", "service_number", "plan_id", "status"),
        *("activated_at", "deactivated_at", "subscriber_name", "email"),
    ),
    "orders": (
        *("order_id", "account_id", "action", "plan_id", "service_number", "requested_at"),
        *("effective_on", "status_at", "status", "counterpart_order_id"),
    ),
    "rollover_opening": (
        *("account_id", "pool_id", "earned_cycle_start", "expires_on", "quantity"),
        *("deferred_amount", "as_of"),
    ),
    "rollover_adjustments": (
        *("adjustment_id", "account_id", "pool_id", "action", "quantity", "reason_code"),
        *("adjusted_at", "adjusted_by", "bucket_cycle_start", "extend_cycles", "note"),
    ),
}
#: One malformed row for so many good ones, in files that are large enough.
_SPOILED_EVERY = 60
#: Feeds whose records have ids, of which one comes twice and one with other content.
_REPEATED = ("orders", "subscriber_changes", "rollover_adjustments")


class FeedWriter:
    """Writes the small feeds of a town, folder by folder."""

    def __init__(self, town: Town, calendar: Calendar, people: Population, root: Path) -> None:
        """Write under `root`."""
        self.town, self.calendar, self.people, self.root = town, calendar, people, root
        self.rng = stream(town, "sheets")
        self.turns: Counter[str] = Counter()
        self.written: list[WrittenFile] = []

    def write_all(self, progress: Callable[[str, int, int], None]) -> list[WrittenFile]:
        """Write every file, and say which."""
        steps = (
            self.write_accounts,
            self.write_batches,
            self.write_changes,
            self.write_orders,
            self.write_openings,
            self.write_adjustments,
        )
        for done, step in enumerate(steps):
            progress("feeds", done, len(steps))
            step()
        progress("feeds", len(steps), len(steps))
        return self.written

    def _write(
        self, path: str, feed: str, carrier: int | None, rows: list[Row], line_end: str = "\n"
    ) -> None:
        """Write a file if it has rows, with the malformed and repeated rows that are its share."""
        if not rows:
            return
        header = HEADERS[feed]
        rejects: Counter[str] = Counter()
        duplicates = 0
        everything = list(rows)
        if self.town.trouble:
            for _ in range(min(len(rows) // _SPOILED_EVERY, 8)):
                source = rows[int(self.rng.integers(0, len(rows)))]
                reason, bad = spoil_sheet(feed, header, source, self.turns[feed])
                self.turns[feed] += 1
                everything.insert(int(self.rng.integers(0, len(everything) + 1)), bad)
                rejects[reason] += 1
                self.people.trouble[f"{feed}.{reason}"] += 1
            if feed in _REPEATED and len(rows) >= _SPOILED_EVERY:
                duplicates = self._repeat(feed, header, everything, rows, rejects)
        write_sheet(self.root, path, header, everything, line_end)
        name = None if carrier is None else CARRIERS[carrier]
        self.written.append(
            WrittenFile(
                path, feed, name, len(everything), duplicates, dict(sorted(rejects.items()))
            )
        )

    def _repeat(
        self,
        feed: str,
        header: Row,
        everything: list[Row],
        rows: list[Row],
        rejects: Counter[str],
    ) -> int:
        """One row once more at the end, and one with other content; how many are duplicates."""
        again = rows[int(self.rng.integers(0, len(rows)))]
        other = list(rows[int(self.rng.integers(0, len(rows)))])
        name = "account_id"
        other[header.index(name)] = "A000000"
        everything += [again, tuple(other)]
        rejects["conflicting_duplicate"] += 1
        self.people.trouble[f"{feed}.conflicting_duplicate"] += 1
        self.people.trouble[f"{feed}.duplicate"] += 1
        return 1

    def write_accounts(self) -> None:
        """The biller's accounts: all at the start, then new and changed ones by month."""
        initial: list[Row] = []
        updates: dict[tuple[int, bool], list[tuple[int, Row]]] = {}
        for account in self.people.accounts:
            for row in account.rows:
                if row.sent_at < self.calendar.start and not row.late:
                    initial.append(row.cells)
                elif row.sent_at < self.calendar.end:
                    key = (self.calendar.month_of(row.sent_at), row.late)
                    updates.setdefault(key, []).append((row.sent_at, row.cells))
        first = self.calendar.label(0)
        # The biller's platform ends its lines as RFC 4180 has it.
        self._write(f"{first}/accounts.csv", "accounts", None, initial, "\r\n")
        for (month, late), found in sorted(updates.items()):
            label = self.calendar.label(month) + ("-late" if late else "")
            rows = [cells for _, cells in sorted(found)]
            path = f"{label}/accounts.update-{label}.csv"
            self._write(path, "accounts", None, rows, "\r\n")

    def _batch_times(self) -> list[tuple[int, int]]:
        """When the full batches are taken (month, instant): at night, the first before the run."""
        first = self.calendar.first_days
        night = 8 * HOUR

        def at(moment: datetime) -> int:
            epoch = datetime(1970, 1, 1)  # noqa: DTZ001
            return int((moment - epoch).total_seconds()) + night

        start = datetime(first[0].year, first[0].month, first[0].day)  # noqa: DTZ001
        times = [(0, at(start - timedelta(days=1)))]
        count = self.town.batches_per_month
        for month in range(self.calendar.months):
            days = (first[month + 1] - first[month]).days
            begin = datetime(first[month].year, first[month].month, 1)  # noqa: DTZ001
            for turn in range(1, count + 1):
                night_of = begin + timedelta(days=round(turn * days / count) - 1)
                times.append((month, at(night_of)))
        return times

    def _state(self, line: Line, at: int) -> Snapshot | None:
        """What the carrier's own data say about a line at an instant."""
        state = None
        for snapshot in line.snapshots:
            known = snapshot.at
            if snapshot.late:
                known = self.calendar.cuts[self.calendar.month_of(snapshot.at) + 1]
            if known <= at:
                state = snapshot
        return state

    @staticmethod
    def _subscriber(line: Line, state: Snapshot) -> Row:
        return (
            line.account.account_id,
            f"+{line.number}",
            state.plan_id,
            state.status,
            iso(state.activated_at),
            "" if state.deactivated_at is None else iso(state.deactivated_at),
            state.name,
            state.email,
        )

    def write_batches(self) -> None:
        """Full batches of each carrier's subscriber data."""
        times = self._batch_times()
        for place, (month, at) in enumerate(times):
            rows: dict[int, list[Row]] = {carrier: [] for carrier in range(len(CARRIERS))}
            for line in self.people.lines:
                if place == len(times) - 1 and line.index in self.people.absent:
                    continue
                state = self._state(line, at)
                if state is not None:
                    rows[line.carrier].append(self._subscriber(line, state))
            label = self.calendar.label(month)
            stamp = iso(at).replace("-", "").replace(":", "")
            for carrier, found in rows.items():
                path = f"{label}/subscribers.{CARRIERS[carrier]}.{stamp}.csv"
                self._write(path, "subscribers", carrier, sorted(found))

    def write_changes(self) -> None:
        """Changes of subscriber data between batches, by month."""
        first_batch = self._batch_times()[0][1]
        changes = sorted(
            (snapshot.at, line.index, place)
            for line in self.people.lines
            for place, snapshot in enumerate(line.snapshots)
            if snapshot.announced and first_batch < snapshot.at < self.calendar.end
        )
        numbers: Counter[int] = Counter()
        files: dict[tuple[int, bool, int], list[Row]] = {}
        for at, index, place in changes:
            line = self.people.lines[index]
            snapshot = line.snapshots[place]
            numbers[line.carrier] += 1
            change_id = f"{PREFIXES[line.carrier]}-C-{numbers[line.carrier]:06d}"
            row = (change_id, iso(at), *self._subscriber(line, snapshot))
            key = (self.calendar.month_of(at), snapshot.late, line.carrier)
            files.setdefault(key, []).append(row)
        for (month, late, carrier), rows in sorted(files.items()):
            label = self.calendar.label(month) + ("-late" if late else "")
            path = f"{label}/subscriber_changes.{CARRIERS[carrier]}.{label}.csv"
            self._write(path, "subscriber_changes", carrier, rows)

    def write_orders(self) -> None:
        """What each carrier's ordering platform exported: first, in mid-month, at its end."""
        exports: list[tuple[int, int, str]] = [
            (self.calendar.start, 0, self.calendar.first_days[0].isoformat())
        ]
        for month in range(self.calendar.months):
            first, after = self.calendar.first_days[month : month + 2]
            middle = self.calendar.cuts[month] + 15 * DAY
            exports.append((middle, month, (first + timedelta(days=15)).isoformat()))
            exports.append((self.calendar.cuts[month + 1], month, after.isoformat()))
        files: dict[tuple[int, int], list[tuple[int, str, int, Row]]] = {}
        for order in self.people.orders:
            counterpart = order.counterpart.order_id if order.counterpart else ""
            for place, (at, status) in enumerate(order.states):
                export = next((e for e, (until, _, _) in enumerate(exports) if at < until), None)
                if export is None:
                    continue
                row = (
                    order.order_id,
                    order.account.account_id,
                    order.action,
                    order.plan_id,
                    order.service_number,
                    iso(order.requested_at),
                    order.effective_on.isoformat(),
                    "" if at == order.requested_at else iso(at),
                    status,
                    counterpart,
                )
                files.setdefault((order.carrier, export), []).append(
                    (at, order.order_id, place, row)
                )
        for (carrier, export), found in sorted(files.items(), key=lambda item: item[0][::-1]):
            _, month, day = exports[export]
            path = f"{self.calendar.label(month)}/orders.{CARRIERS[carrier]}.{day}.csv"
            self._write(path, "orders", carrier, [row for *_, row in sorted(found)])

    def write_openings(self) -> None:
        """Units that households bring from another billing system, with the first month."""
        rows: list[Row] = [
            (
                opening.account.account_id,
                opening.pool_id,
                opening.earned_cycle_start.isoformat(),
                opening.expires_on.isoformat(),
                opening.quantity,
                opening.deferred_amount,
                iso(opening.as_of),
            )
            for opening in self.people.openings
        ]
        path = f"{self.calendar.label(0)}/rollover_opening.csv"
        self._write(path, "rollover_opening", None, rows)

    def write_adjustments(self) -> None:
        """Adjustments of rollover units, by month."""
        for month in range(self.calendar.months):
            rows = [
                (a.adjustment_id, *a.cells)
                for a in self.people.adjustments
                if self.calendar.month_of(a.sent_at) == month
            ]
            label = self.calendar.label(month)
            self._write(
                f"{label}/rollover_adjustments.{label}.csv", "rollover_adjustments", None, rows
            )
