"""orders show, pass-through, dispatch, outbox, retry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tandem import console, settings
from tandem.commands import sending
from tandem.commands.options import JsonOption
from tandem.commands.sending import CarrierOption, NowOption
from tandem.console import many
from tandem.database import connect, work_as_owner
from tandem.integrity import orders as reading
from tandem.integrity import orders_page, passing
from tandem.outbox import listing, queueing
from tandem.outbox.message import ORDERING, State

LISTED = 50

orders = typer.Typer(
    no_args_is_help=True,
    help="Orders at all carriers, those that are held back, and messages to the carriers.",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(orders, name="orders")


def parse_state(text: str) -> State:
    """A state of a message, with a hyphen or an underscore in it."""
    try:
        return State(text.replace("-", "_"))
    except ValueError as error:
        raise typer.BadParameter(f"{text} is none of {', '.join(State)}") from error


def parse_final_state(text: str) -> State:
    """A state from which a message can be queued again."""
    state = parse_state(text)
    if state not in (State.REFUSED, State.GIVEN_UP):
        raise typer.BadParameter(f"{text} is neither refused nor given_up")
    return state


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
        console.print_json(
            {
                "file": out,
                "rows": passed.rows,
                "carriers": passed.counts,
                "behind": passed.behind,
            }
        )
    else:
        console.say(describe_passed(passed))
        if passed.behind:
            console.say(sending.waits_for_build(passed.behind))
        if carrier is None and len(passed.counts) > 1:
            console.say(
                "It is for several carriers: split it by to_carrier_id before it is loaded, or"
                " write one each with --carrier."
            )


@orders.command()
def dispatch(
    carrier: CarrierOption = None, now: NowOption = False, as_json: JsonOption = False
) -> None:
    """Send carriers the orders that they lack, as calls to their ordering platforms.

    What is missing since the last build is queued, then all that is due is sent, again and again
    where it has to be; where to is in tandem.toml. Ends with 1 if something that was due has not
    been delivered.

    Example: [bold]tandem orders dispatch --carrier wireline[/]
    """
    sending.send(
        "orders dispatch",
        ORDERING,
        [queueing.PASS_THROUGH],
        carrier=carrier,
        now=now,
        as_json=as_json,
    )


@orders.command()
def outbox(
    state: Annotated[
        State | None,
        typer.Option(
            "--state", parser=parse_state, metavar="S", help=f"One of {', '.join(State)}."
        ),
    ] = None,
    carrier: CarrierOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="How many.")] = LISTED,
    as_json: JsonOption = False,
) -> None:
    """List the messages to carriers and what became of them, the latest first.

    Example: [bold]tandem orders outbox --state refused[/]
    """
    with connect(settings.load(), "orders outbox") as connection:
        rows = listing.messages(connection, state, carrier, limit)
        total = listing.count_messages(connection, state, carrier)
    if as_json:
        console.print_json(rows)
    elif not rows:
        console.say("There is no such message.")
    else:
        listing.show_messages(rows, console.out)
        if len(rows) < total:
            console.say(f"These are the latest {len(rows):,} of {total:,}; --limit shows more.")


@orders.command()
def retry(
    messages: Annotated[
        list[str] | None,
        typer.Argument(help="Messages, by the beginnings of their ids."),
    ] = None,
    state: Annotated[
        State | None,
        typer.Option(
            "--state",
            parser=parse_final_state,
            metavar="S",
            help="All that are refused, or all that are given_up.",
        ),
    ] = None,
    carrier: CarrierOption = None,
    as_json: JsonOption = False,
) -> None:
    """Queue again what was refused or given up, under the same ids.

    Example: [bold]tandem orders retry 5f2b7c01a9d3[/]
    """
    if not messages and state is None:
        raise typer.BadParameter("name messages, or a state with --state")
    with connect(settings.load(), "orders retry", autocommit=True) as connection:
        work_as_owner(connection)
        rows = queueing.queue_again(connection, messages or (), state, carrier)
    if as_json:
        console.print_json(rows)
    elif rows:
        console.say(f"Queued {many(len(rows), 'message')} again; the next dispatch sends.")
    else:
        console.say("There is no such message; nothing was changed.")


def describe_passed(passed: passing.Passed) -> str:
    """How many orders of which action were written for whom, in a sentence."""
    told = []
    for carrier_id, counts in passed.counts.items():
        actions = ", ".join(f"{count:,} {action}" for action, count in counts.items())
        told.append(f"for {carrier_id} {actions}")
    for_whom = f": {'; '.join(told)}" if told else ""
    return f"Wrote {many(passed.rows, 'order')} to {passed.file}{for_whom}."
