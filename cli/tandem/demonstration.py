"""The main job on the sample town: three months of two carriers, two of them closed."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from tandem import closing, initialising, rendering, running
from tandem.bills.files import file_name, write_atomically
from tandem.closing import CloseResult
from tandem.database import OWNER, Connection, connect, exclusive
from tandem.errors import Refused
from tandem.feeds import FEEDS
from tandem.integrity import notices, passing
from tandem.integrity.mail import Page, page_of
from tandem.loading import LoadResult, load_file
from tandem.settings import Settings

ACCOUNTS = 200
MONTHS = 3
SEED = 7
FIRST_MONTH = date(2025, 6, 1)
CALLS_PER_DAY = 8.0

PASSED_STORY = "passed_through"  # an order that its other carrier knows nothing of
OTHER_CARRIER = "wireline"
#: How long after it was asked for that carrier carries the order out, once it was told.
ANSWER_TAKES = timedelta(hours=29, minutes=24)

Advance = Callable[[str, int, int], None]
Step = Callable[[str], AbstractContextManager[Advance]]


@dataclass
class Demonstration:
    """What the demo did.

    Attributes:
        folder: where town and bills are.
        loads: what became of each file.
        closes: the two closes, or nothing where they had been made before.
        bills: rendered files.
        stories: account by story, those worth looking at.
        message: the order that was passed through to the other carrier; None: nothing was.
        notice: what the subscriber was told when both had made the change, as a file.
        page: the same in words.
        seconds: how long it took.
    """

    folder: Path
    loads: list[LoadResult] = field(default_factory=list)
    closes: list[CloseResult] = field(default_factory=list)
    bills: list[Path] = field(default_factory=list)
    stories: dict[str, str] = field(default_factory=dict)
    message: dict[str, str] | None = None
    notice: Path | None = None
    page: Page | None = None
    seconds: float = 0.0


def run(settings: Settings, step: Step, on_wait: Callable[[str], None]) -> Demonstration:
    """Generate, load, build, close, mend an order, render. What was done is not done again.

    Args:
        settings: project and database.
        step: opens a step with a name and yields how to tell its progress.
        on_wait: told who holds the lock, if somebody does.

    Raises:
        Refused: the database holds other data.
    """
    begun = time.monotonic()
    demo = Demonstration(settings.home / "demo")
    town = demo.folder / "town"
    demo.stories = _generate(town, step)
    with exclusive(settings, "demo", on_wait) as connection:
        with step("Setting up the database") as _:
            _refuse_other_data(connection, town, _answer_file(demo))
            initialising.initialise(settings, connection)
            connection.execute(f"set role {OWNER}")
        folders = sorted(path for path in town.iterdir() if path.is_dir())
        months = [folder for folder in folders if not folder.name.endswith("-late")]
        for number, month in enumerate(months):
            late = (
                months[number - 1].with_name(months[number - 1].name + "-late") if number else None
            )
            for folder in filter(None, (late, month)):
                if folder.is_dir():
                    with step(f"Loading {folder.name}") as advance:
                        demo.loads += running.load_folder(connection, folder, advance)
            if number < MONTHS - 1:
                through = _next_month(date.fromisoformat(f"{month.name}-01"))
                with step(f"Closing cycles through {through}") as advance:
                    demo.closes.append(
                        closing.close(settings, connection, through, on_node=advance)
                    )
        if not _answer_file(demo).exists():
            with step("Building the open month") as advance:
                closing.build(settings, connection, on_node=advance)
            with step("Passing orders through to the other carrier") as advance:
                _pass_through(connection, demo, advance)
        with step("Building with the other carrier's answer") as advance:
            _take_answer(connection, demo)
            closing.build(settings, connection, on_node=advance)
    with connect(settings, "demo") as connection:
        _render(connection, demo, step)
    demo.seconds = time.monotonic() - begun
    return demo


def _generate(town: Path, step: Step) -> dict[str, str]:
    """Write the town unless it is there; returns the account of each story."""
    stories = town.with_name("stories.json")
    if not (town.exists() and stories.exists()):
        from tandem.generate import Town, generate  # noqa: PLC0415  (numpy takes a while)

        town.parent.mkdir(parents=True, exist_ok=True)
        if town.exists():
            shutil.rmtree(town)
        with step("Generating a town") as advance:
            summary = generate(
                Town(
                    accounts=ACCOUNTS,
                    months=MONTHS,
                    seed=SEED,
                    first_month=FIRST_MONTH,
                    calls_per_account_per_day=CALLS_PER_DAY,
                ),
                town,
                advance,
            )
        stories.write_text(
            json.dumps({name: story.account_ids[0] for name, story in summary.stories.items()})
        )
    return dict(json.loads(stories.read_text()))


def message_file(demo: Demonstration) -> Path:
    """Orders for the other carrier, as they were passed through."""
    return demo.folder / "orders" / f"for-{OTHER_CARRIER}.csv"


def _answer_file(demo: Demonstration) -> Path:
    return demo.folder / "orders" / f"orders.{OTHER_CARRIER}.answer.csv"


def _pass_through(connection: Connection, demo: Demonstration, advance: Advance) -> None:
    """Write what the other carrier lacks, and what its platform makes of one of these orders."""
    file = message_file(demo)
    file.parent.mkdir(exist_ok=True)
    passing.pass_through(connection, file, carrier_id=OTHER_CARRIER, on_rows=advance)
    message = _message(demo)
    if message is None:
        return
    done_at = datetime.fromisoformat(message["requested_at"]) + ANSWER_TAKES
    answer = message | {"status": "completed", "status_at": done_at.isoformat()}
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(answer), lineterminator="\n")
    writer.writeheader()
    writer.writerow(answer)
    write_atomically(_answer_file(demo), text.getvalue().encode())


def _message(demo: Demonstration) -> dict[str, str] | None:
    """The order of the story among those that were passed through."""
    with message_file(demo).open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["account_id"] == _passed(demo)]
    return rows[0] if rows else None


def _passed(demo: Demonstration) -> str | None:
    return demo.stories.get(PASSED_STORY)  # a town of an earlier demo lacks it


def _take_answer(connection: Connection, demo: Demonstration) -> None:
    answer = _answer_file(demo)
    if answer.exists():
        demo.message = _message(demo)
        demo.loads.append(load_file(connection, FEEDS["orders"], answer, carrier_id=OTHER_CARRIER))


def _refuse_other_data(connection: Connection, town: Path, answer: Path) -> None:
    if connection.execute("select to_regclass('raw.loads')").fetchone() == (None,):
        return
    own_files = [answer.name, *(path.name for path in town.glob("*/*"))]
    row = connection.execute(
        "select 1 from raw.loads where file_name <> all (%s) limit 1", (own_files,)
    ).fetchone()
    if row is not None:
        raise Refused(
            "This database holds other data than the demo's; set TANDEM_HOME to another folder, or"
            " TANDEM_DATABASE_URL to an empty database."
        )


def _render(connection: Connection, demo: Demonstration, step: Step) -> None:
    bills = demo.folder / "bills"
    with step("Rendering bills (HTML and JSON)") as advance:
        demo.bills += rendering.render(connection, bills, ("html", "json"), on_bill=advance)
    with step("Rendering bills (PDF, of some accounts)") as advance:
        demo.bills += rendering.render(
            connection, bills, ("pdf",), accounts=list(demo.stories.values()), on_bill=advance
        )
    if demo.message is not None:
        told = notices.notices(connection, account_id=_passed(demo)).told
        folder, by = demo.folder / "notices", notices.sender(connection)
        notices.write(told, folder, by)
        # the newest is of the change
        demo.page = page_of(notices.notice_of(told[-1]), by)
        demo.notice = folder / file_name(told[-1]["notice_id"], "eml")


def _next_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
