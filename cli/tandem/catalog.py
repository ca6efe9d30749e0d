"""The catalog: what is wrong with it, in words, and whether its history is up to date.

What a fault is stands in ``models/catalog/faults/``; the view ``catalog.catalog_faults`` lists
those of the catalog as it is, and a test on it is the gate before all that is built.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from tandem.database import Connection
from tandem.dbt import DbtRun

FAULTS = "catalog_faults"
GATE = "assert_catalog_has_no_faults"
SHOWN = 3  # faults named in a sentence

# Seeds whose versions are kept, in tables of the same name in the schema catalog_history.
WITH_HISTORY = (
    "plans",
    "plan_pools",
    "plan_services",
    "no_charge_rules",
    "tariffs",
    "tax_rates",
    "settlement_agreements",
    "settlement_terms",
)

_IN_WORDS = {
    "numeric": "a number",
    "integer": "a whole number",
    "bigint": "a whole number",
    "boolean": "true or false",
    "date": "a date (YYYY-MM-DD)",
}


@dataclass(frozen=True)
class Fault:
    """A thing that is wrong with the catalog.

    Attributes:
        rule: which rule it breaks.
        seed: in which seed.
        row: which row of it, by its key; None if not one alone.
        detail: what is wrong, in words.
    """

    rule: str
    seed: str
    row: str | None
    detail: str

    def __str__(self) -> str:
        return f"{' '.join(filter(None, (self.seed, self.row)))}: {self.detail}"


def faults(connection: Connection) -> list[Fault]:
    """What is wrong with the catalog that was loaded last, in a fixed order."""
    rows = connection.execute(
        """
        select rule_name, seed, row_key, detail from catalog.catalog_faults
        order by seed collate "C", row_key collate "C" nulls first, rule_name, detail collate "C"
        """
    ).fetchall()
    return [Fault(*row) for row in rows]


def why_refused(connection: Connection, run: DbtRun, seeds: Path) -> str | None:
    """The sentence for a run that failed because of the catalog; None if for another reason.

    Args:
        connection: the session that holds the lock.
        run: what failed.
        seeds: folder of the seeds' files.
    """
    failed = {name for name, _ in run.failed}
    if GATE in failed and (found := [str(fault) for fault in faults(connection)]):
        count = "a fault" if len(found) == 1 else f"{len(found)} faults"
        sentence = f"The catalog has {count}: {'; '.join(found[:SHOWN])}"
        if len(found) > SHOWN:
            sentence += f"; and {len(found) - SHOWN} more, all in catalog.catalog_faults"
        return sentence + "."
    if failed & {FAULTS, *run.seeds}:
        # a column that a file lacks may only be missed by the first model that asks for it
        found = [
            line
            for name, types in sorted(run.seeds.items())
            for line in _unreadable(connection, seeds / f"{name}.csv", types)
        ]
        if found:
            more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            return f"The catalog cannot be read: {'; '.join(found[:SHOWN])}{more}."
    return None


def _unreadable(connection: Connection, path: Path, types: Mapping[str, str]) -> list[str]:
    """What keeps a file from being loaded."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.reader(handle)
            header = next(reader, [])
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return [f"{path.name} {error}"]
    if not header:
        return [f"{path.name} is empty"]
    found = [f"{path.name} has no column {name}" for name in types if name not in header]
    found += [f"{path.name} has an unknown column '{name}'" for name in header if name not in types]
    found += [
        f"{path.name} line {line} has {len(row)} values for {len(header)} columns"
        for line, row in rows
        if len(row) > len(header)
    ]
    cells = [
        (line, name, value, types[name])
        for line, row in rows
        if len(row) <= len(header)
        for name, value in zip(header, row, strict=False)
        if name in types and value.lower() not in ("", "null")
    ]
    invalid = connection.execute(
        """
        select cells.place
        from unnest(%s::text[], %s::text[]) with ordinality as cells (value, type, place)
        where not pg_input_is_valid(cells.value, cells.type)
        order by cells.place
        """,
        ([cell[2] for cell in cells], [cell[3] for cell in cells]),
    ).fetchall()
    for (place,) in invalid:
        line, name, value, kind = cells[place - 1]
        found.append(
            f"{path.name} line {line}: {name} '{value}' is not {_IN_WORDS.get(kind, kind)}"
        )
    return found


def history_is_behind(connection: Connection) -> bool:
    """Whether the catalog has rows of which the history does not have the present version."""
    return any(_differs(connection, name) for name in WITH_HISTORY)


def _differs(connection: Connection, name: str) -> bool:
    row = connection.execute(
        "select to_regclass(%s) is null", (f"catalog_history.{name}",)
    ).fetchone()
    if row is None or row[0]:
        return True
    seed, history = (sql.Identifier(schema, name) for schema in ("catalog", "catalog_history"))
    row = connection.execute(
        sql.SQL(
            """
            with present as (select to_jsonb(t) as version from {} as t),
            kept as (
                select to_jsonb(t)
                    - array['dbt_scd_id', 'dbt_updated_at', 'dbt_valid_from', 'dbt_valid_to']
                    as version
                from {} as t where dbt_valid_to is null
            )
            select exists (select version from present except all select version from kept)
                or exists (select version from kept except all select version from present)
            """
        ).format(seed, history)
    ).fetchone()
    return row is None or bool(row[0])
