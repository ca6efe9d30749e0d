"""The rollover of an account in a terminal, 100 columns wide.

Names are printed as they are: no console markup in them is obeyed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from tandem.bills.format import clean, long_date, unit_words
from tandem.queries import Row
from tandem.rollover.buckets import bucket_table, sentences
from tandem.rollover.matrix import matrix_table
from tandem.rollover.queries import Position

WIDTH = 100


def show(position: Position, console: Console) -> None:
    """Print the rollover of an account to `console`, at most 100 columns wide."""
    width = min(console.width, WIDTH)
    for part in _parts(position, width):
        console.print(part, width=width)


def as_json(position: Position) -> dict[str, Any]:
    """The rollover of an account as rows."""
    return {**position.account, "matrix": position.matrix, "buckets": position.buckets}


def _parts(position: Position, width: int) -> Iterator[RenderableType]:
    account = position.account
    yield Text.assemble(
        (f"Account {clean(account['account_id'])}", "bold"), f"  {clean(account['holder_name'])}"
    )
    for pool, name in position.pools.items():
        matrix = [row for row in position.matrix if row["pool_id"] == pool]
        buckets = [row for row in position.buckets if row["pool_id"] == pool]
        yield Text()
        yield from _pool(pool, name, matrix, buckets, width)


def _pool(
    pool: str, name: str, matrix: Sequence[Row], buckets: Sequence[Row], width: int
) -> Iterator[RenderableType]:
    unit_type = str((matrix or buckets)[0]["unit_type"])
    units = unit_words(unit_type)[1]
    words = "" if pool == name else f" ({clean(pool)})"
    yield Text.assemble((clean(name), "bold underline"), f"{words}, in {units}. {_since(matrix)}")
    open_cycles = [row for row in matrix if not row["is_closed"]]
    first_open = open_cycles[0] if open_cycles else None
    ages = first_open is not None and first_open["rollover_status"] == "active"
    due_through = first_open["cycle_end"] if first_open is not None and ages else None
    for sentence in sentences(buckets, unit_type, due_through):
        yield Padding(
            Text(sentence, style="bold red" if "expire" in sentence[:20] else ""), (0, 0, 0, 2)
        )
    if matrix:
        yield Text()
        for part in matrix_table(matrix, width - 2):
            yield Padding(part, (0, 0, 0, 2))
    if buckets:
        yield Text()
        for part in bucket_table(buckets, due_through, width - 2):
            yield Padding(part, (0, 0, 0, 2))


def _since(matrix: Sequence[Row]) -> str:
    """Since when, and until when, the pool has had rollover."""
    if not matrix:
        return ""
    last = matrix[-1]
    since = last.get("became_customer_at")
    ended = last.get("ended_at")
    if ended is not None:
        return f"Rollover ended on {long_date(ended)}."
    return f"Rollover since {long_date(since)}." if since is not None else ""
