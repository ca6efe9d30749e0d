"""settlement, journal, unbilled."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from tandem import console, exporting, queries, settings
from tandem.commands.options import JsonOption
from tandem.database import connect

_CENT = Decimal("0.01")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(settlement)
    app.command()(journal)
    app.command()(unbilled)


def settlement(
    close_id: Annotated[
        int | None, typer.Option("--close", metavar="N", help="Only this close.")
    ] = None,
    carrier: Annotated[
        str | None, typer.Option("--carrier", metavar="ID", help="Only this carrier.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="F", help="Write .csv or .json instead of showing."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the settlement statements: what each carrier earned, and what the biller owes it.

    Example: [bold]tandem settlement --close 1[/]
    """
    with connect(settings.load(), "settlement") as connection:
        rows = queries.settlement(connection, close_id, carrier)
    if out is not None:
        exporting.write_rows(rows, out)
        console.say(f"Wrote {len(rows)} statements to {out}.")
    elif as_json:
        console.print_json(rows)
    else:
        console.print_table(
            rows,
            [
                "close_id",
                "carrier_id",
                "bills",
                "fixed_amount",
                "remainder_amount",
                "usage_amount",
                "total_amount",
                "collected_by",
                "net_payable_amount",
            ],
            empty="Nothing has been closed yet.",
        )


def journal(
    close_id: Annotated[
        int | None, typer.Option("--close", metavar="N", help="Only this close.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="F", help="Write the entries, as .csv, .json or .parquet."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what closes posted: the trial balance, and the roll-forward of deferred revenue.

    Example: [bold]tandem journal --close 2[/]
    """
    with connect(settings.load(), "journal") as connection:
        balance = queries.trial_balance(connection, close_id)
        forward = queries.deferred_roll_forward(connection, close_id)
        if out is not None:
            chosen = exporting.format_of(out)
            with exporting.gathered(connection, queries.journal_entries(close_id)) as table:
                written = exporting.write_table(
                    connection, table, out, chosen, order_by=("close_id", "entry_id")
                )
    if out is not None:
        console.say(f"Wrote {written:,} entries to {out}.")
    elif as_json:
        console.print_json({"trial_balance": balance, "deferred_revenue": forward})
    else:
        console.print_table(balance, title="Trial balance", empty="Nothing has been posted yet.")
        if forward:
            console.out.print()
            console.print_table(
                forward,
                title="Deferred revenue: opening + deferred - recognised - breakage = closing",
            )


def unbilled(
    account: Annotated[str, typer.Argument(help="Such as A000123.")],
    detail: Annotated[bool, typer.Option("--detail", help="Record by record.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what an account has used and is not billed, and what it has left.

    Example: [bold]tandem unbilled A000001 --detail[/]
    """
    with connect(settings.load(), "unbilled") as connection:
        rows = (
            queries.unbilled_detail(connection, account)
            if detail
            else queries.unbilled_summary(connection, account)
        )
    if as_json:
        console.print_json(rows)
    elif detail:
        console.print_table(
            rows,
            [
                "local_date",
                "local_time",
                "service_number",
                "other_number",
                "service",
                "duration_units",
                "category",
                "source",
                "charge_amount",
            ],
            empty=f"{account} has no unbilled usage.",
        )
    else:
        show_unbilled(account, rows)


def show_unbilled(account: str, rows: list[dict[str, Any]]) -> None:
    """What an account used and has left, cycle by cycle."""
    if not rows:
        console.say(f"{account} has no unbilled usage and no plan.")
        return
    for start in dict.fromkeys(row["cycle_start"] for row in rows):
        of_cycle = [row for row in rows if row["cycle_start"] == start]
        console.out.print(
            f"[bold]{account}[/], cycle from {start} to before {of_cycle[0]['cycle_end']}, as of"
            f" {of_cycle[0]['as_of']:%Y-%m-%d %H:%M} UTC"
        )
        pools = [row for row in of_cycle if row["pool_id"] != "none"]
        console.print_table(
            [
                {
                    "pool": row["pool_id"],
                    "in": f"{row['unit_type']}s",
                    "allowance": _units(row["allowance_units"]),
                    "used": _units(row["plan_used_units"]),
                    "left": _units(row["plan_remaining_units"]),
                    "rollover_used": _units(row["rollover_used_units"]),
                    "rollover_left": _units(row["rollover_available_units"]),
                    "expires_with_cycle": _units(row["rollover_expiring_units"]),
                    "no_charge": _units(
                        row["night_weekend_units"]
                        + row["mobile_to_mobile_units"]
                        + row["other_no_charge_units"]
                    ),
                    "overage": _units(row["overage_units"]),
                    "amount": row["overage_amount"].quantize(_CENT),
                }
                for row in pools
            ],
            empty="No pools.",
        )
        for row in of_cycle:
            if row["pool_id"] == "none":
                console.out.print(f"Outside pools, metered: {row['metered_amount']:,.2f}")
        console.out.print()


def _units(value: Any) -> Any:
    return value.quantize(_CENT) if value is not None else None
