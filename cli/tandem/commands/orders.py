"""orders dispatch, outbox, retry."""

from __future__ import annotations

from typing import Annotated

import typer

from tandem import console, settings
from tandem.commands import sending
from tandem.commands.options import JsonOption
from tandem.commands.sending import CarrierOption, NowOption
from tandem.database import connect, work_as_owner
from tandem.outbox import listing, queueing
from tandem.outbox.message import ORDERING, State

LISTED = 50

orders = typer.Typer(no_args_is_help=True, help="Orders that one carrier has and the other lacks.")


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
        console.say(f"Queued {sending.many(len(rows), 'message')} again; the next dispatch sends.")
    else:
        console.say("There is no such message; nothing was changed.")
