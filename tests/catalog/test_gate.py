"""A broken catalog bills nobody: the build refuses in one sentence and leaves all as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import pytest

from tandem import catalog, closing
from tandem.database import connect, exclusive
from tandem.errors import Refused
from tests.support.warehouse import PROJECT, Databases, Warehouse, copy_project

NUMBER = "+14045550123"

Edit = Callable[[str], str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose seeds can be edited; one for all tests, as dbt parses each anew."""
    return copy_project(tmp_path_factory.mktemp("catalog") / "project", {})


@pytest.fixture
def own(databases: Databases, prepared: str, project: Path, tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse of that project, initialised with the seeds that ship."""
    with databases.warehouse(tmp_path / "feeds", prepared, project) as made:
        yield made


@contextmanager
def edited(warehouse: Warehouse, seed: str, edit: Edit) -> Iterator[None]:
    path = warehouse.settings.project_dir / "seeds" / f"{seed}.csv"
    before = path.read_text(encoding="utf-8")
    after = edit(before)
    assert after != before
    path.write_text(after, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")


def load_a_month(warehouse: Warehouse) -> None:
    warehouse.load(
        "accounts",
        [
            {
                "account_id": "A1",
                "bill_cycle_day": "1",
                "time_zone": "America/New_York",
                "tax_jurisdiction_id": "US-GA",
                "opened_on": "2026-01-01",
            }
        ],
    )
    warehouse.load(
        "subscriber_changes",
        [
            {
                "change_id": "S1",
                "changed_at": "2026-01-01T05:00:00Z",
                "account_id": "A1",
                "service_number": NUMBER,
                "plan_id": "WIRELESS500",
                "status": "active",
                "activated_at": "2026-01-01T05:00:00Z",
            }
        ],
        "wireless",
    )
    warehouse.load(
        "orders",
        [
            {
                "order_id": "O1",
                "account_id": "A1",
                "action": "subscribe",
                "plan_id": "WIRELESS500",
                "requested_at": "2026-01-01T05:00:00Z",
                "effective_on": "2026-01-01",
                "status": "completed",
            }
        ],
        "wireless",
    )
    warehouse.load(
        "cdrs",
        [
            {
                "cdr_id": f"C{month}{day}",
                "calling_number": NUMBER,
                "called_number": "+14045550999",
                "direction": "originated",
                "service": "voice",
                "quantity": "61",
                "started_at": f"2026-{month}-{day}T15:00:00Z",
            }
            for month in ("01", "02")
            for day in ("10", "20")
        ],
        "wireless",
    )


def state(warehouse: Warehouse) -> dict[str, str]:
    """Content of every table but the seeds; a table that was made anew counts as changed."""
    names = warehouse.rows(
        """
        select format('%%I.%%I', n.nspname, c.relname) as name, pg_relation_filenode(c.oid) as node
        from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
        where c.relkind = 'r'
            and n.nspname !~ '^(pg_|information_schema|public)'
            and not (
                n.nspname = 'catalog'
                and exists (
                    select 1 from unnest(%s::text[]) as seeds (seed) where seeds.seed = c.relname
                )
            )
        """,
        [path.stem for path in (PROJECT / "seeds").glob("*.csv")],
    )
    return {
        row["name"]: str(row["node"])
        + warehouse.rows(
            f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as md5"
            f" from {row['name']} as t"
        )[0]["md5"]
        for row in names
    }


def refusal(warehouse: Warehouse, act: Callable[[Warehouse], object]) -> str:
    with pytest.raises(Refused) as caught:
        act(warehouse)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def versions(warehouse: Warehouse, plan_id: str) -> list[tuple[str, bool]]:
    return [
        (str(row["monthly_fee"]), row["dbt_valid_to"] is None)
        for row in warehouse.rows(
            "select monthly_fee, dbt_valid_to from catalog_history.plans where plan_id = %s"
            " order by dbt_valid_from",
            plan_id,
        )
    ]


def is_rebuild(warehouse: Warehouse) -> bool:
    return bool(warehouse.rows("select is_rebuild from control.run_values")[0]["is_rebuild"])


def test_a_broken_catalog_bills_nobody(own: Warehouse) -> None:
    load_a_month(own)
    assert own.close(date(2026, 2, 1)).bills == 1
    before = state(own)
    assert "issued.bills" in before
    assert "rating.int_usage_open" in before

    def two_rates(text: str) -> str:
        return text.replace("2020-01-01,2026-01-01", "2020-01-01,2026-03-01")

    said = "The catalog has a fault: tariffs EVENT: two rows are valid on 2026-01-01."
    with edited(own, "tariffs", two_rates):
        assert refusal(own, Warehouse.build) == said
        assert state(own) == before
        assert refusal(own, lambda warehouse: warehouse.close(date(2026, 3, 1))) == said
        assert state(own) == before
        assert refusal(own, lambda warehouse: warehouse.build(full_refresh=True)) == said
        assert state(own) == before
        assert refusal(own, Warehouse.init) == said
        assert state(own) == before

    told: list[str] = []
    with exclusive(own.settings, "close") as connection:
        closed = closing.close(
            own.settings,
            connection,
            date(2026, 3, 1),
            on_node=lambda name, number, total: told.append(name),
        )
    assert not is_rebuild(own), "the catalog is again the one that was built on"
    assert told.index(catalog.GATE) < told.index("run_values")
    assert closed.bills == 1


def test_what_cannot_be_read_is_told_by_file_and_line(own: Warehouse) -> None:
    with edited(own, "plans", lambda text: text.replace(",35.00,", ",free,")):
        said = refusal(own, Warehouse.init)
    assert said == (
        "The catalog cannot be read: plans.csv line 5: monthly_fee 'free' is not a number."
    )
    with edited(own, "plans", lambda text: text.replace("currency", "money", 1)):
        said = refusal(own, Warehouse.init)
    assert said == (
        "The catalog cannot be read: plans.csv has no column currency;"
        " plans.csv has an unknown column 'money'."
    )


def test_many_faults_are_counted(own: Warehouse) -> None:
    with edited(own, "journal_accounts", lambda text: "\n".join(text.splitlines()[:4]) + "\n"):
        said = refusal(own, Warehouse.init)
    assert said == (
        "The catalog has 6 faults: journal_accounts breakage_revenue: the row is missing;"
        " journal_accounts deferred_revenue: the row is missing;"
        " journal_accounts one_time_revenue: the row is missing;"
        " and 3 more, all in catalog.catalog_faults."
    )


def test_a_version_is_kept_once(own: Warehouse) -> None:
    counts = {
        name: own.rows(f"select count(*) as n from catalog_history.{name}")[0]["n"]
        for name in catalog.WITH_HISTORY
    }
    seeds = {
        name: own.rows(f"select count(*) as n from catalog.{name}")[0]["n"]
        for name in catalog.WITH_HISTORY
    }
    assert counts == seeds
    own.init()
    assert counts == {
        name: own.rows(f"select count(*) as n from catalog_history.{name}")[0]["n"]
        for name in catalog.WITH_HISTORY
    }
    with connect(own.settings, "test") as connection:
        assert not catalog.history_is_behind(connection)

    with edited(own, "plans", lambda text: text.replace(",35.00,", ",36.00,")):
        own.build()
    assert versions(own, "WIRELESS500") == [("35.00", False), ("36.00", True)]
    assert versions(own, "SHARE800") == [("30.00", True)]
    assert is_rebuild(own)


def without(plan_id: str) -> Callable[[str], str]:
    """All rows of a seed that begin with a plan, or name it second, are gone."""
    return lambda text: "".join(
        line for line in text.splitlines(keepends=True) if plan_id not in line.split(",")[:2]
    )


@contextmanager
def deleted(warehouse: Warehouse, plan_id: str, agreement_id: str) -> Iterator[None]:
    """A catalog without a plan and all that names it."""
    with ExitStack() as stack:
        for seed in ("plans", "plan_pools", "plan_services", "settlement_agreements"):
            stack.enter_context(edited(warehouse, seed, without(plan_id)))
        stack.enter_context(edited(warehouse, "no_charge_rules", without(plan_id)))
        stack.enter_context(edited(warehouse, "settlement_terms", without(agreement_id)))
        yield


def test_a_plan_goes_only_if_nobody_has_it(own: Warehouse) -> None:
    # An account with an order for it would lose its plan without a word, and the fee with it. An
    # order for a plan that never was there, or no longer is, is the order's fault: it counts for
    # nothing, and everybody else is billed.
    load_a_month(own)
    order = {
        "order_id": "O2",
        "account_id": "A1",
        "action": "subscribe",
        "plan_id": "NEVER",
        "requested_at": "2026-01-02T05:00:00Z",
        "effective_on": "2026-01-02",
        "status": "completed",
    }
    own.load("orders", [order], "wireless")
    own.build()
    with deleted(own, "WIRELESS500", "WIRELESS500-2020"):
        said = refusal(own, Warehouse.build)
        assert said == (
            "The catalog has a fault: plans WIRELESS500: the row is missing, but account A1 has"
            " ordered it."
        )
    with deleted(own, "SHARE_DATA", "SHARE_DATA-2020"):
        own.build()
        own.load("orders", [order | {"order_id": "O3", "plan_id": "SHARE_DATA"}], "wireless")
        assert own.close(date(2026, 2, 1)).bills == 1
        with deleted(own, "WIRELESS500", "WIRELESS500-2020"):
            assert "account A1 was billed by it" in refusal(own, Warehouse.build)
