"""What comes late, changes, or arrives in the middle of a run: the next build makes up for it."""

from __future__ import annotations

from datetime import date

import pytest

from tests.rules.both import Both
from tests.support.warehouse import Row, Warehouse

NUMBER = "+14045550123"
ACCOUNT: Row = {
    "account_id": "A1",
    "holder_name": "Ann",
    "bill_cycle_day": "1",
    "time_zone": "UTC",
    "tax_jurisdiction_id": "US",
    "opened_on": "2025-01-01",
}
ORDER: Row = {
    "order_id": "o1",
    "account_id": "A1",
    "action": "subscribe",
    "plan_id": "WIRELESS500",
    "requested_at": "2025-01-01T09:00:00Z",
    "effective_on": "2025-01-01",
    "status": "completed",
}
LINE: Row = {
    "change_id": "s1",
    "changed_at": "2025-01-01T00:00:00Z",
    "account_id": "A1",
    "service_number": NUMBER,
    "plan_id": "WIRELESS500",
    "status": "active",
    "activated_at": "2025-01-01T00:00:00Z",
}
CALL: Row = {
    "cdr_id": "c1",
    "calling_number": NUMBER,
    "called_number": "+12125550100",
    "direction": "originated",
    "service": "voice",
    "started_at": "2025-01-06T15:00:00Z",
    "quantity": "61",
}
FEEDS = ("loads", "accounts", "subscriber_changes", "orders", "cdrs")
# Loads that commit right after run_values was worked out, before any other model looks at them.
BETWEEN = """
create function public.load_between() returns event_trigger language plpgsql security definer
as $$
declare command record;
begin
    for command in select * from pg_event_trigger_ddl_commands() loop
        if command.object_identity like '%%run_values%%'
            and not exists (select from raw.loads where load_id > {last})
        then
            {inserts}
        end if;
    end loop;
end $$;
create event trigger load_between on ddl_command_end
    when tag in ('CREATE TABLE AS') execute function public.load_between();
"""


@pytest.fixture
def both(warehouse: Warehouse) -> Both:
    return Both.of(warehouse)


def test_a_void_without_a_line_finds_its_account(both: Both) -> None:
    # the void takes the record out before anybody knows whose it was; the line comes a night later
    both.load("accounts", [ACCOUNT])
    both.load("orders", [ORDER], "wireless")
    both.load("cdrs", [CALL, CALL | {"action": "void"}], "wireless")
    both.warehouse.build()
    voided = both.warehouse.mart("rating.voided_usage")
    assert [row["account_id"] for row in voided] == [None, None]
    both.load("subscriber_changes", [LINE], "wireless")
    both.warehouse.build()
    voided = both.warehouse.mart("rating.voided_usage")
    assert [row["account_id"] for row in voided] == ["A1", "A1"]
    both.assert_same()
    control = both.warehouse.mart("control.usage_control")
    assert {row["cycle_start"]: row["voided"] for row in control} == {
        None: 0,
        date(2025, 1, 1): 2,
    }


def test_a_load_between_two_models_waits_for_the_next_run(both: Both) -> None:
    # plain dbt holds no lock: what commits while it runs must be seen by all models or by none
    warehouse = both.warehouse
    both.load("accounts", [ACCOUNT])
    both.load("orders", [ORDER], "wireless")
    both.load("subscriber_changes", [LINE], "wireless")
    both.load("cdrs", [CALL, CALL | {"cdr_id": "c2"}], "wireless")
    warehouse.build()
    both.assert_same()

    last = warehouse.rows("select max(load_id) as last from raw.loads")[0]["last"]
    second = {"account_id": "A2", "service_number": "+14045550124"}
    later: list[tuple[str, list[Row], str | None]] = [
        ("accounts", [ACCOUNT | {"account_id": "A2"}], None),
        ("accounts", [ACCOUNT | {"time_zone": "America/Denver"}], None),
        ("orders", [ORDER | {"order_id": "o2", "account_id": "A2"}], "wireless"),
        (
            "orders",
            [ORDER | {"order_id": "o3", "plan_id": "SHARE800", "effective_on": "2025-01-05"}],
            "wireless",
        ),
        ("subscriber_changes", [LINE | {"change_id": "s2"} | second], "wireless"),
        (
            "cdrs",
            [
                CALL | {"cdr_id": "c3"},
                CALL | {"cdr_id": "c4", "calling_number": "+14045550124"},
                CALL | {"action": "void"},
            ],
            "wireless",
        ),
    ]
    for feed, rows, carrier in later:
        warehouse.load(feed, rows, carrier)
    for feed in FEEDS:
        warehouse.execute(
            f"create table public.later_{feed} as select * from raw.{feed} where load_id > {last}"
        )
    for feed in FEEDS[::-1]:
        warehouse.execute(f"delete from raw.{feed} where load_id > {last}")
    inserts = " ".join(
        f"insert into raw.{feed} select * from public.later_{feed};" for feed in FEEDS
    )
    warehouse.execute(BETWEEN.format(last=last, inserts=inserts).replace("%%", "%"))
    warehouse.build()
    warehouse.execute("drop event trigger load_between")
    (row,) = warehouse.rows("select max(load_id) as last from raw.loads")
    assert row["last"] == last + len(later)
    # as if they had not come: only the manifest of loads, which is no matter of runs, has them, and
    # what counts its records
    both.assert_same(leave_out=["control.load_control", "control.usage_control"])

    for feed, rows, carrier in later:
        both.rater.load(feed, rows, carrier, None)
    warehouse.build()
    both.assert_same()


def test_matrix_shows_twelve_closed_cycles(both: Both) -> None:
    # The bill cycle day goes from the 1st to the 15th and back: two short cycles, so that the year
    # to March has 13. The matrix has the last 12.
    both.load("accounts", [ACCOUNT])
    both.load("orders", [ORDER], "wireless")
    both.close(date(2025, 6, 1))
    both.load("accounts", [ACCOUNT | {"bill_cycle_day": "15"}])
    both.close(date(2025, 7, 15))
    both.load("accounts", [ACCOUNT])
    both.close(date(2026, 3, 1))
    matrix = both.warehouse.mart("rollover.rollover_matrix")
    closed = sorted(row["cycle_start"] for row in matrix if row["is_closed"])
    assert closed[0] == date(2025, 4, 1)
    assert len(closed) == 12
    both.assert_same()
