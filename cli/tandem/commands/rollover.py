"""rollover show, report, history, archive, adjust, request."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from tandem import console, settings
from tandem.commands.options import JsonOption, parse_date, parse_instant
from tandem.console import many
from tandem.database import connect, exclusive
from tandem.feeds import ADJUSTMENT_ACTIONS
from tandem.rollover import adjusting, page, queries, reporting, requests
from tandem.rollover.figures import counted, places_of
from tandem.rollover.listing import show_history

LISTED = 50

rollover = typer.Typer(
    no_args_is_help=True, help="What accounts have rolled over, and adjustments of it."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(rollover, name="rollover")


def parse_units(text: str | Decimal) -> Decimal:
    """A quantity in units, as a decimal number."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise typer.BadParameter(f"{text} is not a number") from error
    if not value.is_finite():
        raise typer.BadParameter(f"{text} is not a number")
    return value


def parse_action(text: str) -> str:
    """One of the actions of the feed."""
    if text not in ADJUSTMENT_ACTIONS:
        raise typer.BadParameter(f"{text} is none of {', '.join(ADJUSTMENT_ACTIONS)}")
    return text


def parse_id(text: str) -> str:
    """An id that is not empty."""
    if not text.strip():
        raise typer.BadParameter("an id is not empty")
    return text


FormatOption = Annotated[
    str | None,
    typer.Option("--format", metavar="F", help="csv, parquet or json; by default by the name."),
]
OutOption = Annotated[Path, typer.Option("--out", metavar="F", help="File to write.")]


@rollover.command()
def show(
    account: Annotated[str, typer.Argument(help="Such as A000123.")],
    as_json: JsonOption = False,
) -> None:
    """Show what an account has rolled over, cycle by cycle and bucket by bucket.

    Example: [bold]tandem rollover show A000001[/]
    """
    with connect(settings.load(), "rollover show") as connection:
        position = queries.position(connection, account)
    if as_json:
        console.print_json(page.as_json(position))
    elif not position.pools:
        console.say(f"{account} has no rollover, and never had.")
    else:
        page.show(position, console.out)


@rollover.command()
def report(
    carrier: Annotated[str, typer.Option("--carrier", metavar="ID", help="Who is told.")],
    out: OutOption,
    format_name: FormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the rollover matrix of the accounts that a carrier shares.

    Carriers that share an account are told the same of it.

    Example: [bold]tandem rollover report --carrier wireless --out rollover.csv[/]
    """
    with (
        connect(settings.load(), "rollover report") as connection,
        console.progress("Writing") as advance,
    ):
        written = reporting.report(connection, carrier, out, format_name, advance)
    if as_json:
        console.print_json(
            {"carrier_id": carrier, "file": out, "rows": written.rows, "accounts": written.accounts}
        )
    else:
        console.say(
            f"Wrote {many(written.rows, 'row')} of {many(written.accounts, 'account')} for"
            f" {carrier} to {out}."
        )


@rollover.command()
def history(
    account: Annotated[str, typer.Argument(help="Such as A000123.")],
    first: Annotated[
        date | None,
        typer.Option("--from", parser=parse_date, metavar="D", help="From this local date on."),
    ] = None,
    last: Annotated[
        date | None,
        typer.Option("--to", parser=parse_date, metavar="D", help="To this local date, included."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the adjustments of an account: what was asked, what was applied, who and why.

    Example: [bold]tandem rollover history A000001 --from 2025-06-01 --to 2025-06-30[/]
    """
    with connect(settings.load(), "rollover history") as connection:
        found = queries.history(connection, account, first, last)
    if as_json:
        console.print_json(found.rows)
    elif not found.rows:
        console.say(
            f"{account} has no adjustment in these dates, and {found.total:,} in others."
            if found.total
            else f"{account} has no adjustment."
        )
    else:
        show_history(found.rows, console.out)
        console.say(
            f"{len(found.rows):,} of {many(found.total, 'adjustment')}; times are those of"
            f" {found.time_zone}."
        )


@rollover.command()
def archive(out: OutOption, format_name: FormatOption = None, as_json: JsonOption = False) -> None:
    """Write the balances that were archived; they stay in the archive.

    Example: [bold]tandem rollover archive --out archive.parquet[/]
    """
    with (
        connect(settings.load(), "rollover archive") as connection,
        console.progress("Writing") as advance,
    ):
        written = reporting.unload_archive(connection, out, format_name, advance)
    if as_json:
        console.print_json(written.__dict__)
    else:
        units = ", ".join(counted(units, name) for name, units in written.units.items())
        console.say(
            f"Wrote {many(written.rows, 'archived balance')} of"
            f" {many(written.accounts, 'account')} to {out}{f': {units}' if units else ''}."
        )


# a quantity below 0 is told so, and is no option
@rollover.command(context_settings={"ignore_unknown_options": True})
def adjust(
    account: Annotated[str, typer.Argument(help="Such as A000123.")],
    pool: Annotated[str, typer.Argument(help="A pool of the catalog, such as anytime.")],
    action: Annotated[
        str,
        typer.Argument(
            parser=parse_action, metavar="ACTION", help=f"One of {', '.join(ADJUSTMENT_ACTIONS)}."
        ),
    ],
    quantity: Annotated[
        Decimal,
        typer.Argument(
            parser=parse_units, metavar="QUANTITY", help="In units of the pool, such as minutes."
        ),
    ],
    reason: Annotated[
        str, typer.Option("--reason", metavar="C", help="A reason code of the catalog.")
    ],
    bucket_cycle: Annotated[
        date | None,
        typer.Option(
            "--bucket-cycle",
            parser=parse_date,
            metavar="D",
            help="Resale and extension: first day of the cycle in which the bucket was earned.",
        ),
    ] = None,
    cycles: Annotated[
        int | None,
        typer.Option(
            "--cycles", min=1, metavar="N", help="Extension: how many more cycles it lives."
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", parser=parse_id, metavar="USER", help="Who decided; by default who runs this."
        ),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            "--at",
            parser=parse_instant,
            metavar="T",
            help="When; by default now. It decides the cycle.",
        ),
    ] = None,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Anything.")] = None,
    adjustment_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            parser=parse_id,
            metavar="ID",
            help="Its id, so that it is recorded once only; by default by the time.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Record one adjustment: a credit, debit, resale or extension.

    Example: [bold]tandem rollover adjust A000001 anytime credit 30 --reason error_correction[/]
    """
    if bucket_cycle is not None and action not in adjusting.OF_A_BUCKET:
        raise typer.BadParameter("--bucket-cycle goes with resale and extension")
    if cycles is not None and action != "extension":
        raise typer.BadParameter("--cycles goes with extension")
    wanted = adjusting.Adjustment(
        account_id=account,
        pool_id=pool,
        action=action,
        quantity=quantity,
        reason_code=reason,
        bucket_cycle_start=bucket_cycle,
        extend_cycles=cycles,
        adjusted_by=by,
        adjusted_at=at,
        note=note,
        adjustment_id=adjustment_id,
    )
    with exclusive(settings.load(), "rollover adjust", console.say) as connection:
        recorded = adjusting.adjust(connection, wanted)
    if as_json:
        console.print_json(
            recorded.row | {"load_id": recorded.load_id, "warnings": recorded.warnings}
        )
        return
    console.say(describe_adjustment(recorded))
    for warning in recorded.warnings:
        console.say(warning)


@rollover.command()
def request(
    accounts: Annotated[
        list[str] | None, typer.Argument(help="Such as A000123; all if there is none.")
    ] = None,
    freeze: Annotated[
        str | None,
        typer.Option(
            "--freeze",
            parser=parse_id,
            metavar="ID",
            help="Keep these figures under an id; what is adjusted later counts in the next cycle.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="F", help="Write .csv, .json or .parquet, not the screen."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the balances that a billing system asks for before its bills.

    Example: [bold]tandem rollover request A000001 --freeze june-bills[/]
    """
    here = settings.load()
    limit = None if as_json else LISTED
    if freeze is None:
        with connect(here, "rollover request") as connection:
            told = requests.tell(connection, accounts or (), out=out, limit=limit)
    else:
        with exclusive(here, "rollover request", console.say) as connection:
            told = requests.tell(connection, accounts or (), freeze, out=out, limit=limit)
    if as_json:
        console.print_json(told.rows if out is None else {"file": out, "rows": told.total})
        return
    if told.frozen is not None:
        console.say(describe_freeze(told.frozen))
    if out is not None:
        console.say(f"Wrote {many(told.total, 'row')} to {out}.")
    else:
        _show_requests(told)


def describe_adjustment(recorded: adjusting.Recorded) -> str:
    """What was recorded, in a sentence or two."""
    row = recorded.row
    if recorded.load_id is None:
        return f"{row['adjustment_id']} was recorded before, the same; nothing changed."
    of_bucket = (
        f" of the bucket of {row['bucket_cycle_start']}" if row["bucket_cycle_start"] else ""
    )
    what = counted(Decimal(row["quantity"]), recorded.unit_type)
    if row["action"] == "extension":
        what = many(int(row["extend_cycles"]), "cycle")
    return (
        f"Recorded {row['adjustment_id']} (load {recorded.load_id}): {row['action']} of {what}"
        f"{of_bucket}, {row['pool_id']} of {row['account_id']}, {row['reason_code']}, by"
        f" {row['adjusted_by']}. It counts with the next build: run 'tandem build'."
    )


def describe_freeze(frozen: requests.Frozen) -> str:
    """What was frozen, in a sentence."""
    if not frozen.rows:
        if not frozen.kept:
            return f"There is nothing to freeze under {frozen.request_id}."
        return (
            f"{many(frozen.kept, 'figure')} frozen under {frozen.request_id} before, the same;"
            " nothing changed."
        )
    kept = f" ({frozen.kept:,} were before)" if frozen.kept else ""
    return (
        f"Froze {many(frozen.rows, 'figure')} under {frozen.request_id}{kept}: adjustments after"
        f" load {frozen.cutoff_load_id} count in the next cycle."
    )


def _show_requests(told: requests.Told) -> None:
    places = places_of(row[name] for row in told.rows for name in requests.FIGURES)
    console.print_table(
        [
            {
                "account": row["account_id"],
                "pool": row["pool_id"],
                "in": f"{row['unit_type']}s",
                "cycle_from": row["cycle_start"],
                "balance": _units(row["balance_units"], places),
                "expires_with_cycle": _units(row["expiring_units"], places),
                "adjusted_since": _units(row["adjusted_since_last_cycle_units"], places),
            }
            for row in told.rows
        ],
        empty="There is no rollover to tell of.",
    )
    if len(told.rows) < told.total:
        console.out.print(
            f"These are the first {len(told.rows):,} of {told.total:,}; --out writes all to a"
            " file, --json shows all."
        )


def _units(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
