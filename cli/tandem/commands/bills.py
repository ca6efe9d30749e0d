"""bills render, bills show."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from tandem import console, rendering, settings
from tandem.bills import render_json, show
from tandem.commands.options import JsonOption, parse_date
from tandem.database import connect
from tandem.errors import Refused

bills = typer.Typer(no_args_is_help=True, help="Bills as files, or in the terminal.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(bills, name="bills")


@bills.command()
def render(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the files.")],
    cycle_end: Annotated[
        date | None,
        typer.Option(
            "--cycle-end",
            parser=parse_date,
            metavar="D",
            help="Only bills of cycles that end on this day.",
        ),
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="A", help="Only bills of this account.")
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", metavar="F", help="html, pdf and json, with commas.")
    ] = "html,pdf,json",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; by default one a core.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write bills as files; those that are there already stay as they are.

    Example: [bold]tandem bills render --cycle-end 2026-07-01 --out bills/june[/]
    """
    wanted = rendering.parse_formats(formats)
    with (
        connect(settings.load(), "bills render") as connection,
        console.progress("Rendering") as advance,
    ):
        paths = rendering.render(
            connection,
            out,
            wanted,
            cycle_end=cycle_end,
            accounts=[account] if account is not None else None,
            workers=workers,
            on_bill=advance,
        )
    if as_json:
        console.print_json(paths)
    elif not paths:
        raise Refused("There are no such bills.")
    else:
        console.say(f"Rendered {len(paths):,} files to {out}.")


@bills.command(name="show")
def show_bill(
    bill_id: Annotated[str, typer.Argument(help="Such as A000123-20260701.")],
    as_json: JsonOption = False,
) -> None:
    """Show one bill in the terminal.

    Example: [bold]tandem bills show A000001-20260701[/]
    """
    with connect(settings.load(), "bills show") as connection:
        found = rendering.document(connection, bill_id)
    if as_json:
        typer.echo(render_json(found), nl=False)
    else:
        show(found, console.out)
