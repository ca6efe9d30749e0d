"""orders show, orders pass-through."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tandem import console, settings
from tandem.commands.options import JsonOption
from tandem.database import connect
from tandem.integrity import orders as reading
from tandem.integrity import orders_page, passing
from tandem.integrity.words import many

orders = typer.Typer(
    no_args_is_help=True, help="Orders at all carriers, and those that are held back."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(orders, name="orders")


@orders.command()
def show(
    account: Annotated[str, typer.Argument(help="Such as A000123.")],
    as_json: JsonOption = False,
) -> None:
    """Show the orders of an account, carriers side by side, and why one is held back.

    Example: [bold]tandem orders show A000001[/]
    """
    with connect(settings.load(), "orders show") as connection:
        found = reading.of_account(connection, account)
    if as_json:
        console.print_json(reading.as_json(found))
    elif not found.changes:
        console.say(f"{account} has no order.")
    else:
        orders_page.show(found, console.out)


@orders.command(name="pass-through")
def pass_through(
    out: Annotated[
        Path,
        typer.Option("--out", metavar="F", help="File to write: .csv, .jsonl or .parquet."),
    ],
    carrier: Annotated[
        str | None,
        typer.Option("--carrier", metavar="ID", help="Only orders that this carrier is to make."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write orders that wait for a counterpart, as a file the other carrier's platform can load.

    A file for all carriers has one column more, that says for which.

    Example: [bold]tandem orders pass-through --carrier wireline --out orders.csv[/]
    """
    with (
        connect(settings.load(), "orders pass-through") as connection,
        console.progress("Writing") as advance,
    ):
        passed = passing.pass_through(connection, out, carrier_id=carrier, on_rows=advance)
    if as_json:
        console.print_json({"file": out, "rows": passed.rows, "carriers": passed.counts})
    else:
        console.say(describe_passed(passed))
        if carrier is None and len(passed.counts) > 1:
            console.say(
                "It is for several carriers: split it by to_carrier_id before it is loaded, or"
                " write one each with --carrier."
            )


def describe_passed(passed: passing.Passed) -> str:
    """How many orders of which action were written for whom, in a sentence."""
    told = []
    for carrier_id, counts in passed.counts.items():
        actions = ", ".join(f"{count:,} {action}" for action, count in counts.items())
        told.append(f"for {carrier_id} {actions}")
    for_whom = f": {'; '.join(told)}" if told else ""
    return f"Wrote {many(passed.rows, 'order')} to {passed.file}{for_whom}."
