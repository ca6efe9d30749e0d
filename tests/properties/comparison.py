"""The warehouse against the rater, mart by mart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

Row = Mapping[str, Any]


class HasMarts(Protocol):
    """Anything that answers with the rows of a mart."""

    def mart(self, name: str) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Compared:
    """A mart and what of it is compared.

    Attributes:
        name: schema and name.
        key: columns that make a row unique.
        columns: further columns compared exactly.
        tolerance: columns of units compared to the last two of six decimals.
        relevant: rows that take part; all by default.
        summed: of rows with one key these columns are added up before comparing.
        only_where: columns that are compared where the rater's row fulfils a condition.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    tolerance: tuple[str, ...] = ()
    relevant: Callable[[Row], bool] = field(default=lambda row: True)
    summed: tuple[str, ...] = ()
    only_where: Mapping[str, Callable[[Row], bool]] = field(default_factory=dict)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _holds_units(bucket: Row) -> bool:
    return bool(bucket["remaining_quantity"])


def _is_live(bucket: Row) -> bool:
    return _holds_units(bucket) and bucket["status"] != "archived"


MATRIX_UNITS = _words(
    """opening_balance taken_over_units adjusted_units allowance_units plan_used_units
    overage_assessed_units rollover_used_units accumulated_units expired_units capped_units
    archived_units closing_balance expiring_next_units"""
)
SUMMARY_UNITS = _words(
    """allowance_units plan_used_units plan_remaining_units rollover_available_units
    rollover_used_units rollover_expiring_units overage_units night_weekend_units
    mobile_to_mobile_units other_no_charge_units"""
)

MARTS: tuple[Compared, ...] = (
    Compared(
        "integrity.effective_plans", ("account_id", "plan_id", "effective_from"), ("effective_to",)
    ),
    Compared(
        "integrity.order_sync",
        ("carrier_id", "order_id", "counterpart_carrier_id"),
        _words(
            "account_id plan_id action status sync_status counterpart_order_id requested_at"
            " effective_on"
        ),
    ),
    Compared(
        "integrity.order_history",
        ("carrier_id", "order_id", "status"),
        _words(
            "account_id action plan_id service_number counterpart_order_id is_current effective_on"
            " requested_at status_at"
        ),
    ),
    Compared(
        "integrity.bundle_exceptions",
        _words(
            "exception_type account_id carrier_id order_id service_number adjustment_id"
            " other_carrier_id opened_at"
        ),
        _words("notify_carrier_id expected found resolved_at"),
    ),
    Compared(
        "integrity.carrier_notifications",
        _words(
            "exception_type account_id carrier_id order_carrier_id order_id service_number expected"
            " found opened_at"
        ),
        _words("is_open resolved_at"),
    ),
    Compared(
        "integrity.pass_through_orders",
        _words("to_carrier_id from_carrier_id order_id"),
        _words("account_id action plan_id sync_status requested_at effective_on"),
    ),
    Compared(
        "integrity.fulfillment_notices",
        _words("carrier_id order_id"),
        _words("account_id action plan_id order_keys effective_on takes_effect_on fulfilled_at"),
    ),
    Compared(
        "integrity.order_instructions",
        _words("carrier_id order_id other_carrier_id instruction opened_at"),
        _words("account_id resolved_at"),
    ),
    Compared(
        "integrity.casi_subscribers",
        ("carrier_id", "account_id", "service_number"),
        ("status", "activated_at", "deactivated_at"),
    ),
    Compared(
        "integrity.casi_discrepancies",
        _words("carrier_id batch_as_of account_id service_number discrepancy_type field"),
        _words("casi_value batch_value"),
    ),
    Compared(
        "integrity.casi_history",
        _words("carrier_id account_id service_number known_from source change_id"),
        _words("known_to plan_id status activated_at deactivated_at subscriber_name email"),
    ),
    Compared(
        "integrity.casi_conflicts",
        _words("account_id plan_id field carrier_id other_carrier_id"),
        _words("carrier_value other_carrier_value since_at"),
    ),
    Compared(
        "rating.suspended_usage",
        ("carrier_id", "cdr_id"),
        _words("service_number started_at service quantity reason load_id"),
    ),
    Compared(
        "rating.voided_usage",
        ("carrier_id", "cdr_id", "action"),
        _words("account_id load_id voided_load_id"),
    ),
    Compared(
        "rating.rated_usage",
        ("carrier_id", "cdr_id", "is_reversal"),
        _words(
            """account_id service_number other_number direction service call_type started_at
            cycle_start cycle_end plan_id treatment pool_id unit_type category no_charge_reason
            rating_platform_id quantity billable_quantity no_charge_quantity plan_quantity
            rollover_quantity overage_quantity metered_quantity rate charge_amount is_late is_closed
            load_id"""
        ),
    ),
    Compared(
        "rating.usage_funding",
        ("carrier_id", "cdr_id", "source", "bucket_id"),
        _words("account_id cycle_start pool_id quantity"),
    ),
    Compared(
        "rollover.rollover_buckets",
        ("bucket_id",),
        _words(
            """account_id pool_id source earned_cycle_start available_from earned_quantity
            used_quantity debited_quantity expired_quantity remaining_quantity expires_on status"""
        ),
        only_where={"expires_on": _is_live, "status": _holds_units},
    ),
    Compared(
        "rollover.rollover_matrix",
        ("account_id", "pool_id", "cycle_start"),
        _words("unit_type cycle_end became_customer_at ended_at rollover_status is_closed"),
        MATRIX_UNITS,
        # frozen pools stand in it while they hold units
        lambda row: any(row[name] for name in MATRIX_UNITS),
    ),
    Compared(
        "rollover.rollover_requests",
        ("account_id", "pool_id"),
        ("cycle_start",),
        _words("balance_units expiring_units adjusted_since_last_cycle_units"),
        lambda row: bool(row["balance_units"]),
    ),
    Compared(
        "rollover.rollover_archive",
        ("bucket_id",),
        _words("account_id pool_id quantity archived_on"),
    ),
    Compared(
        "rollover.rollover_exceptions",
        ("exception_type", "subject"),
        _words("account_id pool_id cycle_start opened_at"),
        ("expected_units", "found_units"),
    ),
    Compared(
        "rollover.adjustment_history",
        ("adjustment_id",),
        _words("account_id pool_id action reason_code adjusted_at adjusted_by cycle_start note"),
        _words("quantity applied_quantity unapplied_quantity"),
    ),
    Compared(
        "unbilled.unbilled_summary",
        ("account_id", "pool_id", "cycle_start"),
        _words("unit_type cycle_end as_of overage_amount metered_amount"),
        SUMMARY_UNITS,
        lambda row: row["pool_id"] == "none" or any(row[name] for name in SUMMARY_UNITS),
    ),
    Compared(
        "unbilled.unbilled_detail",
        ("carrier_id", "cdr_id"),
        _words(
            "account_id service_number local_date local_time other_number category source"
            " charge_amount"
        ),
        ("duration_units",),
    ),
    Compared(
        "billing.bills",
        ("bill_id",),
        _words(
            "account_id cycle_start cycle_end biller_id currency plan_fee_amount usage_amount"
            " one_time_amount tax_amount total_amount close_id"
        ),
    ),
    Compared(
        "billing.bill_lines",
        ("bill_id", "line_number"),
        _words(
            "account_id section plan_id carrier_id service call_type treatment unit_type amount"
        ),
        ("quantity_units",),
    ),
    Compared(
        "settlement.settlement_lines",
        ("bill_id", "agreement_id", "carrier_id"),
        _words(
            "account_id cycle_start cycle_end fixed_amount usage_weight remainder_amount"
            " usage_amount total_amount"
        ),
    ),
    Compared(
        "settlement.settlement_statements",
        ("close_id", "carrier_id"),
        _words(
            "cycle_end_through bills fixed_amount remainder_amount usage_amount total_amount"
            " collected_by net_payable_amount"
        ),
    ),
    Compared(
        "accounting.journal",
        _words("account_id bill_id bucket_id cycle_start event credit_account"),
        ("debit_account", "amount"),
        summed=("amount",),  # a bucket may break in two ways in one cycle
    ),
    Compared(
        "accounting.deferred_revenue",
        ("bucket_id",),
        _words("account_id deferred_amount usage_amount breakage_amount balance_amount"),
        relevant=lambda row: bool(row["deferred_amount"]),
    ),
    Compared(
        "accounting.deferred_revenue_roll_forward",
        ("close_id",),
        _words(
            "opening_amount deferred_amount taken_over_amount recognised_amount breakage_amount"
            " closing_amount"
        ),
    ),
    Compared(
        "control.load_control",
        ("load_id",),
        _words("feed carrier_id rows_read accepted duplicate rejected"),
    ),
    Compared(
        "control.usage_control",
        ("carrier_id", "cycle_start"),
        _words("accepted rated suspended voided"),
        # every carrier has a row without a cycle, if of nothing
        relevant=lambda row: bool(row["accepted"]),
    ),
    Compared(
        "control.money_control",
        ("close_id",),
        (),
    ),
)


def _always(_row: Row) -> bool:
    return True


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value.normalize() + 0
    if isinstance(value, datetime):
        return value.timestamp()
    return value


def differences(
    warehouse: HasMarts, rater: HasMarts, marts: Sequence[Compared] = MARTS, limit: int = 12
) -> list[str]:
    """What differs, in words; empty if nothing does."""
    found: list[str] = []
    for mart in marts:
        found += _compare(mart, warehouse.mart(mart.name), rater.mart(mart.name), limit)
    return found


def _compare(
    mart: Compared, actual_rows: Sequence[Row], expected_rows: Sequence[Row], limit: int
) -> list[str]:
    def keyed(rows: Sequence[Row]) -> dict[tuple[Any, ...], Row]:
        result: dict[tuple[Any, ...], Row] = {}
        for row in rows:
            if mart.relevant(row):
                key = tuple(_plain(row[name]) for name in mart.key)
                same = result.get(key)
                assert same is None or mart.summed, f"{mart.name}: two rows for {key}"
                added = {name: same[name] + row[name] for name in mart.summed} if same else {}
                result[key] = {**row, **added}
        return result

    actual, expected = keyed(actual_rows), keyed(expected_rows)
    found: list[str] = []
    for key in sorted(actual.keys() | expected.keys(), key=str):
        if key not in expected:
            found.append(f"{mart.name} {key}: only in the warehouse: {dict(actual[key])}")
        elif key not in actual:
            found.append(f"{mart.name} {key}: only in the rater: {dict(expected[key])}")
        else:
            wrong = [
                f"{name}: {actual[key][name]!r}, rater {expected[key][name]!r}"
                for name in mart.columns
                if mart.only_where.get(name, _always)(expected[key])
                and _plain(actual[key][name]) != _plain(expected[key][name])
            ]
            wrong += [
                f"{name}: {actual[key][name]}, rater {expected[key][name]}"
                for name in mart.tolerance
                if (actual[key][name] is None) != (expected[key][name] is None)
                or abs((actual[key][name] or 0) - (expected[key][name] or 0)) > Decimal("0.00001")
            ]
            if wrong:
                found.append(f"{mart.name} {key}: " + "; ".join(wrong))
    if len(found) > limit:
        found = [*found[:limit], f"{mart.name}: and {len(found) - limit} more"]
    return found
