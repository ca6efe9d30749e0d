"""CDR files: the run in order, window by window, every carrier in its own file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tandem.generate.calendar import Calendar, Window
from tandem.generate.calls import Calls, from_script, join_calls
from tandem.generate.files import CdrFile, cdr_ending
from tandem.generate.model import Population
from tandem.generate.places import CARRIERS
from tandem.generate.records import stack
from tandem.generate.summary import WrittenFile
from tandem.generate.town import Town
from tandem.generate.trouble import Dispatch
from tandem.generate.usage import Usage


def write_cdrs(
    town: Town,
    calendar: Calendar,
    people: Population,
    root: Path,
    progress: Callable[[str, int, int], None],
) -> list[WrittenFile]:
    """Write all CDR files of a town; memory holds one window at a time."""
    usage = Usage(town, calendar, people)
    dispatch = Dispatch(town, calendar, people, usage.windows)
    script = from_script(people.script)
    writing = _Writing(town, calendar, root)
    for window in usage.windows:
        progress("cdrs", window.index, len(usage.windows))
        low, high = np.searchsorted(script.at, (window.start, window.end))
        calls = join_calls([usage.calls(window), script.take(np.arange(low, high))])
        for carrier in range(len(CARRIERS)):
            mine: Calls = calls.take(calls.carrier == carrier)
            dispatch.send(window, carrier, mine, writing.file(window, carrier))
        following = window.index + 1
        if following == len(usage.windows) or usage.windows[following].month != window.month:
            writing.finish()
            writing.write_late(window.month, dispatch)
    progress("cdrs", len(usage.windows), len(usage.windows))
    return writing.written


class _Writing:
    """The files that are open, one per carrier."""

    def __init__(self, town: Town, calendar: Calendar, root: Path) -> None:
        self.town, self.calendar, self.root = town, calendar, root
        self.ending = cdr_ending(town)
        self.open: dict[int, CdrFile] = {}
        self.written: list[WrittenFile] = []

    def file(self, window: Window, carrier: int) -> CdrFile:
        """The file for a window; the one before it is finished."""
        month = self.calendar.label(window.month)
        part = month if self.town.split == "month" else window.day.isoformat()
        path = f"{month}/cdrs.{CARRIERS[carrier]}.{part}{self.ending}"
        current = self.open.get(carrier)
        if current is not None and current.path != path:
            self.written.append(current.close())
            current = None
        if current is None:
            current = CdrFile(self.root, path, carrier, self.town, self.calendar)
            self.open[carrier] = current
        return current

    def finish(self) -> None:
        """Finish all open files."""
        for carrier in sorted(self.open):
            self.written.append(self.open.pop(carrier).close())

    def write_late(self, month: int, dispatch: Dispatch) -> None:
        """The files that come after the close of a month."""
        label = self.calendar.label(month)
        for carrier, name in enumerate(CARRIERS):
            parts = dispatch.late_rows(month, carrier)
            if not parts:
                continue
            path = f"{label}-late/cdrs.{name}.{label}-late{self.ending}"
            file = CdrFile(self.root, path, carrier, self.town, self.calendar)
            file.write(stack([table for table, _ in parts]))
            file.duplicates = sum(table.num_rows for table, twice in parts if twice)
            self.written.append(file.close())
