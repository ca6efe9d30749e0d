"""Bills from the marts to files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast, get_args

from psycopg import sql

from tandem.bills import Format, render_files
from tandem.database import Connection
from tandem.errors import Refused

FORMATS: tuple[Format, ...] = get_args(Format)


def parse_formats(text: str) -> tuple[Format, ...]:
    """Formats from a list with commas.

    Raises:
        Refused: a format that there is not.
    """
    wanted = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in wanted:
        if name not in FORMATS:
            raise Refused(f"{name} is not a format of bills; there are {', '.join(FORMATS)}.")
    if not wanted:
        raise Refused(f"Name at least one format of {', '.join(FORMATS)}.")
    return cast("tuple[Format, ...]", wanted)


def document(connection: Connection, bill_id: str) -> dict[str, Any]:
    """The document of one bill.

    Raises:
        Refused: no such bill.
    """
    row = connection.execute(
        "select document from billing.bill_documents where bill_id = %s", (bill_id,)
    ).fetchone()
    if row is None:
        raise Refused(f"There is no bill {bill_id}.")
    return cast("dict[str, Any]", row[0])


def render(
    connection: Connection,
    out: Path,
    formats: tuple[Format, ...],
    *,
    cycle_end: date | None = None,
    cycle_end_through: date | None = None,
    accounts: Sequence[str] | None = None,
    workers: int | None = None,
    on_bill: Callable[[str, int, int], None] | None = None,
) -> list[Path]:
    """Render bills to files, many at once.

    Args:
        connection: to read them.
        out: folder; made if it is not there.
        formats: what to write of each bill.
        cycle_end: only bills of cycles that end on this day.
        cycle_end_through: only bills of cycles that end on or before it.
        accounts: only bills of these accounts.
        workers: processes; by default one a core.
        on_bill: told a word, how many bills are done and of how many.

    Returns:
        The files, in order of the bills.
    """
    conditions = [sql.SQL("true")]
    parameters: list[Any] = []
    for condition, value in (
        ("cycle_end = %s", cycle_end),
        ("cycle_end <= %s", cycle_end_through),
        ("account_id = any(%s)", list(accounts) if accounts is not None else None),
    ):
        if value is not None:
            conditions.append(sql.SQL(condition))
            parameters.append(value)
    where = sql.SQL(" and ").join(conditions)
    row = connection.execute(
        sql.SQL("select count(*) from billing.bills where {}").format(where), parameters
    ).fetchone()
    total = row[0] if row is not None else 0
    if total == 0:
        return []
    done = 0

    def advance(bills: int) -> None:
        nonlocal done
        done += bills
        if on_bill is not None:
            on_bill("", done, total)

    def documents() -> Iterator[dict[str, Any]]:
        with connection.cursor("bill_documents") as cursor:
            cursor.itersize = 64
            cursor.execute(
                sql.SQL(
                    "select document from billing.bill_documents where {} order by bill_id"
                ).format(where),
                parameters,
            )
            for (found,) in cursor:
                yield found

    out.mkdir(parents=True, exist_ok=True)
    return render_files(documents(), out, formats, workers, advance)
