"""orders dispatch, outbox, retry."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tandem import console, queries, settings
from tandem.commands.options import JsonOption
from tandem.database import Connection, connect, exclusive, work_as_owner
from tandem.errors import ExitCode
from tandem.outbox import configuration, dispatching, listing, queueing
from tandem.outbox.endpoints import open_endpoints
from tandem.outbox.message import ORDERING, State

LISTED = 50

orders = typer.Typer(no_args_is_help=True, help="Orders that one carrier has and the other lacks.")

CarrierOption = Annotated[
    str | None, typer.Option("--carrier", metavar="ID", help="Only what goes to this carrier.")
]


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
    carrier: CarrierOption = None,
    now: Annotated[
        bool,
        typer.Option("--now", help="Also what failed before and is to be tried later only."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send carriers the orders that they lack, as calls to their ordering platforms.

    What is missing since the last build is queued, then all that is due is sent, again and again
    where it has to be; where to is in tandem.toml. Ends with 1 if something that was due has not
    been delivered.

    Example: [bold]tandem orders dispatch --carrier wireline[/]
    """
    here = settings.load()
    places = configuration.load(here)
    with exclusive(here, "orders dispatch", console.say) as connection:
        queries.refuse_unknown_carrier(connection, carrier)
        queued = queueing.enqueue(connection, queueing.PASS_THROUGH)
    # from here on nobody waits for us
    with (
        connect(here, "orders dispatch", autocommit=True) as connection,
        open_endpoints(places, ORDERING, carrier) as endpoints,
        console.progress("Sending") as advance,
    ):
        work_as_owner(connection)
        delivered = dispatching.dispatch(
            connection,
            endpoints,
            places.policy,
            also_later=now,
            on_message=lambda done, of: advance("", done, of),
        )
        summary = summarise(connection, delivered, ORDERING, carrier)
    if as_json:
        console.print_json({"queued": queued.__dict__, "carriers": summary})
    else:
        console.say(describe_queued(queued))
        console.print_table(
            [{name: row[name] for name in SUMMARY} for row in summary],
            empty="There is nothing to send.",
        )
        for sentence in remarks(delivered, summary, places.path.name):
            console.say(sentence)
    if any(done.failed for done in delivered):
        raise typer.Exit(ExitCode.REFUSED)


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
        console.say(f"Queued {_many(len(rows), 'message')} again; the next dispatch sends.")
    else:
        console.say("There is no such message; nothing was changed.")


SUMMARY = ("carrier", "accepted", "refused", "given_up", "not_delivered", "waiting")


def summarise(
    connection: Connection,
    delivered: list[dispatching.Delivered],
    channel: str,
    carrier: str | None,
) -> list[dict[str, Any]]:
    """What a run did and left, one row per carrier that has anything."""
    waiting = listing.waiting(connection, channel, carrier)
    by_carrier = {done.endpoint.carrier_id or "": done for done in delivered}
    rows = []
    for name in sorted({*waiting, *by_carrier}):
        done = by_carrier.get(name)
        rows.append(
            {
                "carrier": name,
                "has_endpoint": done is not None,
                "accepted": done.accepted if done else 0,
                "refused": done.refused if done else 0,
                "given_up": done.given_up if done else 0,
                "not_delivered": done.postponed if done else 0,
                "elsewhere": done.elsewhere if done else 0,
                "waiting": waiting.get(name, 0),
                "stopped": done.stopped if done else None,
                "errors": done.errors if done else {},
            }
        )
    return rows


def describe_queued(queued: queueing.Queued) -> str:
    """What was queued, in a sentence."""
    sentence = f"Queued {_many(queued.added, 'message')}"
    if queued.renewed:
        sentence += f", renewed {queued.renewed:,}"
    if queued.cancelled:
        sentence += f", cancelled {queued.cancelled:,} whose reason is gone"
    return sentence + "."


def remarks(
    delivered: list[dispatching.Delivered], summary: list[dict[str, Any]], file: str
) -> list[str]:
    """What an operator should know besides the figures, a sentence each."""
    told = []
    for done in delivered:
        if done.stopped:
            told.append(f"{done.endpoint.name}: {done.stopped}; the rest waits for the next run.")
        else:
            told += [
                f"{done.endpoint.name}, message {key[: listing.SHOWN_OF_ID]}: {error}."
                for key, error in done.errors.items()
            ]
        if done.elsewhere:
            told.append(
                f"{done.endpoint.name}: another dispatch is delivering the messages of"
                f" {_many(done.elsewhere, 'account')}."
            )
    told += [
        f"{file} has no ordering_url for {row['carrier']}: its messages wait."
        for row in summary
        if not row["has_endpoint"] and row["waiting"]
    ]
    if any(done.refused or done.given_up for done in delivered):
        told.append(
            "'tandem orders outbox' lists what was said; 'tandem orders retry' sends again."
        )
    return told


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
