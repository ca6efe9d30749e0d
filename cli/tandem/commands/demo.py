"""demo: the main job, told to somebody who sees it for the first time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from textwrap import wrap

import typer
from rich.rule import Rule
from rich.text import Text

from tandem import console, demonstration, queries, rendering, settings, tokens
from tandem.bills import show
from tandem.bills.format import clean
from tandem.commands.reports import show_unbilled
from tandem.commands.tokens import entering_link
from tandem.commands.warehouse import describe_close
from tandem.database import Connection, connect
from tandem.demonstration import Demonstration
from tandem.integrity import queries as integrity
from tandem.integrity.words import INSTRUCTIONS, KINDS, moment
from tandem.rollover import page
from tandem.rollover.queries import position
from tandem.tokens import Role

ROLLOVER_STORY = "rollover"  # everything happens to its units that can
UNBILLED_STORY = "overage"  # runs through allowance and rollover into overage
LINK_HOLDS = timedelta(days=1)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo() -> None:
    """The main job on a made-up town: load, close two months, render bills, settle, mend an order.

    Example: [bold]tandem demo[/]
    """
    here = settings.load()
    done = demonstration.run(here, _step, console.say)
    account = done.stories[UNBILLED_STORY]
    eventful = done.stories.get(ROLLOVER_STORY, account)  # a town of an earlier demo lacks it
    with connect(here, "demo") as connection:
        bill_id = queries.instructive_bill(connection)
        _heading("What was loaded, and what was refused")
        _show_loads(done)
        console.print_table(
            queries.reject_counts(connection),
            title="Refused rows, by reason",
            empty="No row was refused.",
        )
        console.out.print()
        console.print_table(
            queries.suspense(connection),
            ["carrier_id", "reason", "records"],
            title="Accepted, but waiting for something (tried again at every build)",
            empty="Nothing is suspended.",
        )
        _heading("The closes")
        for close in done.closes:
            console.out.print(describe_close(close))
        _heading(f"One bill: {bill_id}")
        show(rendering.document(connection, bill_id), console.out)
        _heading("The settlement between the carriers, by close")
        console.print_table(
            queries.settlement(connection),
            [
                "close_id",
                "carrier_id",
                "bills",
                "fixed_amount",
                "remainder_amount",
                "usage_amount",
                "total_amount",
                "net_payable_amount",
            ],
        )
        _heading("What the closes posted, in all")
        console.print_table(queries.trial_balance(connection))
        _heading(f"The rollover of {eventful}: taken over, adjusted, sold again, expired, archived")
        page.show(position(connection, eventful), console.out)
        _heading(f"Not billed yet: {account} in the open month")
        show_unbilled(account, queries.unbilled_summary(connection, account))
        if done.message is not None and done.notice is not None and done.page is not None:
            _heading("Two carriers, one plan: an order that only one of them had")
            _show_order(connection, done.message, demonstration.message_file(done))
            _tell(
                "The subscriber is told once, not by each carrier:",
                f"tandem notices --account {done.message['account_id']}",
                f"Subject: {done.page.subject}",
                *wrap(done.page.sentence, 90),
                f"({_near(done.notice)})",
            )
    _heading("The bills")
    _show_bills(done, account)
    _heading("What to try next")
    _show_next(account, eventful, bill_id)
    _heading("The portal")
    _show_portal(eventful, tokens.secret(here))
    console.say(f"Done in {done.seconds:.0f} seconds.")


@contextmanager
def _step(name: str) -> Iterator[Callable[[str, int, int], None]]:
    console.say(f"{name} ...")
    with console.progress(name) as advance:
        yield advance


def _heading(text: str) -> None:
    console.out.print()
    console.out.print(Rule(f"[bold]{text}[/]", align="left"))


def _show_loads(done: Demonstration) -> None:
    counted = [load for load in done.loads if not load.skipped]
    skipped = len(done.loads) - len(counted)
    if skipped:
        console.out.print(f"{skipped} files had been loaded before and were skipped.")
    if counted:
        totals: Counter[str] = Counter()
        for load in counted:
            totals["files"] += 1
            totals["rows"] += load.read
            totals["accepted"] += load.accepted
            totals["duplicate"] += load.duplicate
            totals["rejected"] += load.rejected
        console.print_table([dict(totals)])


def _show_order(connection: Connection, message: dict[str, str], sent: Path) -> None:
    """An order at one carrier, until the other has made it too, with the commands to see it by."""
    account, order_id = message["account_id"], message["counterpart_order_id"]
    found = integrity.exceptions(connection, account_id=account)
    row = next(row for row in found.rows if row["order_id"] == order_id)
    first, other = clean(row["carrier_id"]), clean(row["notify_carrier_id"])
    kind = KINDS[row["exception_type"]]
    wanted = ("order_id", "action", "plan_id", "effective_on", "counterpart_order_id")
    what = f"{message['action']} {message['plan_id']}, effective {message['effective_on']}"
    resolved = row["resolved_at"] is not None
    _tell(
        f"{account} orders at {first} only: {what}, order {order_id}.",
        f"tandem orders show {account}",
    )
    _tell(
        f"{moment(row['opened_at'])}, 24 hours later: an exception, {kind.title.lower()}.",
        f"tandem exceptions --account {account}",
        f"to {other}: {kind.request}",
        f"to {first}: {INSTRUCTIONS['hold']}",
    )
    _tell(
        f"The order is passed through, as a message for {other}'s platform:",
        f"tandem orders pass-through --carrier {other} --out {other}.csv",
        ", ".join(f"{name} {clean(message[name])}" for name in wanted[:3]),
        ", ".join(f"{name} {clean(message[name])}" for name in wanted[3:]),
        f"({_near(sent)})",
    )
    _tell(
        f"{moment(row['resolved_at'])}, {other} has carried it out: the carriers agree, and the"
        " exception is resolved."
        if resolved
        else f"{other} has not carried it out yet.",
        f"tandem exceptions --account {account}",
    )


def _tell(sentence: str, command: str, *details: str) -> None:
    """A step: what happened, what it says, and the command that shows it."""
    console.out.print(Text(sentence), soft_wrap=True)
    for detail in details:
        console.out.print(Text(f"    {detail}"), soft_wrap=True)
    console.out.print(Text(f"  {command}", style="bold"), soft_wrap=True)


def _show_bills(done: Demonstration, account: str) -> None:
    folder = done.folder / "bills"
    console.out.print(f"{len(done.bills):,} files in {_near(folder)}; for example")
    for path in done.bills:
        if account in path.name and path.suffix in (".html", ".pdf"):
            console.out.print(f"  {_near(path)}")


def _show_next(account: str, eventful: str, bill_id: str) -> None:
    for command, purpose in (
        (f"tandem bills show {bill_id}", "a bill in the terminal"),
        (f"tandem unbilled {account} --detail", "what was used since, call by call"),
        (f"tandem rollover history {eventful}", "adjustments of its units, and what they did"),
        ("tandem rollover report --carrier wireless --out r.csv", "what a carrier is told of them"),
        ("tandem exceptions --open", "what the carriers do not agree on, and who must act"),
        ("tandem journal", "trial balance, and deferred revenue from close to close"),
        ("tandem close --through 2025-09-01 --dry-run", "the review before the third close"),
        ("tandem rejects --limit 5", "refused rows, with their text"),
        ("tandem check", "the invariants, on this database"),
        ("tandem export settlement_lines --format csv --out lines.csv", "any mart as a file"),
        ('psql "$(tandem url)"', "the marts in SQL, such as billing.bills"),
    ):
        console.out.print(f"  [bold]{command}[/]\n      {purpose}")


def _show_portal(account: str, key: str) -> None:
    """How a subscriber sees his account: the command, and the link that lets him in."""
    made = tokens.issue_token(key, Role.SUBSCRIBER, account, LINK_HOLDS)
    console.out.print(
        f"{account}'s page, and everybody else's with a link of their own ([bold]tandem token[/]):"
    )
    console.out.print("  [bold]tandem serve[/]\n      then open, within a day,")
    console.out.print(entering_link(made), style="bold", soft_wrap=True, highlight=False)


def _near(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
