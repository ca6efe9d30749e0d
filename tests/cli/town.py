"""A small town's feeds in any pieces, and pictures of what was issued for it."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

from tandem import rendering, running
from tandem.database import connect
from tandem.generate import Town, generate
from tandem.running import feed_files
from tests.support.warehouse import Warehouse

TOWN = Town(
    accounts=24, months=2, seed=3, first_month=date(2025, 6, 1), calls_per_account_per_day=2.0
)
THROUGH = date(2025, 7, 1)
KEYS = {
    "accounts": ("account_id",),
    "subscribers": ("account_id", "service_number"),
    "subscriber_changes": ("change_id",),
    "orders": ("order_id",),
    "rollover_opening": ("account_id", "pool_id", "earned_cycle_start"),
    "rollover_adjustments": ("adjustment_id",),
    "cdrs": ("cdr_id", "action"),
}
# columns that tell by which load, or when, something came
LINEAGE = {"load_id", "voided_load_id", "issued_at"}

Picture = dict[str, list[tuple[Any, ...]]]


def make_town(folder: Path) -> Path:
    """Write the town's feeds, in folders by month."""
    generate(TOWN, folder)
    return folder


def load_folder(warehouse: Warehouse, folder: Path) -> None:
    """Load a month as it was delivered."""
    with warehouse_lock(warehouse) as connection:
        running.load_folder(connection, folder)


def warehouse_lock(warehouse: Warehouse) -> Any:
    """The lock of the warehouse."""
    from tandem.database import exclusive  # noqa: PLC0415

    return exclusive(warehouse.settings, "test")


def load_in_pieces(
    warehouse: Warehouse,
    folder: Path,
    scratch: Path,
    seed: int,
    between: Callable[[], None],
) -> None:
    """Load a month cut into pieces, in random order, with something done half way.

    Rows of one key keep their order: among them the first or the last loaded stands.
    """
    dice = random.Random(seed)
    headers: dict[tuple[Any, ...], list[str]] = {}
    rows: dict[tuple[Any, ...], list[list[str]]] = defaultdict(list)
    for file in feed_files(folder):
        with file.path.open(newline="", encoding="utf-8") as handle:
            header, *records = csv.reader(handle)
        delivery = (file.feed.name, file.carrier_id, file.as_of)
        assert headers.setdefault(delivery, header) == header
        rows[delivery] += records
    pieces: list[tuple[tuple[Any, ...], int, list[list[str]]]] = []
    for delivery, records in rows.items():
        mixed = shuffled(records, headers[delivery], KEYS[delivery[0]], dice)
        cuts = sorted(dice.choices(range(len(mixed) + 1), k=2))
        for place, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(mixed)], strict=True)):
            pieces.append((delivery, place, mixed[start:end]))
    # any order, but for the pieces of one delivery
    order = [delivery for delivery, _, _ in pieces]
    dice.shuffle(order)
    queues = {delivery: [p for p in pieces if p[0] == delivery] for delivery in rows}
    for number, delivery in enumerate(order):
        if number == len(order) // 2:
            between()
        _, place, records = queues[delivery].pop(0)
        feed, carrier, as_of = delivery
        path = scratch / f"{feed}-{number}-{place}.csv"
        with path.open("w", newline="", encoding="utf-8") as handle:
            csv.writer(handle).writerows([headers[delivery], *records])
        warehouse.load_path(feed, path, carrier, as_of, max_rejects=100)


def shuffled(
    records: list[list[str]], header: list[str], key: tuple[str, ...], dice: random.Random
) -> list[list[str]]:
    """Rows in another order, those of one key in the order they had."""
    places = [header.index(name) for name in key if name in header]

    def key_of(record: list[str]) -> tuple[str, ...]:
        return tuple(record[place] if place < len(record) else "" for place in places)

    queues: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    for record in records:
        queues[key_of(record)].append(record)
    mixed = [key_of(record) for record in records]
    dice.shuffle(mixed)
    return [queues[key].pop(0) for key in mixed]


def issued(warehouse: Warehouse, *, lineage: bool = True) -> Picture:
    """All rows of all issued tables; without lineage, to compare two warehouses."""
    names = [
        row["name"]
        for row in warehouse.rows(
            "select table_name as name from information_schema.tables"
            " where table_schema = 'issued' order by 1"
        )
    ]
    assert {"bills", "rated_usage", "journal", "closes"} <= set(names)
    return {
        name: picture(warehouse.rows(f"select * from issued.{name}"), () if lineage else LINEAGE)
        for name in names
        if lineage or name != "closes"
    }


def closed_marts(warehouse: Warehouse, close_id: int = 1) -> Picture:
    """What the marts show of cycles that ended with a close or before."""
    of_close = f"select bill_id from issued.bills where close_id <= {close_id}"
    frontier = f"cycle_end <= (select close_through from issued.closes where close_id = {close_id})"
    queries = {
        "billing.bills": f"bill_id in ({of_close})",
        "billing.bill_lines": f"bill_id in ({of_close})",
        "billing.bill_documents": f"bill_id in ({of_close})",
        "settlement.settlement_lines": f"bill_id in ({of_close})",
        "settlement.settlement_statements": f"close_id <= {close_id}",
        "accounting.journal": "true",
        "rating.rated_usage": f"is_closed and {frontier}",
        "rollover.rollover_matrix": f"is_closed and {frontier}",
        "control.money_control": f"close_id <= {close_id}",
    }
    return {
        name: picture(warehouse.rows(f"select * from {name} where {condition}"))
        for name, condition in queries.items()
    }


OPEN_MARTS = (
    "billing.int_open_cycles",
    "integrity.casi_subscribers",
    "integrity.effective_plans",
    "integrity.order_sync",
    "rating.rated_usage",
    "rating.suspended_usage",
    "rating.usage_funding",
    "rating.voided_usage",
    "rollover.rollover_buckets",
    "rollover.rollover_matrix",
    "rollover.rollover_requests",
    "unbilled.unbilled_detail",
    "unbilled.unbilled_summary",
    "control.load_control",
    "control.usage_control",
)


def marts(warehouse: Warehouse) -> Picture:
    """All rows of the marts, open cycles included."""
    return {name: picture(warehouse.mart(name)) for name in OPEN_MARTS}


def picture(rows: Iterable[dict[str, Any]], without: Iterable[str] = ()) -> list[tuple[Any, ...]]:
    """Rows to compare, whatever their order."""
    left_out = set(without)
    return sorted(
        (
            tuple((name, str(value)) for name, value in row.items() if name not in left_out)
            for row in rows
        ),
        key=repr,
    )


def assert_same(found: Picture, wanted: Picture) -> None:
    """Table by table, with few words where they differ."""
    assert found.keys() == wanted.keys()
    for name, rows in wanted.items():
        missing, extra = set(rows) - set(found[name]), set(found[name]) - set(rows)
        assert not (missing or extra), (
            f"{name}: {len(missing)} rows missing, {len(extra)} too many;"
            f" such as {next(iter(missing), None)} and {next(iter(extra), None)}"
        )
        assert len(found[name]) == len(rows), name


def rendered(warehouse: Warehouse, out: Path) -> dict[str, bytes]:
    """Render every bill of June in every format."""
    with connect(warehouse.settings, "render") as connection:
        rendering.render(
            connection, out, ("html", "pdf", "json"), cycle_end_through=THROUGH, workers=1
        )
    return {path.name: path.read_bytes() for path in out.iterdir()}
