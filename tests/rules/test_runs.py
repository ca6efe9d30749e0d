"""What comes late, changes, or arrives in the middle of a run: the next build makes up for it.

Three stories that have nothing to do with each other, in the same runs of one warehouse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import pytest

from tests.rules.both import Both, Stage
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


SECOND = {"account_id": "A2", "service_number": "+14045550124"}
# feed, rows and carrier of what commits in the middle of the second run
BETWEEN_MODELS: tuple[tuple[str, list[Row], str | None], ...] = (
    ("accounts", [ACCOUNT | {"account_id": "A2"}], None),
    ("accounts", [ACCOUNT | {"time_zone": "America/Denver"}], None),
    ("orders", [ORDER | {"order_id": "o2", "account_id": "A2"}], "wireless"),
    (
        "orders",
        [ORDER | {"order_id": "o3", "plan_id": "SHARE800", "effective_on": "2025-01-05"}],
        "wireless",
    ),
    ("subscriber_changes", [LINE | {"change_id": "s2"} | SECOND], "wireless"),
    (
        "cdrs",
        [
            CALL | {"cdr_id": "c3"},
            CALL | {"cdr_id": "c4", "calling_number": "+14045550124"},
            CALL | {"action": "void"},
        ],
        "wireless",
    ),
)
UNLINED = {"account_id": "V1"}
MOVED = {"account_id": "M1"}
STAGES = ("first", "second", "third", "a year later")


@pytest.fixture(scope="module")
def stages(
    make_warehouse: Callable[[], Warehouse], copy_of: Callable[[Warehouse], Warehouse]
) -> dict[str, Stage]:
    town = Both.of(make_warehouse())
    stages: dict[str, Stage] = {}

    def keep(leave_out: Sequence[str] = ()) -> None:
        stages[STAGES[len(stages)]] = Stage(copy_of(town.warehouse), town.differences(leave_out))

    town.load("accounts", [ACCOUNT, ACCOUNT | UNLINED, ACCOUNT | MOVED])
    town.load("orders", [ORDER, ORDER | MOVED | {"order_id": "om"}], "wireless")
    town.load("orders", [ORDER | UNLINED | {"plan_id": "WIRELINE_LD"}], "wireline")
    town.load("subscriber_changes", [LINE], "wireless")
    town.load("cdrs", [CALL, CALL | {"cdr_id": "c2"}], "wireless")
    # the void takes the record out before anybody knows whose it was; the line comes a night later
    town.load("cdrs", [CALL, CALL | {"action": "void"}], "wireline")
    town.build()
    keep()

    town.load("subscriber_changes", [LINE | UNLINED], "wireline")
    (row,) = town.warehouse.rows("select max(load_id) as last from raw.loads")
    with loads_between(town.warehouse, row["last"]):
        town.build()
    # as if they had not come: only the manifest of loads, which is no matter of runs, has them, and
    # what counts its records
    keep(leave_out=["control.load_control", "control.usage_control"])

    for feed, rows, carrier in BETWEEN_MODELS:
        town.rater.load(feed, rows, carrier, None)
    town.close(date(2025, 6, 1))
    keep()

    town.load("accounts", [ACCOUNT | MOVED | {"bill_cycle_day": "15"}])
    town.close(date(2025, 7, 15))
    town.load("accounts", [ACCOUNT | MOVED])
    town.close(date(2026, 3, 1))
    keep()
    return stages


@contextmanager
def loads_between(warehouse: Warehouse, last: int) -> Iterator[None]:
    """Loads that commit in the middle of a run."""
    for feed, rows, carrier in BETWEEN_MODELS:
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
    yield
    warehouse.execute("drop event trigger load_between")
    (row,) = warehouse.rows("select max(load_id) as last from raw.loads")
    assert row["last"] == last + len(BETWEEN_MODELS)


def test_a_void_without_a_line_finds_its_account(stages: dict[str, Stage]) -> None:
    def voided(stage: str) -> list[str | None]:
        rows = stages[stage].warehouse.mart("rating.voided_usage")
        return [row["account_id"] for row in rows if row["carrier_id"] == "wireline"]

    assert voided("first") == [None, None]
    assert voided("second") == ["V1", "V1"]
    control = stages["second"].warehouse.mart("control.usage_control")
    assert {
        row["cycle_start"]: row["voided"] for row in control if row["carrier_id"] == "wireline"
    } == {None: 0, date(2025, 1, 1): 2}


def test_a_load_between_two_models_waits_for_the_next_run(stages: dict[str, Stage]) -> None:
    # plain dbt holds no lock: what commits while it runs must be seen by all models or by none
    assert stages["first"].differences == []
    assert stages["second"].differences == []
    assert stages["third"].differences == []


def test_matrix_shows_twelve_closed_cycles(stages: dict[str, Stage]) -> None:
    # The bill cycle day goes from the 1st to the 15th and back: two short cycles, so that the year
    # to March has 13. The matrix has the last 12.
    at = stages["a year later"]
    closed = sorted(
        row["cycle_start"]
        for row in at.warehouse.mart("rollover.rollover_matrix")
        if row["account_id"] == "M1" and row["is_closed"]
    )
    assert closed[0] == date(2025, 4, 1)
    assert len(closed) == 12
    assert at.differences == []
