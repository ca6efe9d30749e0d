"""build, close, run, check, export: the warehouse."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tandem import building, checking, closing, console, exporting, rendering, running, settings
from tandem.commands.options import AsOfOption, JsonOption, ThroughOption
from tandem.database import connect, exclusive
from tandem.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(build)
    app.command()(close)
    app.command()(run)
    app.command()(check)
    app.command()(export)


def build(
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Make everything anew from the raw records.")
    ] = False,
    select: Annotated[
        list[str] | None,
        typer.Option("--select", metavar="NODES", help="Only these, in dbt's words."),
    ] = None,
    as_of: AsOfOption = None,
) -> None:
    """Build the models and run the tests that guard them.

    Example: [bold]tandem build[/]
    """
    here = settings.load()
    with (
        exclusive(here, "build", console.say) as connection,
        console.progress("Building") as advance,
    ):
        if select:
            run = building.build(
                here,
                connection,
                request=building.RunRequest(as_of=as_of),
                full_refresh=full_refresh,
                select=select,
                on_node=advance,
            )
            ended = closing.CloseResult(None)
        else:
            run, ended = closing.build(
                here, connection, as_of=as_of, full_refresh=full_refresh, on_node=advance
            )
    console.say(f"Built: {run.done} models, seeds and tests.")
    if ended.close_id is not None:
        console.say(
            f"Close {ended.close_id}: {ended.cycles:,} cycles of {ended.accounts:,} accounts that"
            " another billing system reported."
        )


def close(
    through: ThroughOption,
    bill_cycle_day: Annotated[
        int | None,
        typer.Option(
            "--bill-cycle-day",
            min=1,
            max=28,
            metavar="D",
            help="Only accounts with this bill cycle day.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="The pre-bill review: work everything out, issue nothing."),
    ] = False,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
) -> None:
    """End billing cycles for good: bills, rollover, settlement and journal.

    Example: [bold]tandem close --through 2026-07-01 --dry-run[/]
    """
    here = settings.load()
    with exclusive(here, "close", console.say) as connection:  # noqa: SIM117
        with console.progress("Closing") as advance:
            if dry_run:
                closing.prepare(
                    here, connection, through, bill_cycle_day, as_of=as_of, on_node=advance
                )
                review = closing.review(connection)
            else:
                result = closing.close(
                    here, connection, through, bill_cycle_day, as_of=as_of, on_node=advance
                )
    if dry_run:
        _show_review(review, as_json)
    elif as_json:
        console.print_json(result.__dict__)
    else:
        console.say(describe_close(result))


def describe_close(result: closing.CloseResult) -> str:
    """What a close did, in a sentence."""
    if result.close_id is None:
        return "There is nothing to close."
    return (
        f"Close {result.close_id}: {result.cycles:,} cycles of {result.accounts:,} accounts,"
        f" {result.records:,} records on {result.bills:,} bills, in all"
        f" {result.total:,.2f} {result.currency}."
    )


def _show_review(review: closing.Review, as_json: bool) -> None:
    if as_json:
        console.print_json(
            review.__dict__ | {"outliers": [outlier.__dict__ for outlier in review.outliers]}
        )
        return
    if not review.accounts:
        console.say("There is nothing to close.")
        return
    console.out.print(
        f"[bold]Would close[/] {review.cycles:,} cycles of {review.accounts:,} accounts and issue"
        f" {review.bills:,} bills, in all {review.total:,.2f} {review.currency}."
        " Nothing was issued."
    )
    console.out.print()
    console.print_table(
        [{"section": name, "amount": amount} for name, amount in review.sections.items()],
        title="On the bills",
        empty="No bills.",
    )
    console.out.print()
    console.print_table(
        [{"carrier": name, "earns": amount} for name, amount in review.carriers],
        title="Settlement before tax",
        empty="Nothing to settle.",
    )
    for title, rows in (
        ("To look at", [outlier.__dict__ for outlier in review.outliers]),
        (
            "Suspended, not on these bills",
            [{"reason": name, "records": count} for name, count in review.suspended],
        ),
        (
            "Orders not in sync, whose plans do not bill",
            [{"status": name, "orders": count} for name, count in review.waiting_orders],
        ),
    ):
        if rows:
            console.out.print()
            console.print_table(rows[:20], title=title)
            if len(rows) > 20:
                console.out.print(f"and {len(rows) - 20} more (--json shows all)")


def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with feed files.")],
    through: ThroughOption,
    out: Annotated[Path, typer.Option("--out", help="Where the bills go.")] = Path("bills"),
    formats: Annotated[
        str, typer.Option("--format", metavar="F", help="html, pdf and json, with commas.")
    ] = "html,pdf,json",
    as_json: JsonOption = False,
) -> None:
    """A whole billing cycle: load every file of a folder, build, close, render.

    Example: [bold]tandem run june --through 2026-07-01 --out bills/june[/]
    """
    here = settings.load()
    wanted = rendering.parse_formats(formats)
    with exclusive(here, "run", console.say) as connection:
        with console.progress("Loading") as advance:
            loaded = running.load_folder(connection, folder, advance)
        with console.progress("Closing") as advance:
            result = closing.close(here, connection, through, on_node=advance)
    counted = [file for file in loaded if not file.skipped]
    if not as_json:
        console.say(
            f"Loaded {len(counted)} of {len(loaded)} files: {sum(f.read for f in counted):,} rows,"
            f" {sum(f.accepted for f in counted):,} accepted,"
            f" {sum(f.duplicate for f in counted):,} duplicate,"
            f" {sum(f.rejected for f in counted):,} rejected."
        )
        console.say(describe_close(result))
    with connect(here, "render") as connection, console.progress("Rendering") as advance:
        # also what an earlier, interrupted run has closed and not rendered
        paths = rendering.render(
            connection, out, wanted, cycle_end_through=through, on_bill=advance
        )
    if as_json:
        console.print_json(
            {
                "loads": [file.__dict__ for file in loaded],
                "close": result.__dict__,
                "bills": paths,
            }
        )
    else:
        console.say(f"Rendered {len(paths):,} files to {out}.")


def check(
    everything: Annotated[
        bool, typer.Option("--all", help="Also every key and reference of the history.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the invariants on the present database; exit code 1 if any fails.

    Example: [bold]tandem check[/]
    """
    here = settings.load()
    with (
        exclusive(here, "check", console.say) as connection,
        console.progress("Checking") as advance,
    ):
        results = checking.check(here, connection, advance, everything=everything)
    if as_json:
        console.print_json([result.__dict__ for result in results])
    else:
        shown = [
            {
                "": "pass" if result.passed else "FAIL",
                "invariant": result.invariant,
                "what it proves": result.description,
                "found": result.message,
            }
            for result in results
        ]
        names = ["", "invariant", "what it proves"]
        if any(not result.passed for result in results):
            names.append("found")
        console.print_table(
            shown,
            names,
            empty="There is nothing to check.",
        )
        counts = Counter(result.passed for result in results)
        console.say(f"{counts[True]} passed, {counts[False]} failed.")
    if not all(result.passed for result in results):
        raise typer.Exit(ExitCode.REFUSED)


def export(
    mart: Annotated[str, typer.Argument(help="A mart, such as billing.bills or bills.")],
    out: Annotated[Path, typer.Option("--out", metavar="F", help="File to write.")],
    format_name: Annotated[
        str | None,
        typer.Option("--format", metavar="F", help="csv, parquet or json; by default by the name."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a mart to a file.

    Example: [bold]tandem export billing.bill_lines --format parquet --out lines.parquet[/]
    """
    here = settings.load()
    started = datetime.now().astimezone()
    with connect(here, "export") as connection, console.progress("Exporting") as advance:
        rows = exporting.export(connection, mart, out, format_name, advance)
    if as_json:
        console.print_json({"mart": mart, "file": out, "rows": rows, "at": started})
    else:
        console.say(f"Wrote {rows:,} rows of {mart} to {out}.")
