"""What happens to call records on the way: late, twice, withdrawn, garbled, of numbers unknown."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem.generate.calendar import DAY, Calendar, Window
from tandem.generate.calls import Calls, join_calls
from tandem.generate.files import CdrFile
from tandem.generate.model import (
    LATE,
    ON_TIME,
    VOID_AFTER_BILL,
    VOID_BEFORE_BILL,
    VOID_BEFORE_RECORD,
    Population,
)
from tandem.generate.places import PREFIXES, unlisted_number
from tandem.generate.records import (
    RawRow,
    as_void,
    make_ids,
    other_clock,
    other_quantity,
    row_cells,
    stack,
    to_table,
)
from tandem.generate.spoil import cdr_reasons, spoil_cdr
from tandem.generate.town import Town, stream

# Share of a carrier's records that each kind befalls; at least one a month and carrier where the
# month has a record that it can befall.
_SHARES = {
    "late": 0.002,
    "void_before_bill": 0.0006,
    "void_after_bill": 0.0004,
    "void_before_record": 0.0002,
    "unknown_number": 0.0005,
    "duplicate_in_file": 0.0006,
    "duplicate_in_another_file": 0.0004,
    "conflicting_duplicate": 0.00008,
}
#: The same for each reason for which a row is malformed.
_SPOILED_SHARE = 0.00004
_FATES = {
    "late": LATE,
    "void_after_bill": VOID_AFTER_BILL,
    "void_before_record": VOID_BEFORE_RECORD,
    "void_before_bill": VOID_BEFORE_BILL,
}
#: Most rows of a file that may have to be refused; a load refuses the file at ten per cent.
_MOST_REFUSED = 0.02
_UNKNOWN_NUMBERS = 40


@dataclass(slots=True)
class _Parcel:
    """The records of one carrier and window on their way, and the rows that go with them."""

    window: Window
    carrier: int
    calls: Calls
    file: CdrFile
    rng: np.random.Generator
    table: Any = None
    extras: list[Any] = field(default_factory=list)
    #: For each row of the extras the row number after which it comes.
    after: list[NDArray[Any]] = field(default_factory=list)

    def add(self, rows: Any, after: NDArray[Any]) -> None:
        """Send more rows along."""
        self.extras.append(rows)
        self.after.append(after)


class Dispatch:
    """Sends records to files: the straight way or, with trouble, as records go in real life."""

    def __init__(
        self, town: Town, calendar: Calendar, people: Population, windows: list[Window]
    ) -> None:
        """Set up empty trays for what is held back."""
        self.town, self.calendar, self.windows = town, calendar, windows
        self.counts: Counter[str] = people.trouble
        self.city = np.array([a.city for a in people.accounts], dtype=np.int8)
        self.cycle_day = np.array([a.bill_cycle_day for a in people.accounts], dtype=np.int64)
        self.reasons = cdr_reasons(town.format)
        self._of_month: dict[int, list[int]] = defaultdict(list)
        for window in windows:
            self._of_month[window.month].append(window.index)
        self._numbers: dict[tuple[int, date], int] = defaultdict(int)
        self._turns: Counter[str] = Counter()
        self._seen: Counter[tuple[int, int, str]] = Counter()
        self._due: dict[tuple[int, int, str], int] = {}
        # Held back for a carrier and window: corrections, and rows (with whether they repeat
        # others); for a carrier and month: rows for the folder that comes after its close.
        self._corrections: dict[tuple[int, int], list[Calls]] = defaultdict(list)
        self._waiting: dict[tuple[int, int], list[tuple[Any, bool]]] = defaultdict(list)
        self._late: dict[tuple[int, int], list[tuple[Any, bool]]] = defaultdict(list)

    def send(self, window: Window, carrier: int, calls: Calls, file: CdrFile) -> None:
        """Write the calls of one carrier and window, and what else has its turn then."""
        rng = stream(self.town, "trouble", carrier, window.index)
        calls = join_calls([calls, *self._corrections.pop((carrier, window.index), [])])
        calls = calls.take(np.lexsort((calls.other, calls.served, calls.at, calls.ends())))
        parcel = _Parcel(window, carrier, calls, file, rng)
        if self.town.trouble:
            self._befall(parcel)
        parcel.table = to_table(calls, carrier, self._ids(carrier, window, len(calls)))
        self._follow_fates(parcel)
        if self.town.trouble:
            self._repeat(parcel)
        for rows, repeats in self._waiting.pop((carrier, window.index), []):
            parcel.add(rows, np.zeros(rows.num_rows))
            file.duplicates += rows.num_rows if repeats else 0
        written = _interleave(parcel)
        file.write(written, self._garble(parcel, written.num_rows))

    def late_rows(self, month: int, carrier: int) -> list[tuple[Any, bool]]:
        """Rows that come after the close of a month, each table with whether it repeats rows."""
        return self._late.pop((carrier, month), [])

    def _ids(self, carrier: int, window: Window, count: int) -> Any:
        """The next ids of the carrier's day."""
        first = self._numbers[carrier, window.day] + 1
        self._numbers[carrier, window.day] += count
        return make_ids(PREFIXES[carrier], f"{window.day:%Y%m%d}", first, count)

    # How much trouble.

    def _quota(self, parcel: _Parcel, kind: str, share: float) -> int:
        """How many of a kind befall a parcel: by chance, or the month's first that is due."""
        number = int(parcel.rng.binomial(len(parcel.calls), share))
        key = (parcel.carrier, parcel.window.month, kind)
        if key not in self._due:
            windows = self._of_month[parcel.window.month]
            turn = int(parcel.rng.integers(0, max(1, len(windows) * 6 // 10)))
            self._due[key] = windows[turn]
        due = self._seen[key] == 0 and parcel.window.index >= self._due[key]
        return max(number, int(due))

    def _count(self, parcel: _Parcel, kind: str, number: int) -> None:
        self.counts[f"cdrs.{kind}"] += number
        self._seen[parcel.carrier, parcel.window.month, kind] += number

    def _room(self, parcel: _Parcel) -> int:
        """How many more rows of the file may have to be refused."""
        file = parcel.file
        most = int((file.rows + len(parcel.calls)) * _MOST_REFUSED)
        return max(0, most - sum(file.rejects.values()))

    # Which records, and what becomes of them.

    def _closes_with_month(self, calls: Calls, month: int) -> NDArray[np.bool_]:
        """Calls whose billing cycle ends by the first of the next month."""
        local = self.calendar.local_seconds(self.city[calls.account], calls.at)
        day = local.astype("datetime64[s]").astype("datetime64[D]")
        in_month = day < np.datetime64(self.calendar.first_days[month + 1])
        of_month = (day - day.astype("datetime64[M]")).astype(np.int64) + 1
        cycle_day = self.cycle_day[calls.account]
        return np.asarray(in_month & ((cycle_day == 1) | (of_month < cycle_day)))

    def _befall(self, parcel: _Parcel) -> None:
        """Choose the records that are held back, withdrawn, or of a number nobody knows."""
        calls, rng = parcel.calls, parcel.rng
        order = rng.permutation(len(calls))
        free = (calls.fate == ON_TIME)[order]
        closing = self._closes_with_month(calls, parcel.window.month)[order]
        for kind, fate in _FATES.items():
            able = free if fate == VOID_BEFORE_BILL else free & closing
            chosen = np.flatnonzero(able)[: self._quota(parcel, kind, _SHARES[kind])]
            calls.fate[order[chosen]] = fate
            free[chosen] = False
        kind = "unknown_number"
        alone = np.flatnonzero(free & ~calls.paired[order])
        chosen = order[alone[: self._quota(parcel, kind, _SHARES[kind])]]
        for row in chosen.tolist():
            city = int(self.city[calls.account[row]])
            calls.served[row] = unlisted_number(city, int(rng.integers(0, _UNKNOWN_NUMBERS)))
        self._count(parcel, kind, len(chosen))

    def _follow_fates(self, parcel: _Parcel) -> None:
        """Send what the fates of the calls entail to later windows, or after the close."""
        window, calls, rng = parcel.window, parcel.calls, parcel.rng
        late = self._late[parcel.carrier, window.month]
        for kind, fate in _FATES.items():
            rows = np.flatnonzero(calls.fate == fate)
            if not len(rows):
                continue
            self._count(parcel, kind, len(rows))
            records = parcel.table.take(rows)
            if fate == LATE:
                late.append((records, False))
            elif fate == VOID_BEFORE_RECORD:
                parcel.add(as_void(records), rng.random(len(rows)) * len(calls))
                late.append((records, False))
            elif fate == VOID_BEFORE_BILL:
                self._withdraw(parcel, rows)
            elif window.month + 1 == self.calendar.months or rng.random() < 0.3:
                late.append((as_void(records), False))
            else:
                following = self._of_month[window.month + 1]
                chosen = following[int(rng.integers(0, max(1, len(following) // 3)))]
                self._waiting[parcel.carrier, chosen].append((as_void(records), False))

    def _withdraw(self, parcel: _Parcel, rows: NDArray[np.int64]) -> None:
        """Void records some days later in the same month, half of them for a corrected one."""
        window, rng = parcel.window, parcel.rng
        voids = as_void(parcel.table.take(rows))
        per_day = max(1, DAY // (window.end - window.start))
        last = self._of_month[window.month][-1]
        chosen = min(last, window.index + int(rng.integers(1, 6)) * per_day)
        if chosen == window.index:
            parcel.add(voids, rows + 0.5)
            return
        self._waiting[parcel.carrier, chosen].append((voids, False))
        if rng.random() < 0.5:
            corrected = parcel.calls.take(rows)
            corrected.fate[:] = ON_TIME
            # The switch had counted too much.
            corrected.quantity -= corrected.quantity // 10
            self._corrections[parcel.carrier, chosen].append(corrected)
            self._count(parcel, "correction", len(rows))

    def _repeat(self, parcel: _Parcel) -> None:
        """Send records twice: in the file, in another file, or with other content."""
        rng, file = parcel.rng, parcel.file
        order = rng.permutation(np.flatnonzero(parcel.calls.fate == ON_TIME))
        taken = 0

        def pick(kind: str, most: int) -> NDArray[np.int64]:
            nonlocal taken
            number = min(most, self._quota(parcel, kind, _SHARES[kind]))
            rows = np.sort(order[taken : taken + number])
            taken += len(rows)
            self._count(parcel, kind, len(rows))
            return rows

        rows = pick("duplicate_in_file", len(order))
        if len(rows):
            # The same instant in another offset is the same record.
            clocks = rng.integers(0, 2, len(rows)).astype(np.int8)
            parcel.add(other_clock(parcel.table.take(rows), clocks), rows + 0.5)
            file.duplicates += len(rows)
        rows = pick("duplicate_in_another_file", len(order))
        if len(rows):
            self._send_elsewhere(parcel, parcel.table.take(rows))
        rows = pick("conflicting_duplicate", self._room(parcel))
        if len(rows):
            parcel.add(other_quantity(parcel.table.take(rows)), rows + 0.5)
            file.rejects["conflicting_duplicate"] += len(rows)

    def _send_elsewhere(self, parcel: _Parcel, records: Any) -> None:
        """The same records in a file that is loaded later."""
        window, rng = parcel.window, parcel.rng
        later: list[int] = []
        if self.town.split == "day":
            later = [
                w.index
                for w in self.windows[window.index + 1 : window.index + 49]
                if w.day != window.day and w.month == window.month
            ]
        if not later and rng.random() < 0.5:
            later = self._of_month.get(window.month + 1, [])[:10]
        if later:
            chosen = later[int(rng.integers(0, len(later)))]
            self._waiting[parcel.carrier, chosen].append((records, True))
        else:
            self._late[parcel.carrier, window.month].append((records, True))

    def _garble(self, parcel: _Parcel, written: int) -> list[tuple[int, RawRow]]:
        """Malformed rows besides the good ones, with ids of their own, and where they go in."""
        raw: list[tuple[int, RawRow]] = []
        if not self.town.trouble:
            return raw
        rng, window, carrier = parcel.rng, parcel.window, parcel.carrier
        # Models with both numbers, so that each mistake is the only one.
        models = np.flatnonzero(parcel.calls.other > 0)
        for reason in self.reasons:
            room = self._room(parcel) - len(raw) if len(models) else 0
            number = min(room, self._quota(parcel, reason, _SPOILED_SHARE))
            for _ in range(number):
                row = int(models[int(rng.integers(0, len(models)))])
                cells = row_cells(parcel.table, row, carrier, self.calendar)
                cells["cdr_id"] = self._ids(carrier, window, 1)[0].as_py()
                turn = self._turns[reason]
                self._turns[reason] += 1
                place = int(rng.integers(0, written + 1))
                raw.append((place, spoil_cdr(cells, reason, turn, self.town.format)))
            self._count(parcel, reason, max(0, number))
        return raw


def _interleave(parcel: _Parcel) -> Any:
    """The calls that are not held back in their order, the extras somewhere after theirs."""
    held = np.isin(parcel.calls.fate, (LATE, VOID_BEFORE_RECORD))
    rows = np.flatnonzero(~held)
    main = parcel.table.take(rows)
    if not parcel.extras:
        return main
    after = np.concatenate(parcel.after)
    place = after + parcel.rng.random(len(after)) * np.maximum(0.0, len(held) - after)
    keys = np.concatenate([rows.astype(np.float64), place])
    return stack([main, *parcel.extras]).take(np.argsort(keys, kind="stable"))
