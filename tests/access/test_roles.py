"""Logged in as each role: what it can read, and that it can read nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.cli.running import environment
from tests.cli.town import load_folder, make_town
from tests.support.warehouse import Warehouse, copy_project

THROUGH = date(2025, 7, 1)
# each audience: its role and its schema
AUDIENCES = {
    "portal": "tandem_portal",
    "wireless": "tandem_carrier_wireless",
    "wireline": "tandem_carrier_wireline",
    "support": "tandem_support",
    "finance": "tandem_finance",
}
SCHEMAS = {"portal": "portal", "wireless": "carrier", "wireline": "carrier", "support": "support"}
LOGINS = AUDIENCES | {"server": "tandem_server"}
BESIDE_MARTS = ("raw", "issued", "outbox", "staging", "catalog_history")


@pytest.fixture(scope="module")
def town(
    make_warehouse: Callable[[], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    warehouse = make_warehouse()
    folder = make_town(tmp_path_factory.mktemp("town"))
    for month in sorted(path for path in folder.iterdir() if path.is_dir()):
        load_folder(warehouse, month)
    warehouse.build()
    warehouse.close(THROUGH)
    for name, role in LOGINS.items():
        warehouse.execute(f"drop role if exists login_{name}")
        warehouse.execute(f"create role login_{name} login in role {role}")
    yield warehouse
    for name in LOGINS:
        warehouse.execute(f"drop role login_{name}")


class Session:
    """A session of somebody who has logged in with a role of his own."""

    def __init__(self, warehouse: Warehouse, name: str) -> None:
        self.connection: psycopg.Connection[dict[str, Any]] = psycopg.connect(
            warehouse.url, user=f"login_{name}", autocommit=True, row_factory=dict_row
        )

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        return self.connection.execute(query.encode(), parameters or None).fetchall()

    def become(self, account_id: str) -> None:
        self.rows("select set_config('tandem.account_id', %s, false)", account_id)

    def may_not(self, statement: str) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            self.connection.execute(statement.encode())


@pytest.fixture
def login(town: Warehouse) -> Iterator[Callable[[str], Session]]:
    made = []

    def enter(name: str) -> Session:
        session = Session(town, name)
        made.append(session)
        return session

    yield enter
    for session in made:
        session.connection.close()


def views(town: Warehouse, schema: str) -> dict[str, set[str]]:
    """Views of an audience, with their columns."""
    found: dict[str, set[str]] = {}
    for row in town.rows(
        "select table_name, column_name from information_schema.columns where table_schema = %s",
        schema,
    ):
        found.setdefault(row["table_name"], set()).add(row["column_name"])
    return found


def marts(town: Warehouse) -> dict[str, str]:
    """Schema of each model, by its name."""
    return {
        row["relname"]: row["nspname"]
        for row in town.rows(
            "select relname, nspname from pg_class join pg_namespace n on n.oid = relnamespace"
            " where relkind in ('r', 'v') and nspname in ('integrity', 'rating', 'rollover',"
            " 'unbilled', 'billing', 'settlement', 'accounting', 'control')"
        )
    }


@pytest.mark.parametrize("name", AUDIENCES)
def test_nobody_reads_beside_his_schema(
    town: Warehouse, login: Callable[[str], Session], name: str
) -> None:
    """Every relation there is, one by one: it can be read where that is meant, and only there."""
    session = login(name)
    allowed = {SCHEMAS.get(name)}
    relations = town.rows(
        "select nspname, relname from pg_class join pg_namespace n on n.oid = relnamespace"
        " where relkind in ('r', 'v', 'm', 'p') and nspname not like 'pg\\_%'"
        " and nspname != 'information_schema'"
    )
    readable = {
        f"{row['nspname']}.{row['relname']}"
        for row in relations
        if session.rows(
            "select has_schema_privilege(%s, 'usage') and has_table_privilege(%s::oid, 'select')"
            " as may",
            row["nspname"],
            town.rows("select %s::regclass::oid as oid", f"{row['nspname']}.{row['relname']}")[0][
                "oid"
            ],
        )[0]["may"]
    }
    outside = {one for one in readable if one.split(".")[0] not in allowed}
    if name == "finance":
        assert {one.split(".")[0] for one in outside} == {
            *("settlement", "accounting", "billing", "control"),
        }
        assert not outside & {"billing.bill_documents", "control.run_values"}
    else:
        assert {one.split(".")[0] for one in outside} == {"catalog"}
        assert "catalog.settlement_terms" not in outside
        assert "catalog.settlement_agreements" not in outside
        assert len(readable - outside) > 10


def test_the_server_reads_what_it_needs_in_its_own_name(
    town: Warehouse, login: Callable[[str], Session]
) -> None:
    """Every column there is, one by one; then some that it must not read."""
    session = login("server")
    columns = town.rows(
        "select attrelid, nspname || '.' || relname as relation, attname from pg_attribute"
        " inner join pg_class on pg_class.oid = attrelid"
        " inner join pg_namespace as n on n.oid = relnamespace"
        " where relkind in ('r', 'v', 'm', 'p') and attnum > 0 and not attisdropped"
        " and nspname not like 'pg\\_%' and nspname != 'information_schema'"
    )
    readable: dict[str, set[str]] = {}
    for row in columns:
        (may,) = session.rows(
            "select has_schema_privilege(%s, 'usage')"
            " and has_column_privilege(%s::oid, %s, 'select') as may",
            row["relation"].split(".")[0],
            row["attrelid"],
            row["attname"],
        )
        if may["may"]:
            readable.setdefault(row["relation"], set()).add(row["attname"])
    assert set(readable) == {
        *("raw.accounts", "raw.orders", "raw.cdrs", "raw.rollover_adjustments"),
        *("outbox.received_orders", "catalog.plan_pools", "catalog.adjustment_reasons"),
        *("control.build_state", "control.run_values"),
        *("catalog.carriers", "catalog.plans"),
        *("catalog.settlement_agreements", "catalog.int_plan_carriers"),
        *("integrity.int_accounts", "integrity.effective_plans", "integrity.casi_subscribers"),
        *("integrity.int_casi_rows", "integrity.int_counting_orders"),
        *("integrity.order_history", "integrity.order_sync"),
        "integrity.bundle_exceptions",
    }
    for relation, names in readable.items():
        assert not names & {
            *("holder_name", "subscriber_name", "email", "city", "postal_code"),
            *("address_line1", "address_line2", "monthly_fee", "overage_rate", "usage_share"),
        }, relation
    assert session.rows("select count(*) as rows from raw.orders") != [{"rows": 0}]
    for forbidden in (
        *("select * from raw.accounts", "select email from integrity.casi_subscribers"),
        *("select * from portal.bills", "select * from support.accounts"),
        *("select * from billing.bills", "select * from issued.bills", "select * from raw.loads"),
        *("select * from outbox.messages", "select body from outbox.messages"),
        *("select * from catalog.settlement_terms", "set role tandem_support"),
    ):
        session.may_not(forbidden)


@pytest.mark.parametrize("name", LOGINS)
def test_nobody_writes(town: Warehouse, login: Callable[[str], Session], name: str) -> None:
    session = login(name)
    session.may_not("insert into raw.loads default values")
    session.may_not("update issued.bills set total_amount = 0")
    session.may_not("delete from outbox.messages")
    session.may_not("create table public.mine (a int)")
    session.may_not("create table catalog.mine (a int)")
    session.may_not("set role tandem_engineer")
    session.may_not("set role tandem_owner")
    if name in SCHEMAS:
        session.may_not(f"create view {SCHEMAS[name]}.mine as select 1 as a")
        session.may_not(f"drop view {SCHEMAS[name]}.accounts")
        session.may_not(f"update {SCHEMAS[name]}.accounts set holder_name = 'Me'")


def test_a_subscriber_sees_one_account(town: Warehouse, login: Callable[[str], Session]) -> None:
    session = login("portal")
    of_schema = marts(town)
    for view in views(town, "portal"):
        assert session.rows(f"select * from portal.{view} limit 1") == [], view
    session.rows("select set_config('tandem.account_id', '', false)")
    assert session.rows("select * from portal.accounts") == []
    (one, other, *_) = town.rows(
        "select account_id from billing.bills group by account_id order by count(*) desc, 1"
    )
    session.become(one["account_id"])
    seen = 0
    for view in views(town, "portal"):
        rows = session.rows(f"select * from portal.{view}")
        assert {row["account_id"] for row in rows} <= {one["account_id"]}, view
        (all_of_it,) = town.rows(
            f"select count(*) as rows from {of_schema[view]}.{view} where account_id = %s",
            one["account_id"],
        )
        assert len(rows) == all_of_it["rows"], view
        seen += bool(rows)
        assert (
            session.rows(f"select * from portal.{view} where account_id = %s", other["account_id"])
            == []
        )
    assert seen > 8


def test_a_function_sees_no_row_that_is_not_shown(
    town: Warehouse, login: Callable[[str], Session]
) -> None:
    """A cheap function in a filter would be asked first, were the views not barriers."""
    session = login("portal")
    session.connection.execute(
        "create function pg_temp.tell(text) returns boolean language plpgsql cost 0.0000001"
        " as $$ begin raise notice 'saw %', $1; return true; end $$"
    )
    told: list[str] = []
    session.connection.add_notice_handler(lambda said: told.append(said.message_primary or ""))
    (one, *_) = town.rows("select account_id from billing.bills order by account_id")
    session.become(one["account_id"])
    for view in views(town, "portal"):
        session.rows(f"select * from portal.{view} where pg_temp.tell(account_id)")
    assert set(told) == {f"saw {one['account_id']}"}


@pytest.mark.parametrize("carrier", ["wireless", "wireline"])
def test_a_carrier_sees_its_own_and_what_is_shared(
    town: Warehouse, login: Callable[[str], Session], carrier: str
) -> None:
    session = login(carrier)
    of_schema = marts(town)
    served = {
        row["account_id"]
        for row in town.rows(
            "select account_id from integrity.int_carrier_accounts where carrier_id = %s", carrier
        )
    }
    everybody = {row["account_id"] for row in town.mart("integrity.accounts")}
    assert set() < served <= everybody
    own = 0
    for view, columns in views(town, "carrier").items():
        rows = session.rows(f"select * from carrier.{view}")
        every = town.mart(f"{of_schema[view]}.{view}")
        named = [name for name in columns if name in NAMING[view]] if view in NAMING else []
        if named:
            expected = [row for row in every if carrier in {row[name] for name in named}]
            own += 1
        else:
            expected = [row for row in every if row["account_id"] in served]
        assert sorted(map(str, rows)) == sorted(map(str, expected)), view
    assert own > 8


# views that a carrier has rows of by name; of the others it has those of the accounts it serves
NAMING = {
    "bill_lines": ["carrier_id"],
    "bundle_exceptions": ["carrier_id", "notify_carrier_id"],
    "carrier_notifications": ["carrier_id"],
    "casi_discrepancies": ["carrier_id"],
    "casi_subscribers": ["carrier_id"],
    "order_history": ["carrier_id"],
    "order_instructions": ["carrier_id"],
    "order_sync": ["carrier_id"],
    "pass_through_orders": ["from_carrier_id", "to_carrier_id"],
    "rated_usage": ["carrier_id"],
    "settlement_lines": ["carrier_id"],
    "settlement_statements": ["carrier_id"],
    "suspended_usage": ["carrier_id"],
    "unbilled_detail": ["carrier_id"],
    "voided_usage": ["carrier_id"],
}


def test_a_carriers_user_who_says_to_be_a_subscriber_sees_no_more(
    town: Warehouse, login: Callable[[str], Session]
) -> None:
    session = login("wireless")
    before = len(session.rows("select * from carrier.accounts"))
    session.become("A000001")
    assert len(session.rows("select * from carrier.accounts")) == before
    session.may_not("select * from portal.accounts")


def test_support_sees_every_account(town: Warehouse, login: Callable[[str], Session]) -> None:
    session = login("support")
    of_schema = marts(town)
    for view in views(town, "support"):
        shown = session.rows(f"select count(*) as rows from support.{view}")
        assert shown == town.rows(f"select count(*) as rows from {of_schema[view]}.{view}"), view
    session.may_not("select * from settlement.settlement_statements")
    session.may_not("select * from accounting.journal")


def test_what_is_shown_outlives_a_build(town: Warehouse, login: Callable[[str], Session]) -> None:
    (one, *_) = town.rows("select account_id from billing.bills order by account_id")
    before = views(town, "carrier")
    town.build(full_refresh=True)
    assert views(town, "carrier") == before
    session = login("portal")
    session.become(one["account_id"])
    assert session.rows("select * from portal.bills") != []


def test_what_nobody_shows_any_more_is_gone(
    town: Warehouse, login: Callable[[str], Session], tmp_path: Path
) -> None:
    """Also after a plain dbt run of one model; what was not selected and is shown stays."""
    project = copy_project(tmp_path / "project", {})
    told = (project / "dbt_project.yml").read_text()
    (project / "dbt_project.yml").unlink()
    (project / "dbt_project.yml").write_text(
        told.replace("show_to: {portal: account, support: all}", "show_to: {support: all}").replace(
            "          show_to: {support: all}\n    rating", "          {}\n    rating"
        )
    )
    assert told != (project / "dbt_project.yml").read_text()
    town.execute(
        "set role tandem_engineer; create view portal.of_a_model_that_is_gone as select 1 as a;"
        " grant select on portal.of_a_model_that_is_gone to tandem_portal; reset role;"
        " create view support.made_by_hand as select 1 as a;"
        " set role tandem_engineer; grant select on accounting.journal to tandem_server"
    )
    session = login("portal")
    assert session.rows("select * from portal.of_a_model_that_is_gone") == [{"a": 1}]
    assert "portal.bill_documents" in (before := shown(town))
    plain_dbt(replace(town, project=project), "run", "--select", "casi_conflicts")
    assert before - shown(town) == {
        "portal.of_a_model_that_is_gone",
        "portal.bill_documents",
        "support.exception_ageing",
    }
    assert shown(town) <= before
    server = login("server")
    server.may_not("select * from accounting.journal")
    assert server.rows("select count(*) as rows from integrity.order_sync") != [{"rows": 0}]
    plain_dbt(town, "run", "--select", "bill_documents", "exception_ageing")
    assert before - shown(town) == {"portal.of_a_model_that_is_gone"}
    town.execute("drop view support.made_by_hand")


def plain_dbt(warehouse: Warehouse, *arguments: str) -> None:
    """dbt as somebody runs it who knows nothing of the command."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), *arguments, "--no-use-colors"],
        cwd=warehouse.project,
        env=os.environ | environment(warehouse) | {"DBT_LOG_PATH": str(warehouse.folder / "logs")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def shown(town: Warehouse) -> set[str]:
    """Views of all audiences, by schema."""
    return {
        f"{row['schemaname']}.{row['viewname']}"
        for row in town.rows(
            "select schemaname, viewname from pg_views"
            " where schemaname in ('portal', 'carrier', 'support')"
        )
    }
