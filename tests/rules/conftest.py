"""One warehouse with an account for each worked example: calls, two closes, three billed cycles.

January is closed first; then a late call and a void arrive, and February and March are closed
together.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.properties.hostile_catalog import read_seeds
from tests.support.warehouse import PROJECT, Databases, Warehouse, copy_project

Row = dict[str, str | None]

OPENED = date(2026, 1, 1)
SHARED = ("wireless", "wireline")
# account -> (plan, carriers at which it is ordered)
ACCOUNTS = {
    "ROLL": ("X2", ("wireless",)),
    "FIRST": ("X2FIRST", ("wireless",)),
    "CAP": ("X2CAP", ("wireless",)),
    "LEAVE": ("X2", ("wireless",)),
    "LATE": ("X2", ("wireless",)),
    "VOID": ("X2", ("wireless",)),
    "BURN": ("SHARE1000", SHARED),
    "MOVE": ("SHARE1000", SHARED),
    "SPLIT": ("SHARE800", SHARED),
    "THIRDS": ("SHARE800", SHARED),
    "METER": ("WIRELINE_LD", ("wireline",)),
}
NUMBERS = {
    (account, carrier): f"+1404555{index:03d}{place}"
    for index, account in enumerate(ACCOUNTS)
    for place, carrier in enumerate(SHARED)
}


def small_plans() -> dict[str, list[dict[str, str]]]:
    """The catalog that ships, and plans of 100 minutes whose units live two cycles (X = 2).

    30.00 a month, wireless alone, voice by the minute with overage at 0.40. X2FIRST draws rollover
    first; X2CAP holds at most 50 minutes.
    """
    seeds = read_seeds(PROJECT / "seeds")

    def add(name: str, **values: str) -> None:
        row = dict.fromkeys(seeds[name][0], "")
        assert set(values) <= set(row), (name, values)
        seeds[name].append(row | values)

    for plan_id, burn_order, cap in (
        ("X2", "allowance_first", ""),
        ("X2FIRST", "rollover_first", ""),
        ("X2CAP", "allowance_first", "50"),
    ):
        add(
            "plans",
            plan_id=plan_id,
            plan_name=plan_id,
            monthly_fee="30.00",
            currency="USD",
            is_integrated="false",
            sync_tolerance_days="0",
            rollover_retention_cycles="1",
            valid_from="2020-01-01",
        )
        add(
            "plan_pools",
            plan_id=plan_id,
            pool_id="anytime",
            pool_name="Anytime minutes",
            unit_type="minute",
            allowance="100",
            burn_order=burn_order,
            has_rollover="true",
            rollover_cycles="2",
            rollover_cap=cap,
            resale_rate="0.05",
            extension_rate="0.01",
        )
        add(
            "plan_services",
            plan_id=plan_id,
            carrier_id="wireless",
            service="voice",
            call_type="*",
            direction="*",
            treatment="pool",
            pool_id="anytime",
            minimum_quantity="60",
            increment="60",
            overage_rate="0.40",
            priority="1",
        )
        add(
            "plan_services",
            plan_id=plan_id,
            carrier_id="wireless",
            service="*",
            call_type="*",
            direction="*",
            treatment="free",
            minimum_quantity="0",
            increment="1",
            priority="2",
        )
    return seeds


def call(
    account: str, name: str, day: str, seconds: int, carrier: str = "wireless", **more: str
) -> Row:
    """A call to a landline, at 15:00 on a working day, so that no rule makes it free."""
    started_at = datetime.fromisoformat(f"2026-{day}T15:00:00+00:00")
    assert started_at.isoweekday() <= 5
    return {
        "cdr_id": f"{account}-{name}",
        "calling_number": NUMBERS[account, carrier],
        "called_number": "+12125550100",
        "direction": "originated",
        "service": "voice",
        "call_type": "local" if carrier == "wireless" else "long_distance",
        "started_at": started_at.isoformat(),
        "quantity": str(seconds),
        "other_party_type": "fixed",
    } | more


def minutes(count: int) -> int:
    return count * 60


CALLS = {
    "wireless": [
        # section 4: 60, 130 and 90 of 100 minutes
        call("ROLL", "1", "01-05", minutes(60)),
        call("ROLL", "2", "02-03", minutes(130)),
        call("ROLL", "3", "03-03", minutes(90)),
        # the same pool, buckets first
        call("FIRST", "1", "01-05", minutes(60)),
        call("FIRST", "2", "02-03", minutes(70)),
        # 30, then 40 minutes unused, where 50 can be held
        call("CAP", "1", "01-05", minutes(70)),
        call("CAP", "2", "02-03", minutes(60)),
        call("CAP", "3", "03-03", minutes(100)),
        # 40 minutes unused, then the plan is cancelled
        call("LEAVE", "1", "01-05", minutes(60)),
        # a call of January arrives after its close; 95 minutes in February
        call("LATE", "1", "01-05", minutes(60)),
        call("LATE", "3", "02-10", minutes(95)),
        # 20 minutes over the allowance, voided after the bill
        call("VOID", "1", "01-05", minutes(120)),
        # section 3: 30 and 50 minutes left, 990 used, then 9:30 and 100 minutes
        call("BURN", "1", "01-05", minutes(970)),
        call("BURN", "2", "02-03", minutes(950)),
        call("BURN", "3", "03-02", minutes(990)),
        call("BURN", "4", "03-03", 9 * 60 + 30),
        call("BURN", "5", "03-04", minutes(100)),
        # section 6
        call("SPLIT", "1", "01-05", minutes(560)),
        call("THIRDS", "1", "01-05", minutes(20)),
    ],
    "wireline": [
        call("SPLIT", "2", "01-06", minutes(240), "wireline"),
        call("THIRDS", "2", "01-06", minutes(10), "wireline"),
        call("METER", "1", "01-05", 10, "wireline"),
        call("METER", "2", "01-06", 25, "wireline"),
        call("METER", "3", "01-07", 0, "wireline"),
    ],
}
AFTER_JANUARY = [
    call("LATE", "2", "01-20", minutes(10)),
    call("VOID", "1", "01-05", minutes(120), action="void"),
]


def order(account: str, carrier: str, action: str, plan_id: str, effective_on: date) -> Row:
    requested_at = datetime.combine(effective_on, datetime.min.time(), UTC) - timedelta(days=5)
    return {
        "order_id": f"{account}-{action}-{plan_id}-{carrier}",
        "account_id": account,
        "action": action,
        "plan_id": plan_id,
        "requested_at": requested_at.isoformat(),
        "effective_on": effective_on.isoformat(),
        "status": "completed",
    }


def orders_of(carrier: str) -> list[Row]:
    rows = [
        order(account, carrier, "subscribe", plan_id, OPENED)
        for account, (plan_id, carriers) in ACCOUNTS.items()
        if carrier in carriers
    ]
    rows.append(order("MOVE", carrier, "change_plan", "SHARE800", date(2026, 2, 11)))
    if carrier == "wireless":
        rows.append(order("LEAVE", carrier, "cancel", "X2", date(2026, 2, 11)))
    return rows


@pytest.fixture(scope="session")
def examples(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The warehouse, with January, February and March closed."""
    folder: Path = tmp_path_factory.mktemp("examples")
    project = copy_project(folder / "project", small_plans())
    with databases.warehouse(folder / "feeds", project=project) as warehouse:
        warehouse.init()
        warehouse.load(
            "accounts",
            [
                {
                    "account_id": account,
                    "holder_name": account.title(),
                    "bill_cycle_day": "1",
                    "time_zone": "UTC",
                    "tax_jurisdiction_id": "US",
                    "opened_on": OPENED.isoformat(),
                }
                for account in ACCOUNTS
            ],
        )
        for carrier in SHARED:
            warehouse.load(
                "subscribers",
                [
                    {
                        "account_id": account,
                        "service_number": NUMBERS[account, carrier],
                        "plan_id": ACCOUNTS[account][0],
                        "status": "active",
                        "activated_at": "2025-12-01T00:00:00Z",
                    }
                    for account in ACCOUNTS
                    if carrier in ACCOUNTS[account][1]
                ],
                carrier,
                datetime(2025, 12, 31, tzinfo=UTC),
            )
            warehouse.load("orders", orders_of(carrier), carrier)
            warehouse.load("cdrs", CALLS[carrier], carrier)
        warehouse.close(date(2026, 2, 1))
        warehouse.load("cdrs", AFTER_JANUARY, "wireless")
        warehouse.close(date(2026, 4, 1))
        yield warehouse
