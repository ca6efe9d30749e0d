"""The main job on the sample town: three months of two carriers, two of them closed."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tandem import closing, initialising, rendering, running
from tandem.closing import CloseResult
from tandem.database import OWNER, Connection, connect, exclusive
from tandem.errors import Refused
from tandem.loading import LoadResult
from tandem.settings import Settings

ACCOUNTS = 200
MONTHS = 3
SEED = 7
FIRST_MONTH = date(2025, 6, 1)
CALLS_PER_DAY = 8.0

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
        seconds: how long it took.
    """

    folder: Path
    loads: list[LoadResult] = field(default_factory=list)
    closes: list[CloseResult] = field(default_factory=list)
    bills: list[Path] = field(default_factory=list)
    stories: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def run(settings: Settings, step: Step, on_wait: Callable[[str], None]) -> Demonstration:
    """Generate, load, build, close, render. What was done before is not done again.

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
            _refuse_other_data(connection, town)
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
        with step("Building the open month") as advance:
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


def _refuse_other_data(connection: Connection, town: Path) -> None:
    if connection.execute("select to_regclass('raw.loads')").fetchone() == (None,):
        return
    own_files = [path.name for path in town.glob("*/*")]
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


def _next_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
