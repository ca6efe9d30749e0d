"""The README.txt of a generated town."""

from __future__ import annotations

from textwrap import wrap

from tandem.generate.calendar import Calendar
from tandem.generate.summary import Summary
from tandem.generate.town import Town

# Accounts of a kind of trouble that are named.
_NAMED = 5


def readme(town: Town, calendar: Calendar, summary: Summary) -> str:
    """What is in the folders, how to load them, and what to look at."""
    lines = [
        "A sample town for Tandem",
        "========================",
        "",
        f"{summary.accounts} accounts with {summary.lines} lines, {calendar.days} days from "
        f"{calendar.first_days[0]}, {summary.cdrs} rows in CDR files; seed {town.seed}. All people "
        "are invented.",
        "The same parameters always give the same bytes.",
        "",
        "Load the folders in the order of their names and close after each month:",
        "",
    ]
    for folder in summary.folders:
        month = next(m for m in range(calendar.months) if folder.startswith(calendar.label(m)))
        lines.append(f"  tandem run {folder} --through {calendar.first_days[month + 1]}")
    lines += [
        "",
        "A folder named -late has what comes only after that month's close. A month's folder goes",
        "up to midnight of the next first in the westernmost time zone, so a few calls of the next",
        "month's first hours are in it.",
        "",
        "Files (rows; of these duplicates, refused)",
        "------------------------------------------",
        "",
    ]
    width = max(len(file.path) for file in summary.files)
    for file in summary.files:
        counts = f"{file.rows:>9} {file.duplicates:>6} {file.rejected:>6}"
        lines.append(f"  {file.path:<{width}} {counts}")
    lines += ["", "Households to look at", "---------------------", ""]
    for name, story in summary.stories.items():
        lines.append(f"  {' and '.join(story.account_ids)} ({name})")
        lines += [f"    {line}" for line in wrap(story.what, 92)]
    if summary.trouble:
        lines += ["", "Trouble put in, by feed and kind", "--------------------------------", ""]
        lines += [f"  {kind:<44} {count:>7}" for kind, count in summary.trouble.items()]
    if summary.exceptions:
        lines += ["", "Exceptions that come of it, by type", "-" * 35, ""]
        lines += [f"  {kind:<44} {count:>7}" for kind, count in summary.exceptions.items()]
        lines += ["", "Whose orders and lines they are", "-" * 31, ""]
        for kind, accounts in summary.cases.items():
            told = ", ".join(accounts[:_NAMED]) + (", ..." if len(accounts) > _NAMED else "")
            lines.append(f"  {kind:<44} {told}")
    return "\n".join(lines) + "\n"
