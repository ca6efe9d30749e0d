"""exceptions, notifications, notices: what does not agree between carriers, and who is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from tandem import console, settings
from tandem.bills.format import clean
from tandem.commands import sending
from tandem.commands.options import JsonOption, parse_date
from tandem.commands.sending import NowOption
from tandem.console import many
from tandem.database import Connection, connect
from tandem.integrity import mailing, messages, queries
from tandem.integrity import notices as subscribers
from tandem.integrity.listing import limited, show_exceptions, show_messages
from tandem.integrity.mail import is_address
from tandem.integrity.words import KINDS, day, moment
from tandem.outbox.carrier_event import NOTIFICATIONS, PLATFORM_INSTRUCTIONS
from tandem.outbox.configuration import Configuration
from tandem.outbox.freshness import accounts_behind
from tandem.outbox.message import MAIL
from tandem.outbox.message import NOTIFICATION as NOTIFICATION_CHANNEL
from tandem.outbox.queueing import Queued
from tandem.queries import Row

LISTED = 50
UNREACHABLE = {
    subscribers.NO_ACCOUNT: "as the account is not known",
    subscribers.NOT_YET: "as the change is not made yet by this machine's clock",
}
MESSAGE_NOUNS = {"notification": "notification", "hold": "order to hold", "withdraw": "withdrawal"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(exceptions)
    app.command()(notifications)
    app.command()(notices)


def parse_kind(text: str) -> str:
    """One of the types of exceptions."""
    if text not in KINDS:
        raise typer.BadParameter(f"{text} is none of {', '.join(KINDS)}")
    return text


def parse_address(text: str) -> str:
    """One plain e-mail address."""
    if not is_address(text):
        raise typer.BadParameter(f"{text} is not an e-mail address")
    return text


LimitOption = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]


def exceptions(
    only_open: Annotated[
        bool, typer.Option("--open", help="Without those that are resolved.")
    ] = False,
    carrier: Annotated[
        str | None,
        typer.Option(
            "--carrier",
            metavar="ID",
            help="Only what concerns this carrier: its order or line, or its turn to act.",
        ),
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="A", help="Only of this account.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--type", parser=parse_kind, metavar="T", help=f"One of {', '.join(KINDS)}."),
    ] = None,
    limit: LimitOption = LISTED,
    as_json: JsonOption = False,
) -> None:
    """List what does not agree between carriers, the most urgent first, and who must act.

    Example: [bold]tandem exceptions --open --carrier wireline[/]
    """
    with connect(settings.load(), "exceptions") as connection:
        found = queries.exceptions(
            connection,
            only_open=only_open,
            carrier_id=carrier,
            account_id=account,
            kind=kind,
            limit=None if as_json else limit,
        )
    if as_json:
        console.print_json(found.rows)
    elif not found.rows:
        console.say("There is no such exception.")
    else:
        show_exceptions(found, console.out)
        _say_limit(len(found.rows), found.total)


def notifications(
    carrier: Annotated[
        str | None, typer.Option("--carrier", metavar="ID", help="Only those to this carrier.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="F", help="Write .csv, .jsonl, .json or .parquet, not the screen."
        ),
    ] = None,
    with_resolved: Annotated[
        bool, typer.Option("--all/--open", help="With those whose cause is gone, or without.")
    ] = False,
    send: Annotated[
        bool,
        typer.Option("--send", help="Send to the carriers by tandem.toml what they were not told."),
    ] = False,
    now: NowOption = False,
    limit: LimitOption = LISTED,
    as_json: JsonOption = False,
) -> None:
    """Tell carriers what they must mend, and platforms which orders to hold or withdraw.

    With --send also which to go on with, once all carriers have confirmed; ends with 1 if
    something that was due has not been delivered.

    Example: [bold]tandem notifications --carrier wireline --out wireline.csv[/]
    """
    _refuse_mixed(send=send, out=out, now=now)
    if send:
        if with_resolved:
            raise typer.BadParameter("--all does not go with --send")
        sending.send(
            "notifications --send",
            NOTIFICATION_CHANNEL,
            [NOTIFICATIONS, PLATFORM_INSTRUCTIONS],
            carrier=carrier,
            now=now,
            as_json=as_json,
        )
        return
    with (
        connect(settings.load(), "notifications") as connection,
        console.progress("Reading") as advance,
    ):
        told = messages.tell(
            connection,
            carrier_id=carrier,
            with_resolved=with_resolved,
            out=out,
            limit=None if as_json else limit,
            on_rows=advance,
        )
    if as_json:
        console.print_json(
            told.rows if out is None else {"file": out, "rows": told.total, "carriers": told.counts}
        )
    elif out is not None:
        console.say(f"Wrote {many(told.total, 'message')} to {out}{_by_carrier(told)}.")
    elif not told.rows:
        console.say("There is nothing to tell.")
    else:
        show_messages(
            [row for row in told.rows if row["message_type"] == messages.NOTIFICATION],
            [row for row in told.rows if row["message_type"] != messages.NOTIFICATION],
            console.out,
        )
        _say_limit(len(told.rows), told.total)


def notices(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write a message of each to this folder, once."),
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="A", help="Only of this account.")
    ] = None,
    since: Annotated[
        date | None,
        typer.Option(
            "--since",
            parser=parse_date,
            metavar="D",
            help="Only changes that all carriers had made on this local date or later.",
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--from",
            parser=parse_address,
            metavar="ADDRESS",
            envvar="TANDEM_NOTICES_FROM",
            help="Who sends them; by default an address that cannot be answered.",
        ),
    ] = None,
    contact: Annotated[
        str | None,
        typer.Option(
            "--contact",
            metavar="TEXT",
            envvar="TANDEM_NOTICES_CONTACT",
            help="Where subscribers can ask, such as a telephone number.",
        ),
    ] = None,
    send: Annotated[
        bool,
        typer.Option("--send", help="Send them by the mail server of tandem.toml, each once."),
    ] = False,
    now: NowOption = False,
    limit: LimitOption = LISTED,
    as_json: JsonOption = False,
) -> None:
    """Tell subscribers of changes that all their carriers have made, one message for each.

    The first --send needs --since, later ones go by the earliest that was given; ends with 1 if
    something that was due has not been delivered.

    Example: [bold]tandem notices --since 2026-06-14 --out notices[/]
    """
    _refuse_mixed(send=send, out=out, now=now)
    if send:
        _send_notices(account, since, address, contact, limit, now=now, as_json=as_json)
        return
    with connect(settings.load(), "notices") as connection:
        changes = subscribers.notices(connection, account_id=account, since=since)
        by = subscribers.sender(connection, address, contact)
        behind = set(accounts_behind(connection)) if out is not None else set()
    rows = changes.told
    if out is None:
        if as_json:
            console.print_json(
                [row | {"why_not": subscribers.why_unreachable(row)} for row in rows]
            )
        else:
            _show_notices(rows[:limit])
            _say_limit(min(limit, len(rows)), len(rows))
            _say_overtaken(changes.overtaken)
        return
    with console.progress("Writing") as advance:
        current = [row for row in rows if row["account_id"] not in behind]
        written = subscribers.write(current, out, by, advance)
    if as_json:
        console.print_json(
            {
                "folder": out,
                "written": written.files,
                "kept": written.kept,
                "unreachable": written.unreachable,
                "behind": len(behind),
            }
        )
        return
    if written.unreachable:
        _show_notices(written.unreachable[:limit])
        _say_limit(min(limit, len(written.unreachable)), len(written.unreachable))
    console.say(describe_written(written, out))
    _say_overtaken(changes.overtaken)
    if behind:
        console.say(sending.waits_for_build(len(behind)))


def _refuse_mixed(*, send: bool, out: Path | None, now: bool) -> None:
    if send and out is not None:
        raise typer.BadParameter("--out and --send do not go together")
    if now and not send:
        raise typer.BadParameter("--now goes with --send")


def _send_notices(
    account: str | None,
    since: date | None,
    address: str | None,
    contact: str | None,
    limit: int,
    *,
    now: bool,
    as_json: bool,
) -> None:
    unreachable: list[Row] = []
    overtaken: list[int] = []

    def queue(connection: Connection, places: Configuration) -> list[Queued]:
        done = mailing.queue(
            connection,
            places,
            account_id=account,
            since=since,
            address=address,
            contact=contact,
        )
        unreachable.extend(done.unreachable)
        overtaken.append(done.overtaken)
        return [done.queued]

    sent = sending.deliver("notices --send", MAIL, [mailing.NOTICES], queue, now=now)
    if unreachable and not as_json:
        _show_notices(unreachable[:limit])
        _say_limit(min(limit, len(unreachable)), len(unreachable))
        for count, why in describe_unreachable(unreachable):
            console.say(f"{many(count, 'notice')} {why}.")
    if not as_json:
        _say_overtaken(sum(overtaken))
    sending.report(sent, as_json=as_json, more={"unreachable": unreachable})


def describe_written(written: subscribers.Written, out: Path) -> str:
    """What became of notices, in a sentence."""
    before = f" ({written.kept:,} had been written before)" if written.kept else ""
    left = describe_unreachable(written.unreachable)
    without = "".join(f"; {count:,} {why}" for count, why in left)
    return f"Wrote {many(len(written.files), 'notice')} to {out}{before}{without}."


def describe_unreachable(rows: Sequence[Row]) -> list[tuple[int, str]]:
    """How many notices cannot be sent, and why, by reason."""
    found = Counter(UNREACHABLE.get(row["why"], "for want of an e-mail address") for row in rows)
    return [(count, f"cannot be sent, {reason}") for reason, count in found.items()]


def _say_overtaken(changes: int) -> None:
    if changes:
        console.say(
            f"{many(changes, 'change')} more never took effect: a later one, or the end of the"
            " account, came first. Nobody is told."
        )


def _show_notices(rows: list[Row]) -> None:
    console.print_table(
        [
            {
                "account": clean(row["account_id"]),
                "change": row["action"],
                "plan": clean(row["plan_name"] or row["plan_id"]),
                "counts_from": day(row["takes_effect_on"]),
                "made_everywhere": moment(row["fulfilled_at"]),
                "to": subscribers.why_unreachable(row) or row["email"],
            }
            for row in rows
        ],
        empty="There is no such notice.",
    )


def _by_carrier(told: messages.Messages) -> str:
    parts = [
        f"for {carrier_id} "
        + ", ".join(
            f"{count:,} {name if count == 1 else _plural(name)}"
            for name, count in (
                (MESSAGE_NOUNS.get(kind, kind), count) for kind, count in types.items()
            )
        )
        for carrier_id, types in told.counts.items()
    ]
    return f": {'; '.join(parts)}" if parts else ""


def _plural(noun: str) -> str:
    return "orders to hold" if noun == "order to hold" else f"{noun}s"


def _say_limit(shown: int, total: int) -> None:
    sentence = limited(shown, total)
    if sentence is not None:
        console.say(sentence)
