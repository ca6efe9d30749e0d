"""The orders of an account in a terminal, carriers side by side, 100 columns wide.

Names are printed as they are: no console markup in them is obeyed.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tandem.bills.format import clean, phone
from tandem.console import many
from tandem.feeds import PLAN_ACTIONS
from tandem.integrity.orders import GRACE, IN_SYNC, AccountOrders, Change
from tandem.integrity.words import INSTRUCTIONS, day, moment, refusal
from tandem.queries import Row

WIDTH = 100
BAD_STATUSES = ("failed", "withdrawn")


def show(found: AccountOrders, console: Console) -> None:
    """Print the orders of an account to `console`, at most 100 columns wide."""
    for part in _parts(found):
        console.print(part, width=min(console.width, WIDTH))


def _parts(found: AccountOrders) -> Iterator[RenderableType]:
    account = found.account
    yield Text.assemble(
        (f"Account {clean(account['account_id'])}", "bold"),
        f"  {clean(account['holder_name'])}".rstrip(),
        (f"  as of {moment(found.as_of)} UTC", "dim"),
    )
    for change in found.changes:
        yield Text()
        yield Text(_title(change), style="bold underline")
        yield Padding(_side_by_side(change, found.carriers), (0, 0, 0, 2))
        for sentence, is_good in _verdict(change, found):
            yield Padding(Text(sentence, style="" if is_good else "bold red"), (0, 0, 0, 2))
        keys = {(order["carrier_id"], order["order_id"]) for order in change.orders}
        for row in found.instructions:
            if (row["carrier_id"], row["order_id"]) in keys:
                yield Padding(Text(_instruction(row, found)), (0, 0, 0, 2))
    if found.open_exceptions:
        yield Text()
        yield Text(
            f"{many(found.open_exceptions, 'open exception')}: tandem exceptions --open --account"
            f" {clean(account['account_id'])}"
        )


def _title(change: Change) -> str:
    wanted = dict.fromkeys(_what(order) for order in change.orders)
    return " / ".join(wanted)


def _what(order: Row) -> str:
    words = [clean(order["action"]), clean(order["plan_id"])]
    if order["service_number"] is not None:
        words.append(phone(order["service_number"]))
    return " ".join(word for word in words if word)


def _side_by_side(change: Change, carriers: dict[str, str]) -> Table:
    """A column per carrier that has an order or ought to."""
    of_carrier: dict[str, list[Row]] = {order["carrier_id"]: [] for order in change.orders}
    for row in change.syncs:
        of_carrier.setdefault(row["counterpart_carrier_id"], [])
    for order in change.orders:
        of_carrier[order["carrier_id"]].append(order)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    for carrier_id in of_carrier:
        table.add_column(_name(carrier_id, carriers), overflow="fold")
    table.add_row(*(_cell(change, orders) for orders in of_carrier.values()))
    return table


def _cell(change: Change, orders: list[Row]) -> Text:
    if not orders:
        return Text("no order", style="bold red")
    text = Text()
    for order in orders:
        if text:
            text.append("\n")
        text.append(clean(order["order_id"]))
        if len({_what(other) for other in change.orders}) > 1:
            text.append(f"\n{_what(order)}")
        text.append(f"\neffective {day(order['effective_on'])}")
        for told in order["statuses"]:
            bad = told["status"] in BAD_STATUSES
            text.append(
                f"\n{told['status']} {moment(told['status_at'])}", style="red" if bad else ""
            )
    return text


def _verdict(change: Change, found: AccountOrders) -> Iterator[tuple[str, bool]]:
    """Whether the change counts, and if not, what it waits for; True with what is well."""
    completed = [order for order in change.orders if order["status"] == "completed"]
    if not change.syncs:
        if not completed:
            yield "Not completed: it does not count.", False
        elif completed[0]["action"] in PLAN_ACTIONS:
            plan_id = completed[0]["plan_id"]
            if plan_id in found.plans:
                yield "Concerns this carrier alone.", True
            else:
                yield f"Held back: {clean(plan_id)} is no plan of the catalog.", False
        return
    if change.sync_status == IN_SYNC:
        yield "In sync: all carriers agree.", True
        return
    # two orders that differ do so from either side
    pairs = {
        frozenset(
            {
                (row["carrier_id"], row["order_id"]),
                (row["counterpart_carrier_id"], row["counterpart_order_id"]),
            }
        ): row
        for row in reversed(change.syncs)
        if row["sync_status"] != IN_SYNC
    }
    for row in reversed(pairs.values()):
        yield f"Held back: {_reason(row, change, found)}.", False


def _reason(row: Row, change: Change, found: AccountOrders) -> str:
    """Why an order is held back, in words."""
    other = _name(row["counterpart_carrier_id"], found.carriers)
    key = (row["counterpart_carrier_id"], row["counterpart_order_id"])
    theirs = next(
        (order for order in change.orders if (order["carrier_id"], order["order_id"]) == key), None
    )
    number = clean(row["counterpart_order_id"])
    due = moment(row["requested_at"] + GRACE)
    if row["refusal_state"] is not None:
        return f"{other} {refusal(row)}"
    match row["sync_status"]:
        case "counterpart_failed":
            how = "was withdrawn" if theirs and theirs["status"] == "withdrawn" else "failed"
            return f"order {number} at {other} {how}"
        case "mismatched":
            asked = f"{row['action']} {clean(row['plan_id'])} from {day(row['effective_on'])}"
            has = f"{_what(theirs)} from {day(theirs['effective_on'])}" if theirs else "another"
            return f"{other} has {has}, not {asked}"
        case "awaiting_counterpart":
            return f"{_lacking(other, number)}; it has time until {due} UTC"
        case _:
            return f"{_lacking(other, number)}; it was due at {due} UTC"


def _instruction(row: Row, found: AccountOrders) -> str:
    """What the platform of an order is told to do with it."""
    return (
        f"Since {moment(row['opened_at'])} for {_name(row['carrier_id'], found.carriers)},"
        f" {clean(row['order_id'])}: {INSTRUCTIONS[row['instruction']]}"
    )


def _lacking(other: str, number: str) -> str:
    if number:
        return f"{other} has not completed order {number}"
    return f"{other} has no order"


def _name(carrier_id: str, carriers: dict[str, str]) -> str:
    name = clean(carriers.get(carrier_id) or carrier_id)
    return name if name == clean(carrier_id) else f"{name} ({clean(carrier_id)})"
