"""Closed is closed: what a close issued never changes, whatever comes and however it is rebuilt."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests.cli.running import environment
from tests.cli.samples import Row
from tests.cli.town import (
    THROUGH,
    Picture,
    assert_same,
    closed_marts,
    issued,
    load_folder,
    load_in_pieces,
    marts,
    picture,
    rendered,
)
from tests.support.warehouse import PROJECT, Warehouse

pytestmark = pytest.mark.xdist_group("town")

DERIVED = (
    "accounting",
    "billing",
    "catalog",
    "integrity",
    "rating",
    "rollover",
    "settlement",
    "staging",
    "unbilled",
)


@dataclass
class Life:
    """A warehouse through its first close and after it, with a picture at each point."""

    warehouse: Warehouse
    issued: dict[str, Picture] = field(default_factory=dict)
    closed: dict[str, Picture] = field(default_factory=dict)
    marts: dict[str, Picture] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def look(self, point: str, out: Path) -> None:
        self.issued[point] = issued(self.warehouse)
        self.closed[point] = closed_marts(self.warehouse)
        self.marts[point] = marts(self.warehouse)
        self.files[point] = rendered(self.warehouse, out / point)


def plain_dbt(warehouse: Warehouse, *arguments: str) -> subprocess.CompletedProcess[str]:
    """dbt as somebody runs it who knows nothing of the command."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), *arguments, "--no-use-colors"],
        cwd=PROJECT,
        env=os.environ | environment(warehouse) | {"DBT_LOG_PATH": str(warehouse.folder / "logs")},
        capture_output=True,
        text=True,
        check=False,
    )


def voids_of_billed_records(warehouse: Warehouse) -> list[Row]:
    """Voids of records that are on bills: those with the highest charges, and some of the free."""
    return [
        {**row, "action": "void"}
        for row in warehouse.rows(
            """
            select c.cdr_id, c.calling_number, c.called_number, c.direction, c.service,
                c.call_type, to_char(c.started_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as started_at,
                c.quantity::text, c.other_party_type, c.other_party_carrier_id
            from issued.rated_usage as r
            inner join raw.cdrs as c using (carrier_id, cdr_id)
            where r.carrier_id = 'wireless' and c.action = 'new'
            order by r.charge_amount desc, r.cdr_id limit 12
            """
        )
    ]


@pytest.fixture(scope="module")
def life(
    make_warehouse: Callable[[], Warehouse],
    june_closed: Warehouse,
    town: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Life:
    out = tmp_path_factory.mktemp("rendered")
    warehouse = make_warehouse()
    life = Life(warehouse)
    load_in_pieces(
        warehouse, town / "2025-06", tmp_path_factory.mktemp("pieces"), 17, warehouse.build
    )
    warehouse.close(THROUGH)
    life.look("closed", out)

    # what comes late: records of June, voids of billed ones, then the next month
    load_folder(warehouse, town / "2025-06-late")
    voids = voids_of_billed_records(warehouse)
    assert len(voids) == 12
    warehouse.load("cdrs", voids, "wireless")
    load_folder(warehouse, town / "2025-07")
    warehouse.build()
    life.look("late", out)

    done = plain_dbt(warehouse, "build", "--full-refresh", "--exclude-resource-type", "unit_test")
    assert done.returncode == 0, done.stdout[-3000:]
    life.look("refreshed", out)

    # a database that is copied from another comes without the grants on it that `tandem init` makes
    name = warehouse.rows("select current_database() as name")[0]["name"]
    warehouse.execute(f"grant create, temporary on database {name} to tandem_engineer")
    for schema in DERIVED:
        warehouse.execute(f"drop schema {schema} cascade")
    warehouse.build()
    life.look("from nothing", out)
    return life


def test_something_was_closed_and_something_came_late(life: Life) -> None:
    closed = life.issued["closed"]
    assert len(closed["bills"]) >= 15
    assert len(closed["rated_usage"]) > 500
    assert len(life.files["closed"]) == 3 * len(closed["bills"])
    late = life.warehouse.rows("select * from rating.rated_usage where is_late")
    reversals = life.warehouse.rows("select * from rating.rated_usage where is_reversal")
    assert late and len(reversals) >= 12
    assert not any(row["is_closed"] for row in (*late, *reversals))


@pytest.mark.parametrize("point", ["late", "refreshed", "from nothing"])
def test_closed_is_closed(life: Life, point: str) -> None:
    assert_same(life.issued[point], life.issued["closed"])
    assert_same(life.closed[point], life.closed["closed"])
    assert life.files[point] == life.files["closed"]


@pytest.mark.parametrize("point", ["refreshed", "from nothing"])
def test_incremental_is_full(life: Life, point: str) -> None:
    assert_same(life.marts[point], life.marts["late"])


def test_order_of_loading_does_not_matter(life: Life, june_closed: Warehouse) -> None:
    in_pieces = {
        name: strip(rows) for name, rows in life.issued["closed"].items() if name != "closes"
    }
    assert_same(in_pieces, issued(june_closed, lineage=False))


def strip(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    named = [dict(row) for row in rows]  # type: ignore[arg-type]
    return picture(named, ("load_id", "voided_load_id", "issued_at"))


@pytest.mark.parametrize(
    "statement",
    [
        "delete from issued.bills",
        "update issued.bill_lines set amount = 0",
        "insert into issued.journal select * from issued.journal",
        "truncate issued.rated_usage",
        "drop table issued.closes",
        "alter table issued.bills drop column total_amount",
        "create table issued.mine (x int)",
        "drop schema issued cascade",
        "update issued.account_frontiers set closed_through = '2020-01-01'",
        "delete from raw.cdrs",
        "update raw.loads set accepted = 0",
        "insert into raw.accounts select * from raw.accounts",
        "truncate raw.rejects",
        "create table raw.mine (x int)",
        "drop schema raw cascade",
        "delete from control.run_requests",
        "set role tandem_owner",
    ],
)
@pytest.mark.parametrize("role", ["tandem_engineer", "tandem_finance", "tandem_portal"])
def test_no_role_but_the_owner_writes_what_was_issued(
    june_closed: Warehouse, statement: str, role: str
) -> None:
    # a login that has this role and no other
    with psycopg.connect(june_closed.url) as session:
        session.execute("create role visitor login")
        session.execute(f"grant {role} to visitor".encode())
        session.execute("set session authorization visitor")
        session.execute(f"set role {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(statement.encode())
        session.rollback()


def test_dbt_works_as_a_role_that_reads_what_was_issued(june_closed: Warehouse) -> None:
    with psycopg.connect(june_closed.url) as session:
        session.execute("set role tandem_engineer")
        row = session.execute("select count(*) from issued.bills").fetchone()
    assert row is not None and row[0] > 0
