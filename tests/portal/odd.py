"""What a portal seldom meets: an id with every character that means something in an address, and
a plan of any network."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.warehouse import PROJECT

ACCOUNT = "A000001"  # of the town: the first to come, at both carriers
ID = "K 1/2?#%2F&+é"
PLAN = "ANY 9/5%"
NAME = "Any Network 20"


def catalog() -> dict[str, Sequence[Mapping[str, str]]]:
    """Seeds with a plan whose services are those of any carrier."""
    return {
        "plans": [
            *_seed("plans"),
            _row(
                "plans",
                plan_id=PLAN,
                plan_name=NAME,
                monthly_fee="29.00",
                currency="USD",
                is_integrated="false",
                sync_tolerance_days="0",
                rollover_retention_cycles="2",
                valid_from="2020-01-01",
            ),
        ],
        "plan_pools": [
            *_seed("plan_pools"),
            _pool("anytime", "Anytime minutes", "minute", "20.5"),
            _pool("data", "Shared data", "megabyte", "100"),
        ],
        "plan_services": [
            *_seed("plan_services"),
            _service("voice", "pool", "10", pool_id="anytime", overage_rate="0.30"),
            _service("data", "pool", "20", pool_id="data", overage_rate="0.02"),
            _service("*", "free", "90"),
        ],
    }


def move_in(folder: Path) -> None:
    """Give an account of the town the other id and the other plan."""
    for path in folder.rglob("*.csv"):
        text = path.read_text()
        if f"{ACCOUNT}," in text:
            lines = text.splitlines(keepends=True)
            path.write_text(
                "".join(
                    line.replace(f"{ACCOUNT},", f"{ID},").replace("SHARE1000,", f"{PLAN},")
                    if f"{ACCOUNT}," in line
                    else line
                    for line in lines
                )
            )


def _pool(pool_id: str, name: str, unit_type: str, allowance: str) -> dict[str, str]:
    return _row(
        "plan_pools",
        plan_id=PLAN,
        pool_id=pool_id,
        pool_name=name,
        unit_type=unit_type,
        allowance=allowance,
        burn_order="allowance_first",
        has_rollover="true",
        rollover_cycles="3",
        resale_rate="0.01",
        extension_rate="0.001",
        deferral_fee_share="0.20",
    )


def _service(service: str, treatment: str, priority: str, **more: str) -> dict[str, str]:
    return _row(
        "plan_services",
        plan_id=PLAN,
        carrier_id="*",
        service=service,
        call_type="*",
        direction="*",
        treatment=treatment,
        minimum_quantity="0",
        increment="1",
        priority=priority,
        **more,
    )


def _row(seed: str, **values: str) -> dict[str, str]:
    return dict.fromkeys(_seed(seed)[0], "") | values


def _seed(name: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
