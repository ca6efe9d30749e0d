"""init, generate, load, loads, rejects, suspense: getting data in, and what became of them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from tandem import console, initialising, queries, settings
from tandem.commands.options import JsonOption, parse_date, parse_instant, parse_percent
from tandem.database import connect, exclusive
from tandem.errors import ExitCode, Refused, TandemError
from tandem.feeds import FEEDS
from tandem.loading import LoadResult, load_file

LISTED = 50


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(init)
    app.command()(generate)
    app.command()(load)
    app.command()(loads)
    app.command()(rejects)
    app.command()(suspense)


def init() -> None:
    """Make schemas, tables and roles, and load the catalog; safe to repeat.

    Example: [bold]tandem init[/]
    """
    here = settings.load()
    with exclusive(here, "init", console.say) as connection:
        seeds = initialising.initialise(here, connection)
    console.say(f"The database is ready, with {seeds} seeds in the catalog.")


def generate(
    out: Annotated[Path, typer.Option("--out", help="Folder to write; must not exist yet.")],
    accounts: Annotated[int, typer.Option("--accounts", min=1, help="How many accounts.")] = 300,
    months: Annotated[int, typer.Option("--months", min=1, help="How many months.")] = 3,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same files.")] = 1,
    first_month: Annotated[
        date,
        typer.Option("--first-month", parser=parse_date, metavar="DATE", help="A day in it."),
    ] = date(2026, 6, 1),
    calls_per_day: Annotated[
        float, typer.Option("--calls-per-day", min=0.01, help="CDRs per account and day.")
    ] = 12.0,
    clean: Annotated[bool, typer.Option("--clean", help="Without malformed or late rows.")] = False,
    format_name: Annotated[
        str, typer.Option("--format", help="csv, jsonl or parquet, for the CDR files.")
    ] = "csv",
) -> None:
    """Write sample feeds: a small town with two carriers, in folders by month.

    Example: [bold]tandem generate --accounts 300 --months 3 --seed 1 --out town[/]
    """
    from tandem.generate import Town  # noqa: PLC0415  (numpy takes a while to import)
    from tandem.generate import generate as write  # noqa: PLC0415

    try:
        town = Town(
            accounts=accounts,
            months=months,
            seed=seed,
            first_month=first_month.replace(day=1),
            calls_per_account_per_day=calls_per_day,
            trouble=not clean,
            format=format_name,  # type: ignore[arg-type]
        )
        with console.progress("Generating") as advance:
            summary = write(town, out, advance)
    except (ValueError, FileExistsError) as error:
        raise Refused(f"{error}.") from error
    console.say(
        f"Wrote {summary.cdrs:,} call records and {summary.accounts:,} accounts in"
        f" {len(summary.files)} files to {out}; {out / 'README.txt'} says what is in there."
    )


def load(
    feed: Annotated[str, typer.Argument(help=f"One of {', '.join(FEEDS)}.")],
    files: Annotated[list[Path], typer.Argument(help="Files to load, one transaction each.")],
    carrier: Annotated[
        str | None, typer.Option("--carrier", metavar="ID", help="Whose records they are.")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            parser=parse_instant,
            metavar="T",
            help="For which instant a batch of subscribers is complete.",
        ),
    ] = None,
    max_rejects: Annotated[
        Decimal,
        typer.Option(
            "--max-rejects",
            parser=parse_percent,
            metavar="N%",
            help="Refuse a file of which more rows are rejected.",
        ),
    ] = Decimal(10),
    format_name: Annotated[
        str | None,
        typer.Option("--format", metavar="F", help="csv, jsonl or parquet, if the name hides it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Load files of one feed.

    Example: [bold]tandem load cdrs june/*.csv.gz --carrier wireless[/]
    """
    if feed not in FEEDS:
        raise typer.BadParameter(f"{feed} is no feed; there are {', '.join(FEEDS)}.")
    here = settings.load()
    results: list[LoadResult] = []
    refused: list[str] = []
    with exclusive(here, f"load {feed}", console.say) as connection:
        for path in files:
            try:
                with console.progress(f"Loading {path.name}") as advance:
                    result = load_file(
                        connection,
                        FEEDS[feed],
                        path,
                        carrier_id=carrier,
                        as_of=as_of,
                        format_name=format_name,
                        max_rejects=max_rejects,
                        on_rows=lambda rows, advance=advance: advance(f"{rows:,} rows", 0, 0),  # type: ignore[misc]
                    )
            except TandemError as error:
                refused.append(str(error))
                console.say(str(error))
                continue
            results.append(result)
            if not as_json:
                console.say(describe(result))
    if as_json:
        console.print_json([result.__dict__ for result in results])
    if refused:
        raise typer.Exit(ExitCode.REFUSED)


def describe(result: LoadResult) -> str:
    """What became of a file, in a sentence."""
    if result.skipped:
        return f"{result.file}: was loaded before (load {result.load_id}); skipped."
    text = (
        f"{result.file}: load {result.load_id}, {result.read:,} rows: {result.accepted:,} accepted,"
        f" {result.duplicate:,} duplicate, {result.rejected:,} rejected"
    )
    if result.reasons:
        text += " (" + ", ".join(f"{n} {code}" for code, n in result.reasons.items()) + ")"
    if result.unknown_columns:
        text += f"; unknown columns ignored: {', '.join(result.unknown_columns)}"
    return text + "."


def loads(
    limit: Annotated[int, typer.Option("--limit", min=1, help="Only the latest so many.")] = LISTED,
    as_json: JsonOption = False,
) -> None:
    """List what was loaded.

    Example: [bold]tandem loads --limit 10[/]
    """
    with connect(settings.load(), "loads") as connection:
        rows = queries.loads(connection, None if as_json else limit)
        total = len(rows) if as_json else queries.count_loads(connection)
    if as_json:
        console.print_json(rows)
    else:
        console.print_table(
            rows,
            [
                "load_id",
                "feed",
                "carrier_id",
                "file_name",
                "rows_read",
                "accepted",
                "duplicate",
                "rejected",
            ],
            empty="Nothing has been loaded yet.",
        )
        _tell_of_more("latest", len(rows), total)


def rejects(
    load_id: Annotated[
        int | None, typer.Option("--load", metavar="N", help="Only those of this load.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = LISTED,
    as_json: JsonOption = False,
) -> None:
    """List rows that could not be used, and why.

    Example: [bold]tandem rejects --load 7[/]
    """
    with connect(settings.load(), "rejects") as connection:
        rows = queries.rejects(connection, load_id, None if as_json else limit)
        total = len(rows) if as_json else queries.count_rejects(connection, load_id)
    if as_json:
        console.print_json(rows)
    else:
        for row in rows:
            row["raw_text"] = _shortened(row["raw_text"])
        console.print_table(
            rows,
            ["load_id", "row_number", "reason_code", "reason", "raw_text"],
            empty="No row was rejected.",
        )
        _tell_of_more("first", len(rows), total)


def suspense(
    records: Annotated[bool, typer.Option("--records", help="Record by record.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = LISTED,
    as_json: JsonOption = False,
) -> None:
    """Show records that cannot be rated yet; every build tries them again.

    Example: [bold]tandem suspense --records[/]
    """
    with connect(settings.load(), "suspense") as connection:
        rows = (
            queries.suspended_records(connection, None if as_json else limit)
            if records
            else queries.suspense(connection)
        )
        total = queries.count_suspended(connection) if records and not as_json else len(rows)
    if as_json:
        console.print_json(rows)
    elif records:
        console.print_table(
            rows,
            [
                "carrier_id",
                "cdr_id",
                "service_number",
                "started_at",
                "service",
                "quantity",
                "reason",
            ],
            empty="Nothing is suspended.",
        )
        _tell_of_more("first", len(rows), total)
    else:
        console.print_table(rows, empty="Nothing is suspended.")


def _tell_of_more(which: str, shown: int, total: int) -> None:
    if shown < total:
        console.out.print(
            f"These are the {which} {shown:,} of {total:,}; --limit {total} shows all, --json too."
        )


def _shortened(text: str | None) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= 60 else line[:57] + "..."
