"""What commands that send messages have in common: queue, deliver, tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from tandem import console, queries, settings
from tandem.console import many
from tandem.database import Connection, connect, exclusive, work_as_owner
from tandem.errors import ExitCode
from tandem.outbox import configuration, dispatching, listing, queueing
from tandem.outbox.endpoints import open_endpoints
from tandem.outbox.freshness import Unfinished
from tandem.outbox.message import MAIL, NOTIFICATION, ORDERING
from tandem.queries import Row

SUMMARY = ("to", "accepted", "refused", "given_up", "not_delivered", "waiting", "unsettled")
NAMED = 5  # unsettled messages of a place, in sentences
# what the file has to have for a channel
_NEEDED = {
    ORDERING: "ordering_url for {}",
    NOTIFICATION: "notification_url for {}",
    MAIL: "[smtp]",
}

CarrierOption = Annotated[
    str | None, typer.Option("--carrier", metavar="ID", help="Only what goes to this carrier.")
]
NowOption = Annotated[
    bool, typer.Option("--now", help="Also what failed before and is to be tried later only.")
]


@dataclass(frozen=True)
class Sent:
    """What a run did.

    Attributes:
        queued: of all sources.
        delivered: by place.
        summary: of what it did and left, by place that has anything.
        unfinished: why nothing could be queued, where nothing could.
        channel: ordering, notification or mail.
        file: name of the file that says where to.
    """

    queued: queueing.Queued
    delivered: Sequence[dispatching.Delivered]
    summary: Sequence[dict[str, Any]]
    channel: str
    file: str
    unfinished: str | None = None


def send(
    purpose: str,
    channel: str,
    sources: Sequence[queueing.Source],
    *,
    carrier: str | None = None,
    now: bool = False,
    as_json: bool = False,
) -> None:
    """Queue what the marts say and deliver all of a channel that is due; print what was done.

    Args:
        purpose: the command, told to others who wait.
        channel: ordering, notification or mail.
        sources: of the channel.
        carrier: deliver only to this one; queued are all.
        now: deliver also what is to be tried at a later time only.
        as_json: print JSON.

    Raises:
        Exit: something that was due has not been delivered.
        Refused: no such carrier, or the file is wrong.
    """

    def queue(connection: Connection, _: configuration.Configuration) -> list[queueing.Queued]:
        queries.refuse_unknown_carrier(connection, carrier)
        return [queueing.enqueue(connection, source) for source in sources]

    report(deliver(purpose, channel, sources, queue, carrier=carrier, now=now), as_json=as_json)


def deliver(
    purpose: str,
    channel: str,
    wanted: Sequence[queueing.Wanted],
    queue: Callable[[Connection, configuration.Configuration], Sequence[queueing.Queued]],
    *,
    carrier: str | None = None,
    now: bool = False,
) -> Sent:
    """Queue, and deliver all of a channel that is due.

    What is queued already is delivered though nothing can be queued for want of a whole build.

    Args:
        purpose: the command, told to others who wait.
        channel: ordering, notification or mail.
        wanted: what of the refused and given up there is still reason to send.
        queue: does the queueing; called with the lock held.
        carrier: deliver only to this one.
        now: deliver also what is to be tried at a later time only.

    Raises:
        Refused: the file is wrong, or ``queue`` refuses.
    """
    here = settings.load()
    places = configuration.load(here)
    queued: Sequence[queueing.Queued] = []
    unfinished = None
    with exclusive(here, purpose, console.say) as connection:
        try:
            queued = queue(connection, places)
        except Unfinished as error:
            unfinished = str(error)
    # from here on nobody waits for us
    with (
        connect(here, purpose, autocommit=True) as connection,
        open_endpoints(places, channel, carrier) as endpoints,
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
        left = [
            row
            for row in queueing.unsettled(connection, wanted)
            if carrier in (None, row["carrier_id"])
        ]
        summary = summarise(connection, delivered, channel, carrier, left)
    return Sent(_add_up(queued), delivered, summary, channel, places.path.name, unfinished)


def report(sent: Sent, *, as_json: bool, more: Mapping[str, Any] | None = None) -> None:
    """Print what a run did.

    Args:
        sent: what it did.
        as_json: print JSON.
        more: what else belongs into the JSON.

    Raises:
        Exit: something that was due has not been delivered, or nothing could be queued.
    """
    if as_json:
        console.print_json(
            {"queued": sent.queued.__dict__, "sent": sent.summary} | dict(more or {})
        )
    else:
        console.say(describe_queued(sent.queued))
        console.print_table(
            [{name: row[name] for name in SUMMARY} for row in sent.summary],
            empty="There is nothing to send.",
        )
        for sentence in remarks(sent.delivered, sent.summary, sent.channel, sent.file):
            console.say(sentence)
    if sent.unfinished is not None:
        console.say(f"Nothing could be queued. {sent.unfinished}")
    if sent.unfinished is not None or any(done.failed for done in sent.delivered):
        raise typer.Exit(ExitCode.REFUSED)


def summarise(
    connection: Connection,
    delivered: Sequence[dispatching.Delivered],
    channel: str,
    carrier: str | None,
    left: Sequence[Row] = (),
) -> list[dict[str, Any]]:
    """What a run did and left, one row per place that has anything.

    ``unsettled`` counts the rows of ``left``, ``unsettled_messages`` has them.
    """
    waiting = listing.waiting(connection, channel, carrier)
    by_carrier = {done.endpoint.carrier_id or "": done for done in delivered}
    unsettled: dict[str, list[Row]] = {}
    for row in left:
        unsettled.setdefault(row["carrier_id"] or "", []).append(row)
    rows = []
    for name in sorted({*waiting, *by_carrier, *unsettled}):
        done = by_carrier.get(name)
        rows.append(
            {
                "to": name or channel,
                "has_endpoint": done is not None,
                "accepted": done.accepted if done else 0,
                "refused": done.refused if done else 0,
                "given_up": done.given_up if done else 0,
                "not_delivered": done.postponed if done else 0,
                "elsewhere": done.elsewhere if done else 0,
                "waiting": waiting.get(name, 0),
                "unsettled": len(unsettled.get(name, ())),
                "unsettled_messages": unsettled.get(name, []),
                "stopped": done.stopped if done else None,
                "errors": done.errors if done else {},
            }
        )
    return rows


def describe_queued(queued: queueing.Queued) -> str:
    """What was queued, in a sentence."""
    sentence = f"Queued {many(queued.added, 'message')}"
    if queued.renewed:
        sentence += f", renewed {queued.renewed:,}"
    if queued.cancelled:
        sentence += f", cancelled {queued.cancelled:,} whose reason is gone"
    sentence += "."
    if queued.behind:
        sentence += f" {waits_for_build(queued.behind)}"
    return sentence


def waits_for_build(accounts: int) -> str:
    """That accounts were left alone, in a sentence."""
    return (
        f"{many(accounts, 'account')} {'waits' if accounts == 1 else 'wait'} for 'tandem build':"
        " more was loaded than the last one knows of."
    )


def remarks(
    delivered: Sequence[dispatching.Delivered],
    summary: Sequence[dict[str, Any]],
    channel: str,
    file: str,
) -> list[str]:
    """What an operator should know besides the figures, a sentence each."""
    told = []
    for done in delivered:
        name = done.endpoint.name
        if done.stopped:
            told.append(f"{name}: {done.stopped}; the rest waits for the next run.")
        else:
            told += [
                f"{name}, message {key[: listing.SHOWN_OF_ID]}: {error}."
                for key, error in done.errors.items()
            ]
        if done.elsewhere:
            told.append(
                f"{name}: another dispatch is delivering the messages of"
                f" {many(done.elsewhere, 'account')}."
            )
    told += [
        f"{file} has no {_NEEDED[channel].format(row['to'])}: its messages wait."
        for row in summary
        if not row["has_endpoint"] and row["waiting"]
    ]
    met = {key for done in delivered for key in done.errors}
    for row in summary:
        before = [one for one in row["unsettled_messages"] if one["message_id"] not in met]
        told += [
            f"{row['to']}, message {one['message_id'][: listing.SHOWN_OF_ID]} (account"
            f" {one['account_id']}): {one['state'].replace('_', ' ')} before"
            f" ({one['last_error']})."
            for one in before[:NAMED]
        ]
        if len(before) > NAMED:
            told.append(f"{row['to']}: {len(before) - NAMED:,} more were refused or given up.")
    if any(row["unsettled"] for row in summary) or any(
        done.refused or done.given_up for done in delivered
    ):
        told.append(
            "'tandem orders outbox' lists what was said; 'tandem orders retry' sends again."
        )
    return told


def _add_up(queued: Sequence[queueing.Queued]) -> queueing.Queued:
    return queueing.Queued(
        sum(one.added for one in queued),
        sum(one.renewed for one in queued),
        sum(one.cancelled for one in queued),
        max((one.behind for one in queued), default=0),
    )
