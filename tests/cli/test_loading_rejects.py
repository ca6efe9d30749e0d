"""Why a row is not accepted: every reason, which of several, and what is kept of the row."""

from __future__ import annotations

import csv
import io
import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from tandem import schema
from tandem.database import exclusive
from tandem.errors import Refused
from tandem.feeds import REPORTED_QUANTITIES
from tests.cli.samples import (
    GOOD,
    Row,
    as_of_of,
    carrier_of,
    csv_lines,
    csv_text,
    rows_in_raw,
    stored,
    write,
)
from tests.support.warehouse import PROJECT, Databases, Warehouse

pytestmark = pytest.mark.xdist_group("loading")

NOW = datetime.now(UTC)
SOON = (NOW + timedelta(hours=23)).isoformat()
FUTURE = (NOW + timedelta(hours=25)).isoformat()
LONG = "x" * 1001


class Case(NamedTuple):
    """A change to a good row, and the reason with words of its sentence (None: accepted)."""

    change: Row
    reason: str | None
    column: str = ""


def missing(*columns: str) -> list[Case]:
    """Each of the columns has to be filled."""
    return [Case({column: None}, "missing_value", column) for column in columns]


def not_decimal(column: str) -> list[Case]:
    """What is no decimal with a point, or far too large; and what is one."""
    texts = (
        "1e5",
        "1E-2",
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "inf",
        "+5",
        "5.",
        ".5",
        ".",
        "-",
        "--5",
        "5,5",
        "1,000",
        "1_000",
        "1 000",
        " 5",
        "5 ",
        "5\n",
        "0x10",
        "٣",
        "½",
        "5 min",
        "$5",
        "null",
        "5; drop table raw.loads",
        "9" * 41,
        "0." + "0" * 41,
    )
    return [
        *(Case({column: text}, "bad_type", column) for text in texts),
        Case({column: "9" * 1001}, "too_long", column),
        Case({column: "9" * 40}, "bad_value", column),
        Case({column: "9" * 40 + "." + "9" * 40}, "bad_value", column),
        Case({column: "-" + "9" * 40}, "bad_value", column),
        Case({column: "1000000001"}, "bad_value", column),
        Case({column: "1000000000.0000000000000000000000000000000000000001"}, "bad_value", column),
    ]


def not_above_zero(column: str) -> list[Case]:
    """Nothing, or less."""
    sentence = f"{column.capitalize()} is not above 0"
    return [
        Case({column: text}, "bad_value", sentence)
        for text in ("0", "-0", "0.000", "-1", "-0.000001", "-1000000001")
    ]


def part_of_base_unit(column: str, *, as_shown: bool = True) -> list[Case]:
    """A second, a byte and a message cannot be parted; what is unknown can.

    `as_shown`: units may come in the six decimals in which they are shown.
    """
    sentence = f"{column.capitalize()} is not a whole number of the pool's base units"
    return [
        Case({"pool_id": pool, column: text}, "bad_value" if bad else None, sentence if bad else "")
        for pool, text, bad in (
            ("anytime", "20.5", False),
            ("anytime", "20.05", False),
            ("anytime", "20.0500000000000000000000000000000000000000", False),
            ("anytime", "20.01", True),
            ("anytime", "20.0500000000000000000000000000000000000001", True),
            ("anytime", "20.016667", not as_shown),
            ("anytime", "20.983333", not as_shown),
            ("anytime", "20.016666", True),
            ("anytime", "20.0166667", True),
            ("anytime", "20.01666666666666666666666666666666666667", True),
            ("data", "20.000001", False),
            ("data", "20.0000001", True),
            ("messages", "20.0", False),
            ("messages", "20.5", True),
            ("no such pool", "20.0000000000000000000000000000000000000001", False),
            ("Anytime", "20.01", False),
        )
    ]


PART = ("bad_value", "Quantity is not a whole number of the pool's base units")
EXPIRES = ("bad_value", "Expires_on is not after earned_cycle_start")
CYCLE_END = ("bad_value", "Cycle_end is not after cycle_start")
ROOMY: Row = {
    **dict.fromkeys(REPORTED_QUANTITIES, "0"),
    "allowance": "1000000000",
    "overage": "1000000000",
}
HALVES: Row = {"allowance": "483.333333", "plan_used": "241.666667", "accumulated": "241.666667"}
EXTENSION: Row = {
    "action": "extension",
    "bucket_cycle_start": "2025-02-01",
    "extend_cycles": "1",
}


CASES: dict[str, list[Case]] = {
    "cdrs": [
        Case({"cdr_id": None}, "missing_value", "cdr_id"),
        Case({"direction": None}, "missing_value", "direction"),
        Case({"service": None}, "missing_value", "service"),
        Case({"started_at": None}, "missing_value", "started_at"),
        Case({"quantity": None}, "missing_value", "quantity"),
        Case({"calling_number": None}, "missing_value", "calling_number"),
        Case({"direction": "terminated", "called_number": None}, "missing_value", "called_number"),
        Case({"called_number": None}, None),
        Case({"direction": "terminated", "calling_number": None}, None),
        Case({"called_number": None, "service": "data"}, None),
        Case({"cdr_id": LONG}, "too_long", "cdr_id"),
        Case({"cdr_id": "y" * 1000}, None),
        Case({"cdr_id": "ÿ" * 1000}, None),
        Case({"other_party_carrier_id": LONG}, "too_long", "other_party_carrier_id"),
        Case({"started_at": "2025-05-01T12:00:00"}, "bad_type", "started_at"),
        Case({"started_at": "2025-05-01"}, "bad_type", "started_at"),
        Case({"started_at": "2025-02-30T12:00:00Z"}, "bad_type", "started_at"),
        Case({"started_at": "01.05.2025 12:00:00Z"}, "bad_type", "started_at"),
        Case({"started_at": "2025-05-01T25:00:00Z"}, "bad_type", "started_at"),
        Case({"started_at": "2025-05-01T12:00:00+25:00"}, "bad_type", "started_at"),
        Case({"started_at": "2025-05-01T12:00:00 America/New_York"}, "bad_type", "started_at"),
        Case({"started_at": "now"}, "bad_type", "started_at"),
        Case({"started_at": "infinity"}, "bad_type", "started_at"),
        Case({"started_at": "0000-00-00T00:00:00Z"}, "bad_type", "started_at"),
        Case({"started_at": "2025-05-01T12:00:00.123456789Z"}, None),
        Case({"started_at": "2024-02-29 23:59:59+14:00"}, None),
        Case({"quantity": "1.5"}, "bad_type", "quantity"),
        Case({"quantity": "1e3"}, "bad_type", "quantity"),
        Case({"quantity": " 1"}, "bad_type", "quantity"),
        Case({"quantity": "1_000"}, "bad_type", "quantity"),
        Case({"quantity": "0x10"}, "bad_type", "quantity"),
        Case({"quantity": "٣"}, "bad_type", "quantity"),
        Case({"quantity": "NaN"}, "bad_type", "quantity"),
        Case({"quantity": "9223372036854775808"}, "bad_type", "quantity"),
        Case({"quantity": "9223372036854775807"}, "bad_value", "quantity"),
        Case({"quantity": "1000000000001"}, "bad_value", "quantity"),
        Case({"quantity": "1000000000000"}, None),
        Case({"quantity": "-1"}, "bad_value", "quantity"),
        Case({"quantity": "0"}, None),
        Case({"direction": "sideways"}, "bad_value", "direction"),
        Case({"direction": "Originated"}, "bad_value", "direction"),
        Case({"service": "fax"}, "bad_value", "service"),
        Case({"call_type": "lokal"}, "bad_value", "call_type"),
        Case({"other_party_type": "landline"}, "bad_value", "other_party_type"),
        Case({"action": "update"}, "bad_value", "action"),
        Case({"calling_number": "4045550123"}, "bad_number", "calling_number"),
        Case({"calling_number": "*86"}, "bad_number", "calling_number"),
        Case({"calling_number": "+0404555012"}, "bad_number", "calling_number"),
        Case({"calling_number": "+1404555012345678"}, "bad_number", "calling_number"),
        Case({"calling_number": "+1404555O123"}, "bad_number", "calling_number"),
        Case({"calling_number": "+14045550123\n"}, "bad_number", "calling_number"),
        Case({"calling_number": "+140455501234567"}, None),
        Case({"called_number": "1"}, "bad_number", "called_number"),
        Case({"called_number": "123456789"}, "bad_number", "called_number"),
        Case({"called_number": "anonymous"}, "bad_number", "called_number"),
        Case({"called_number": "12345678"}, None),
        Case({"called_number": "*#"}, None),
        Case({"called_number": "911", "direction": "terminated"}, "bad_number", "called_number"),
        Case({"calling_number": "911", "direction": "terminated"}, None),
        Case({"started_at": FUTURE}, "future_time", "started_at"),
        Case({"started_at": SOON}, None),
        # the first that holds
        Case({"quantity": None, "cdr_id": LONG}, "missing_value", "quantity"),
        Case({"quantity": "x", "other_party_carrier_id": LONG}, "too_long"),
        Case({"quantity": LONG}, "too_long", "quantity"),
        Case({"quantity": "x", "direction": "sideways"}, "bad_type", "quantity"),
        Case({"service": "fax", "calling_number": "x"}, "bad_value", "service"),
        Case({"quantity": "-1", "calling_number": "x"}, "bad_value", "quantity"),
        Case({"calling_number": "x", "started_at": FUTURE}, "bad_number", "calling_number"),
        Case({"direction": "sideways", "calling_number": None}, "bad_value", "direction"),
    ],
    "accounts": [
        Case({"account_id": None}, "missing_value", "account_id"),
        Case({"bill_cycle_day": None}, "missing_value", "bill_cycle_day"),
        Case({"time_zone": None}, "missing_value", "time_zone"),
        Case({"tax_jurisdiction_id": None}, "missing_value", "tax_jurisdiction_id"),
        Case({"opened_on": None}, "missing_value", "opened_on"),
        Case(
            dict.fromkeys(
                (
                    "holder_name",
                    "address_line1",
                    "city",
                    "region",
                    "postal_code",
                    "country",
                    "email",
                )
            ),
            None,
        ),
        Case({"holder_name": LONG}, "too_long", "holder_name"),
        Case({"bill_cycle_day": "first"}, "bad_type", "bill_cycle_day"),
        Case({"bill_cycle_day": "0"}, "bad_value", "bill_cycle_day"),
        Case({"bill_cycle_day": "29"}, "bad_value", "bill_cycle_day"),
        Case({"bill_cycle_day": "99999999999"}, "bad_value", "bill_cycle_day"),
        Case({"bill_cycle_day": "28"}, None),
        Case({"time_zone": "EDT5"}, "bad_value", "time_zone"),
        Case({"time_zone": "america/new_york"}, "bad_value", "time_zone"),
        Case({"time_zone": "Asia/Kathmandu"}, None),
        Case({"opened_on": "2025-02-29"}, "bad_type", "opened_on"),
        Case({"opened_on": "05/01/2025"}, "bad_type", "opened_on"),
        Case({"opened_on": "2025-05-01T00:00:00Z"}, "bad_type", "opened_on"),
        Case({"closed_on": "soon"}, "bad_type", "closed_on"),
        Case({"tax_jurisdiction_id": "NOWHERE"}, None),  # told at the close
        Case({"billing_system": LONG}, "too_long", "billing_system"),
        Case({"billing_system": "x" * 1000}, None),
        # taken for another system, it would get no bills of ours
        Case({"billing_system": "Tandem"}, "bad_value", "billing_system"),
        Case({"billing_system": "tandem "}, "bad_value", "billing_system"),
    ],
    "subscribers": [
        Case({"account_id": None}, "missing_value", "account_id"),
        Case({"service_number": None}, "missing_value", "service_number"),
        Case({"status": None}, "missing_value", "status"),
        Case({"activated_at": None}, "missing_value", "activated_at"),
        Case({"plan_id": None, "subscriber_name": None, "email": None}, None),
        Case({"email": LONG}, "too_long", "email"),
        Case({"activated_at": "2025-01-01T00:00:00"}, "bad_type", "activated_at"),
        Case({"deactivated_at": "2025-01-01"}, "bad_type", "deactivated_at"),
        Case({"status": "dormant"}, "bad_value", "status"),
        Case({"status": "disconnected"}, "bad_value"),
        Case({"status": "disconnected", "service_number": "1"}, "bad_value"),
        Case({"status": "disconnected", "deactivated_at": "2025-01-01T00:00:00Z"}, None),
        Case({"service_number": "911"}, "bad_number", "service_number"),
        Case({"activated_at": FUTURE}, None),
    ],
    "subscriber_changes": [
        Case({"change_id": None}, "missing_value", "change_id"),
        Case({"changed_at": None}, "missing_value", "changed_at"),
        Case({"changed_at": "yesterday"}, "bad_type", "changed_at"),
        Case({"changed_at": FUTURE}, "future_time", "changed_at"),
        Case({"changed_at": SOON}, None),
        Case({"status": "disconnected"}, "bad_value"),
        Case({"status": "disconnected", "changed_at": FUTURE}, "bad_value"),
        Case({"service_number": "+"}, "bad_number", "service_number"),
    ],
    "orders": [
        Case({"order_id": None}, "missing_value", "order_id"),
        Case({"account_id": None}, "missing_value", "account_id"),
        Case({"action": None}, "missing_value", "action"),
        Case({"requested_at": None}, "missing_value", "requested_at"),
        Case({"effective_on": None}, "missing_value", "effective_on"),
        Case({"status": None}, "missing_value", "status"),
        Case({"plan_id": None}, "missing_value", "plan_id"),
        Case({"plan_id": None, "action": "change_plan"}, "missing_value", "plan_id"),
        Case({"plan_id": None, "action": "cancel"}, "missing_value", "plan_id"),
        Case({"plan_id": None, "action": "update_subscriber"}, None),
        Case({"action": "add_line"}, "missing_value", "service_number"),
        Case({"action": "remove_line"}, "missing_value", "service_number"),
        Case({"action": "add_line", "service_number": "+14045550123", "plan_id": None}, None),
        Case({"counterpart_order_id": LONG}, "too_long", "counterpart_order_id"),
        Case({"requested_at": "2025-05-01 12:00"}, "bad_type", "requested_at"),
        Case({"status_at": "2025-05-01 12:00"}, "bad_type", "status_at"),
        Case({"effective_on": "2025-13-01"}, "bad_type", "effective_on"),
        Case({"action": "upgrade"}, "bad_value", "action"),
        Case({"action": "upgrade", "plan_id": None}, "bad_value", "action"),
        Case({"status": "done"}, "bad_value", "status"),
        Case({"service_number": "411"}, "bad_number", "service_number"),
        Case({"requested_at": FUTURE}, "future_time", "requested_at"),
        Case({"requested_at": SOON}, None),
        Case({"effective_on": "2099-01-01"}, None),
        Case({"service_number": "411", "requested_at": FUTURE}, "bad_number"),
    ],
    "rollover_adjustments": [
        *missing(
            "adjustment_id",
            "account_id",
            "pool_id",
            "action",
            "quantity",
            "reason_code",
            "adjusted_at",
            "adjusted_by",
        ),
        Case({"note": LONG}, "too_long", "note"),
        Case({"note": "x" * 1000}, None),
        *not_decimal("quantity"),
        *not_above_zero("quantity"),
        *part_of_base_unit("quantity", as_shown=False),
        Case({"quantity": "0.0166666666666666666666666666666666666667"}, *PART),
        Case({"action": "refund"}, "bad_value", "action"),
        Case({"action": "Credit"}, "bad_value", "action"),
        Case({"reason_code": "NOWHERE"}, None),  # told at the close
        Case({"adjusted_at": "2025-05-01"}, "bad_type", "adjusted_at"),
        Case({"adjusted_at": "2025-05-01T12:00:00"}, "bad_type", "adjusted_at"),
        Case({"adjusted_at": FUTURE}, "future_time", "adjusted_at"),
        Case({"adjusted_at": SOON}, None),
        # a resale and an extension name a bucket; only an extension asks for cycles
        Case({"action": "debit"}, None),
        Case({"action": "resale"}, "missing_value", "bucket_cycle_start"),
        Case({"action": "resale", "bucket_cycle_start": "2025-02-01"}, None),
        Case({"action": "extension", "extend_cycles": "1"}, "missing_value", "bucket_cycle_start"),
        Case(EXTENSION | {"extend_cycles": None}, "missing_value", "extend_cycles"),
        Case(EXTENSION, None),
        Case(EXTENSION | {"extend_cycles": "001"}, None),
        Case(EXTENSION | {"extend_cycles": "0"}, "bad_value", "extend_cycles of an extension"),
        Case(EXTENSION | {"extend_cycles": "-1"}, "bad_value", "extend_cycles"),
        Case(EXTENSION | {"extend_cycles": "1.0"}, "bad_type", "extend_cycles"),
        Case(EXTENSION | {"extend_cycles": "one"}, "bad_type", "extend_cycles"),
        Case(EXTENSION | {"extend_cycles": "1201"}, "bad_value", "extend_cycles"),
        Case(EXTENSION | {"extend_cycles": "9" * 18}, "bad_value", "extend_cycles"),
        Case(EXTENSION | {"extend_cycles": "9" * 19}, "bad_type", "extend_cycles"),
        Case({"extend_cycles": "0", "bucket_cycle_start": "2025-02-01"}, None),
        Case({"extend_cycles": "-1"}, "bad_value", "extend_cycles"),
        Case({"bucket_cycle_start": "2025-02-29"}, "bad_type", "bucket_cycle_start"),
        Case({"bucket_cycle_start": "2025-02-01T00:00:00Z"}, "bad_type", "bucket_cycle_start"),
        Case({"bucket_cycle_start": "0000-01-01"}, "bad_type", "bucket_cycle_start"),
        Case({"bucket_cycle_start": "9999-12-31"}, None),
        # the first that holds
        Case(EXTENSION | {"quantity": "0", "extend_cycles": None}, "missing_value"),
        Case({"quantity": "0", "action": "refund"}, "bad_value", "action"),
        Case({"quantity": "1000000001", "action": "refund"}, "bad_value", "action"),
        Case({"quantity": "0.001", "adjusted_at": FUTURE}, "bad_value", "quantity"),
    ],
    "rollover_opening": [
        *missing("account_id", "pool_id", "earned_cycle_start", "expires_on", "quantity", "as_of"),
        Case({"account_id": LONG}, "too_long", "account_id"),
        Case({"pool_id": LONG}, "too_long", "pool_id"),
        *not_decimal("quantity"),
        *not_above_zero("quantity"),
        *part_of_base_unit("quantity"),
        *not_decimal("deferred_amount"),
        Case({"deferred_amount": None}, None),
        Case({"deferred_amount": "0"}, None),
        Case({"deferred_amount": "0.01"}, None),
        Case({"deferred_amount": "0.0100000"}, None),
        Case({"deferred_amount": "0.001"}, "bad_value", "Deferred_amount is not in whole cents"),
        Case({"deferred_amount": "-0.01"}, "bad_value", "deferred_amount is not between 0 and"),
        Case({"deferred_amount": "1000000000"}, None),
        Case({"deferred_amount": "1000000000.01"}, "bad_value", "deferred_amount"),
        Case({"earned_cycle_start": "2025-04-31"}, "bad_type", "earned_cycle_start"),
        Case({"earned_cycle_start": "2025-08-01"}, *EXPIRES),
        Case({"expires_on": "2025-04-01"}, *EXPIRES),
        Case({"expires_on": "2025-03-31"}, *EXPIRES),
        Case({"expires_on": "2025-04-02"}, None),
        Case({"expires_on": "soon"}, "bad_type", "expires_on"),
        Case({"expires_on": "9999-12-31"}, None),
        # a time with an offset, or a date
        Case({"as_of": "2025-06-01"}, None),
        Case({"as_of": "2025-06-01T00:00:00+14:00"}, None),
        Case({"as_of": "2025-06-01T00:00:00"}, "bad_type", "as_of"),
        Case({"as_of": "2025-06-31"}, "bad_type", "as_of"),
        Case({"as_of": "0000-00-00"}, "bad_type", "as_of"),
        Case({"as_of": "2025-06"}, "bad_type", "as_of"),
        Case({"as_of": "20250601"}, "bad_type", "as_of"),
        Case({"as_of": "2025-06-01 "}, "bad_type", "as_of"),
        Case({"as_of": "today"}, "bad_type", "as_of"),
        Case({"as_of": "infinity"}, "bad_type", "as_of"),
        Case({"as_of": FUTURE}, "future_time", "as_of"),
        Case({"as_of": (NOW + timedelta(days=3)).date().isoformat()}, "future_time", "as_of"),
        Case({"as_of": SOON}, None),
        # the first that holds
        Case({"quantity": "0", "expires_on": "2025-04-01"}, "bad_value", "Quantity"),
        Case({"quantity": "0.001", "expires_on": "2025-04-01"}, *EXPIRES),
        Case({"expires_on": "2025-04-01", "as_of": FUTURE}, *EXPIRES),
    ],
    "rollover_results": [
        *missing(
            "account_id",
            "pool_id",
            "cycle_start",
            "cycle_end",
            *REPORTED_QUANTITIES,
            "reported_at",
        ),
        Case({"request_id": LONG}, "too_long", "request_id"),
        Case({"request_id": None, "plan_fee": None}, None),
        *(
            case._replace(change=ROOMY | case.change)
            for name in REPORTED_QUANTITIES
            for case in (*not_decimal(name), *part_of_base_unit(name))
        ),
        *(Case({name: "-1"}, "bad_value", name) for name in REPORTED_QUANTITIES),
        *(Case({name: "-0.000001"}, "bad_value", name) for name in REPORTED_QUANTITIES),
        *not_decimal("plan_fee"),
        Case({"plan_fee": "-1"}, "bad_value", "plan_fee"),
        Case({"plan_fee": "0"}, None),
        Case({"plan_fee": "50.005"}, "bad_value", "Plan_fee is not in whole cents"),
        Case({"cycle_start": "2025-06-01"}, *CYCLE_END),
        Case({"cycle_start": "2025-06-02"}, *CYCLE_END),
        Case({"cycle_end": "2025-05-02"}, None),
        Case({"cycle_end": "June"}, "bad_type", "cycle_end"),
        Case({"plan_used": "1000", "accumulated": "0"}, None),
        Case({"plan_used": "1001", "accumulated": "0"}, "bad_value", "Plan_used is above allow"),
        Case({"rollover_used": "30"}, None),
        Case({"rollover_used": "31"}, "bad_value", "Rollover_used is above overage"),
        Case({"accumulated": "300.1"}, "bad_value", "Accumulated is above what was left"),
        Case({"accumulated": "0"}, None),  # our own cap may have been theirs too
        # 29,000 seconds, of which 14,500 are used and 14,500, or one more, left
        Case(HALVES, None),
        Case(HALVES | {"accumulated": "241.683333"}, "bad_value", "Accumulated is above what"),
        Case(HALVES | {"pool_id": "data"}, "bad_value", "Accumulated is above what was left"),
        Case({"reported_at": "2025-06-01"}, "bad_type", "reported_at"),
        Case({"reported_at": FUTURE}, "future_time", "reported_at"),
        Case({"reported_at": SOON}, None),
        # the first that holds
        Case({"allowance": "-1", "cycle_end": "2025-05-01"}, "bad_value", "allowance"),
        Case({"plan_used": "1001", "rollover_used": "31"}, "bad_value", "Plan_used"),
        Case({"expired": "0.001", "reported_at": FUTURE}, "bad_value", "Expired is not a whole"),
    ],
}
KEYS = {
    "cdrs": "cdr_id",
    "orders": "order_id",
    "subscriber_changes": "change_id",
    "rollover_adjustments": "adjustment_id",
    "rollover_opening": "account_id",
    "rollover_results": "account_id",
}


def case_rows(feed: str) -> list[Row]:
    """A row per case, each with an id of its own."""
    rows = []
    for number, case in enumerate(CASES[feed], 1):
        row = dict(GOOD[feed])
        if feed in KEYS:
            row[KEYS[feed]] = f"case{number}"
        rows.append(row | case.change)
    return rows


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("feed", CASES)
def test_each_reason(clean: Warehouse, tmp_path: Path, feed: str, ending: str) -> None:
    rows = case_rows(feed)
    path = write(tmp_path / f"x{ending}", rows)
    result = clean.load_path(feed, path, carrier_of(feed), as_of_of(feed), max_rejects=100)
    rejects = {
        row["row_number"]: row
        for row in clean.rows("select * from raw.rejects where load_id = %s", result.load_id)
    }
    found = {number: reject["reason_code"] for number, reject in rejects.items()}
    wanted = {
        number: case.reason for number, case in enumerate(CASES[feed], 1) if case.reason is not None
    }
    differing = {
        number: (CASES[feed][number - 1], found.get(number))
        for number in found.keys() | wanted.keys()
        if found.get(number) != wanted.get(number)
    }
    assert differing == {}
    for number, case in enumerate(CASES[feed], 1):
        if case.column:
            assert case.column.lower() in rejects[number]["reason"].lower(), case
    # nothing is lost
    assert result.read == len(rows) == result.accepted + result.rejected
    assert result.rejected == len(wanted)
    assert sum(result.reasons.values()) == result.rejected
    assert [row["row_number"] for row in stored(clean, feed)] == [
        number for number in range(1, len(rows) + 1) if number not in wanted
    ]
    # and the text is kept as it stood in the file
    for number, reject in rejects.items():
        row = rows[number - 1]
        if ending == ".csv":
            assert reject["raw_text"] == csv_lines([row])[0]
        else:
            assert json.loads(reject["raw_text"]) == row


def test_reports_are_those_of_accounts_that_others_bill(clean: Warehouse, tmp_path: Path) -> None:
    systems: dict[str, list[Row]] = {
        "a.csv": [
            GOOD["accounts"] | {"account_id": "ours"},
            GOOD["accounts"] | {"account_id": "theirs", "billing_system": "legacy"},
            GOOD["accounts"] | {"account_id": "gone", "billing_system": "tandem"},
            GOOD["accounts"] | {"account_id": "come", "billing_system": "legacy"},
            GOOD["accounts"] | {"account_id": "twice", "billing_system": "legacy"},
            GOOD["accounts"] | {"account_id": "twice"},
            GOOD["accounts"] | {"account_id": "capital", "billing_system": "Legacy"},
        ],
        "b.csv": [
            GOOD["accounts"] | {"account_id": "gone", "billing_system": "legacy"},
            GOOD["accounts"] | {"account_id": "come"},
        ],
    }
    for name, accounts in systems.items():
        clean.load_path("accounts", write(tmp_path / name, accounts))
    names = ("ours", "theirs", "gone", "come", "twice", "capital", "unknown", "Ours")
    rows = [GOOD["rollover_results"] | {"account_id": name} for name in names]
    path = write(tmp_path / "r.csv", rows)
    result = clean.load_path("rollover_results", path, max_rejects=100)
    assert (result.accepted, result.reasons) == (5, {"bad_value": 3})
    accepted = [row["account_id"] for row in stored(clean, "rollover_results")]
    assert accepted == ["theirs", "gone", "capital", "unknown", "Ours"]
    sentences = clean.rows("select distinct reason from raw.rejects")
    assert sentences == [
        {"reason": "The account is billed by Tandem itself, not by the system that reports"}
    ]
    # what came first is known, even where the account is ours now
    last = [GOOD["accounts"] | {"account_id": "theirs"}]
    clean.load_path("accounts", write(tmp_path / "c.csv", last))
    path = write(tmp_path / "r.jsonl", [GOOD["rollover_results"] | {"account_id": "theirs"}])
    result = clean.load_path("rollover_results", path, max_rejects=100)
    assert result.reasons == {"bad_value": 1}


@pytest.mark.parametrize("feed", ["rollover_adjustments", "rollover_opening", "rollover_results"])
def test_quantities_cannot_be_judged_without_the_catalog(
    databases: Databases, tmp_path: Path, feed: str
) -> None:
    name = f"t_{uuid.uuid4().hex[:12]}"
    databases.create(name)
    try:
        empty = Warehouse(databases, name, PROJECT, tmp_path)
        with exclusive(empty.settings, "test") as connection:
            schema.initialise(connection)
        with pytest.raises(Refused, match="run 'tandem init' first"):
            empty.load_path(feed, write(tmp_path / "x.csv", [GOOD[feed]]))
    finally:
        databases.drop(name)


def test_wrong_number_of_fields_comes_first(clean: Warehouse, tmp_path: Path) -> None:
    header, good = csv_text([GOOD["cdrs"]]).splitlines()
    width = header.count(",") + 1
    lines = [
        good,
        good + ",",  # one too many
        good.rsplit(",", 1)[0],  # one too few
        ",".join([""] * (width + 1)),  # everything missing, but shape is first
        "   ",
        'c2,"+1404,x',  # a quote that never ends
        good.replace("c1", "c3"),
        "c4" + "," * (width - 1),
    ]
    path = tmp_path / "c.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    result = clean.load_path("cdrs", path, "wireless", max_rejects=100)
    rejects = clean.rows("select * from raw.rejects order by row_number")
    assert [(row["row_number"], row["reason_code"]) for row in rejects] == [
        (2, "bad_shape"),
        (3, "bad_shape"),
        (4, "bad_shape"),
        (5, "bad_shape"),
        (6, "bad_shape"),
        (8, "missing_value"),
    ]
    assert [row["raw_text"] for row in rejects] == [lines[i] for i in (1, 2, 3, 4, 5, 7)]
    assert "12 fields" in rejects[0]["reason"] and "11" in rejects[0]["reason"]
    assert (result.read, result.accepted, result.rejected) == (8, 2, 6)


def test_a_quote_opened_by_mistake_costs_one_row(clean: Warehouse, tmp_path: Path) -> None:
    rows = [GOOD["accounts"] | {"account_id": f"A{i:05}"} for i in range(3_000)]
    lines = csv_text(rows).splitlines()
    lines[1500] = lines[1500].replace("Zoë", '"Zoë').replace(",Zoë", ',"Zoë')
    lines[1500] = 'A01499,"Zoë' + ",x" * 13
    path = tmp_path / "a.csv"
    path.write_text("\n".join(line.replace('"1, Main Street"', "1 Main") for line in lines) + "\n")
    result = clean.load_path("accounts", path)
    assert (result.read, result.accepted, result.rejected) == (3_000, 2_999, 1)
    reject = clean.rows("select row_number, reason_code from raw.rejects")
    assert reject == [{"row_number": 1500, "reason_code": "bad_shape"}]


def test_carriage_returns_inside_a_line(clean: Warehouse, tmp_path: Path) -> None:
    header, good = csv_text([GOOD["accounts"]]).splitlines()
    quoted = good.replace("Atlanta", '"At\rlanta"')
    bare = good.replace("Atlanta", "At\rlanta")
    tail = good.removesuffix(",") + ',""\rA9,smuggled'
    long = good.replace("Atlanta", "x\r" + "y" * 200_000)
    path = tmp_path / "a.csv"
    path.write_bytes("\n".join([header, quoted, bare, tail, long, good, ""]).encode())
    result = clean.load_path("accounts", path, max_rejects=100)
    assert (result.read, result.accepted, result.rejected) == (5, 2, 3)
    assert [row["city"] for row in stored(clean, "accounts")] == ["At\rlanta", "Atlanta"]
    rejects = clean.rows("select row_number, reason_code, raw_text from raw.rejects order by 1")
    assert [(row["row_number"], row["reason_code"]) for row in rejects] == [
        (2, "bad_shape"),
        (3, "bad_shape"),
        (4, "bad_shape"),
    ]
    assert [row["raw_text"] for row in rejects] == [bare, tail, long]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('{"cdr_id": "c1"', id="cut short"),
        pytest.param("[1, 2]", id="array"),
        pytest.param('"text"', id="text"),
        pytest.param("null", id="null"),
        pytest.param("NaN", id="not JSON"),
        pytest.param("cdr_id,service", id="CSV"),
        pytest.param('{"cdr_id": {"a": 1}}', id="nested"),
        pytest.param('{"cdr_id": "a\\u0000b"}', id="escaped NUL"),
        pytest.param('{"cdr_id": "\\ud800"}', id="half a surrogate pair"),
        pytest.param('{"cdr_id": 1e999999}', id="huge number"),
        pytest.param("[" * 200_000, id="deeply nested"),
        pytest.param('{"x":' * 20_000 + "1" + "}" * 20_000, id="deeply nested objects"),
    ],
)
def test_broken_json_lines(clean: Warehouse, tmp_path: Path, line: str) -> None:
    path = tmp_path / "c.jsonl"
    good = json.dumps(GOOD["cdrs"])
    path.write_text(f"{line}\n\n{good}\n")
    result = clean.load_path("cdrs", path, "wireless", max_rejects=50)
    assert (result.read, result.accepted, result.rejected) == (2, 1, 1)
    rejects = clean.rows("select row_number, reason_code, raw_text from raw.rejects")
    assert rejects == [{"row_number": 1, "reason_code": "bad_shape", "raw_text": line}]


def test_json_line_without_a_required_member(clean: Warehouse, tmp_path: Path) -> None:
    row = {name: value for name, value in GOOD["cdrs"].items() if name != "service"}
    path = write(tmp_path / "c.jsonl", [row])
    result = clean.load_path("cdrs", path, "wireless", max_rejects=100)
    assert result.reasons == {"missing_value": 1}


def test_reject_texts_are_those_of_the_right_rows_in_a_big_file(
    clean: Warehouse, tmp_path: Path
) -> None:
    rows = [GOOD["accounts"] | {"account_id": f"A{i:05}"} for i in range(1, 12_001)]
    bad = {1, 2, 5_000, 9_999, 12_000}
    for number in bad:
        rows[number - 1] |= {"time_zone": f"Mars/{number}", "holder_name": "a\nb"}
    for ending in (".csv", ".jsonl", ".parquet"):
        result = clean.load_path("accounts", write(tmp_path / f"a{ending}", rows))
        rejects = clean.rows(
            "select row_number, raw_text from raw.rejects where load_id = %s", result.load_id
        )
        assert {row["row_number"] for row in rejects} == bad, ending
        for row in rejects:
            assert f"A{row['row_number']:05}" in row["raw_text"]
            assert f"Mars/{row['row_number']}" in row["raw_text"]


def test_rejects_of_a_file_may_be_as_many_as_allowed(clean: Warehouse, tmp_path: Path) -> None:
    rows = [GOOD["cdrs"] | {"cdr_id": f"c{i}"} for i in range(10)]
    rows[3] |= {"service": "fax"}
    result = clean.load_path("cdrs", write(tmp_path / "c.csv", rows), "wireless")
    assert (result.accepted, result.rejected) == (9, 1)  # 10 % is not more than 10 %
    counts = rows_in_raw(clean)
    assert (counts["cdrs"], counts["rejects"], counts["loads"]) == (9, 1, 1)


def test_csv_helper_writes_what_python_reads() -> None:
    rows = case_rows("accounts")
    read = list(csv.DictReader(io.StringIO(csv_text(rows), newline="")))
    assert read == [{name: value or "" for name, value in row.items()} for row in rows]
