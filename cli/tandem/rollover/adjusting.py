"""One adjustment, recorded as a load of one row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from tandem.database import Connection
from tandem.errors import Refused
from tandem.feeds import ROLLOVER_ADJUSTMENTS
from tandem.loading.single import OTHER_CONTENT, RejectedError, load_row
from tandem.processes import user_name
from tandem.queries import Row, fetch

FILE_NAME = "rollover adjust"  # in the manifest
OF_A_BUCKET = ("resale", "extension")


class OtherContentError(Refused):
    """There is another adjustment of this id."""


class InvalidPartError(Refused):
    """A part of it cannot be meant so.

    Attributes:
        part: which of `Adjustment`.
    """

    def __init__(self, part: str, message: str) -> None:
        """Say which part, and what is wrong with it."""
        super().__init__(message)
        self.part = part


@dataclass(frozen=True)
class Adjustment:
    """An adjustment as it is asked for; what is None is filled in.

    Attributes:
        account_id, pool_id: whose units.
        action: credit, debit, resale or extension.
        quantity: in units of the pool.
        reason_code: of ``catalog.adjustment_reasons``.
        bucket_cycle_start: resale and extension: the cycle in which the bucket was earned.
        extend_cycles: extension: by how many cycles.
        adjusted_by: who; by default the user of the operating system.
        adjusted_at: when; by default now.
        note: anything.
        adjustment_id: by default ``CLI-`` and the time in UTC.
    """

    account_id: str
    pool_id: str
    action: str
    quantity: Decimal
    reason_code: str
    bucket_cycle_start: date | None = None
    extend_cycles: int | None = None
    adjusted_by: str | None = None
    adjusted_at: datetime | None = None
    note: str | None = None
    adjustment_id: str | None = None


@dataclass(frozen=True)
class Recorded:
    """What became of it.

    Attributes:
        row: the adjustment as it was recorded.
        unit_type: of its quantity.
        load_id: under which it was recorded; None if it was there already, or is only judged.
        warnings: sentences on what will keep it, or a part of it, from being applied.
    """

    row: Row
    unit_type: str
    load_id: int | None
    warnings: tuple[str, ...] = ()


def adjust(connection: Connection, wanted: Adjustment, loaded_by: str | None = None) -> Recorded:
    """Record an adjustment. The caller holds the lock.

    Args:
        connection: a session in autocommit mode.
        wanted: the adjustment.
        loaded_by: for the manifest; by default the user of the operating system.

    Raises:
        Refused: it cannot be meant so; nothing was changed.
    """
    judged = judge(connection, wanted)
    return replace(judged, load_id=_load(connection, judged.row, loaded_by))


def judge(connection: Connection, wanted: Adjustment) -> Recorded:
    """What would be recorded, and what will keep it from being applied; nothing is changed.

    Raises:
        Refused: it cannot be meant so.
    """
    if wanted.quantity <= 0:
        raise InvalidPartError("quantity", f"The quantity {wanted.quantity} is not above 0.")
    unit_type = _refuse_unknown(connection, wanted)
    warnings = (
        _look_at_bucket(connection, wanted)
        if wanted.action in OF_A_BUCKET
        else _look_at_pool(connection, wanted)
    )
    row = _row(wanted)
    warnings += _look_at_frozen(connection, row)
    return Recorded(row, unit_type, None, warnings)


def recorded_before(connection: Connection, adjustment_id: str | None) -> datetime | None:
    """When an adjustment of this id was made, if there is one."""
    rows = fetch(
        connection,
        "select adjusted_at from raw.rollover_adjustments where adjustment_id = %s",
        (adjustment_id,),
    )
    return rows[0]["adjusted_at"] if rows else None


def _row(wanted: Adjustment) -> Row:
    now = datetime.now(UTC)
    at = wanted.adjusted_at or now
    return {
        "adjustment_id": wanted.adjustment_id or f"CLI-{now:%Y%m%dT%H%M%S.%fZ}",
        "account_id": wanted.account_id,
        "pool_id": wanted.pool_id,
        "action": wanted.action,
        "quantity": f"{wanted.quantity:f}",
        "reason_code": wanted.reason_code,
        "adjusted_at": at.astimezone(UTC).isoformat(),
        "adjusted_by": wanted.adjusted_by or user_name(),
        "bucket_cycle_start": wanted.bucket_cycle_start and wanted.bucket_cycle_start.isoformat(),
        "extend_cycles": wanted.extend_cycles and str(wanted.extend_cycles),
        "note": wanted.note,
    }


def _load(connection: Connection, row: Row, loaded_by: str | None) -> int | None:
    """Load the row; None where it is there already."""
    try:
        return load_row(
            connection, ROLLOVER_ADJUSTMENTS, row, file_name=FILE_NAME, loaded_by=loaded_by
        )
    except RejectedError as error:
        if error.code == OTHER_CONTENT:
            raise OtherContentError(
                f"An adjustment {row['adjustment_id']} with other content was recorded before."
            ) from error
        raise Refused(f"The adjustment was not recorded: {error.reason}.") from error


def _refuse_unknown(connection: Connection, wanted: Adjustment) -> str:
    """Refuse ids and codes that nobody knows; returns the unit type of the pool."""
    if not fetch(
        connection, "select from raw.accounts where account_id = %s limit 1", (wanted.account_id,)
    ):
        raise InvalidPartError("account_id", f"There is no account {wanted.account_id}.")
    pools = fetch(
        connection, "select pool_id, max(unit_type) as unit_type from catalog.plan_pools group by 1"
    )
    unit_types = {row["pool_id"]: str(row["unit_type"]) for row in pools}
    if wanted.pool_id not in unit_types:
        raise InvalidPartError(
            "pool_id",
            f"{wanted.pool_id} is no pool of the catalog; there are"
            f" {', '.join(sorted(unit_types))}.",
        )
    reasons = [
        row["reason_code"]
        for row in fetch(
            connection, "select reason_code from catalog.adjustment_reasons order by reason_code"
        )
    ]
    if wanted.reason_code not in reasons:
        raise InvalidPartError(
            "reason_code",
            f"{wanted.reason_code} is no reason of the catalog; there are {', '.join(reasons)}.",
        )
    return unit_types[wanted.pool_id]


def _look_at_bucket(connection: Connection, wanted: Adjustment) -> tuple[str, ...]:
    """Refuse what no bucket is there for; returns warnings."""
    if wanted.bucket_cycle_start is None:
        raise InvalidPartError(
            "bucket_cycle_start",
            f"The {wanted.action} needs --bucket-cycle: in which cycle was the bucket earned?",
        )
    if wanted.action == "extension" and not wanted.extend_cycles:
        raise InvalidPartError(
            "extend_cycles",
            "The extension needs --cycles: how many more cycles shall the bucket live?",
        )
    buckets = fetch(
        connection,
        """
        select bucket_id, status, expired_quantity from rollover.rollover_buckets
        where account_id = %s and pool_id = %s and earned_cycle_start = %s and source = 'plan'
        """,
        (wanted.account_id, wanted.pool_id, wanted.bucket_cycle_start),
    )
    if not buckets:
        raise InvalidPartError(
            "bucket_cycle_start",
            f"{wanted.account_id} has no bucket of {wanted.pool_id} that was earned in the cycle"
            f" of {wanted.bucket_cycle_start}; 'tandem rollover show' lists them.",
        )
    (bucket,) = buckets
    if wanted.action == "extension":
        if bucket["status"] in ("expired", "archived"):
            raise InvalidPartError(
                "bucket_cycle_start",
                f"The bucket {bucket['bucket_id']} is {bucket['status']} already.",
            )
        return ()
    if not bucket["expired_quantity"]:
        raise InvalidPartError(
            "bucket_cycle_start",
            f"Of the bucket {bucket['bucket_id']} nothing has expired to be sold again.",
        )
    (expired,) = fetch(
        connection,
        """
        select max(%s::bigint / base_units_per_unit::numeric) as units
        from catalog.plan_pools inner join catalog.unit_types using (unit_type)
        where pool_id = %s
        """,
        (bucket["expired_quantity"], wanted.pool_id),
    )
    if wanted.quantity > expired["units"]:
        return (
            f"Only {expired['units']:,.2f} of this bucket have expired; the rest will stay"
            " unapplied.",
        )
    return ()


def _look_at_frozen(connection: Connection, row: Row) -> tuple[str, ...]:
    """Warn where figures were promised of the cycle that it would count in."""
    if not _is_built(connection, "rollover.rollover_matrix"):
        return ()
    frozen = fetch(
        connection,
        """
        select f.request_id, m.cycle_end
        from issued.frozen_requests as f
        inner join rollover.rollover_matrix as m using (account_id, pool_id, cycle_start)
        inner join billing.int_account_calendar as c using (account_id)
        where account_id = %s and pool_id = %s
            and not m.is_closed
            and (%s::timestamptz at time zone c.time_zone)::date < m.cycle_end
        order by f.cutoff_load_id limit 1
        """,
        (row["account_id"], row["pool_id"], row["adjusted_at"]),
    )
    if not frozen:
        return ()
    (promise,) = frozen
    told = (
        f"The figures of the cycle up to {promise['cycle_end']} are frozen under"
        f" {promise['request_id']}: this counts in the cycle after it."
    )
    if row["action"] != "extension":
        return (told,)
    late = fetch(
        connection,
        """
        select expires_on from rollover.rollover_buckets
        where account_id = %s and pool_id = %s and earned_cycle_start = %s and source = 'plan'
            and expires_on <= %s
        """,
        (
            row["account_id"],
            row["pool_id"],
            row["bucket_cycle_start"],
            promise["cycle_end"],
        ),
    )
    if not late:
        return (told,)
    return (
        told,
        "The bucket expires before that, so that the extension will have no effect;"
        " once it has expired its units can be sold again.",
    )


def _look_at_pool(connection: Connection, wanted: Adjustment) -> tuple[str, ...]:
    """Warn where the account has not the rollover to give to, or not as much as is to be taken."""
    if not _is_built(connection, "rollover.rollover_matrix"):
        return ()
    open_cycles = fetch(
        connection,
        """
        select m.rollover_status, m.closing_balance,
            m.opening_balance + m.adjusted_units as balance,
            (%s::timestamptz at time zone c.time_zone)::date < m.cycle_end as counts_here
        from rollover.rollover_matrix as m
        inner join billing.int_account_calendar as c using (account_id)
        where m.account_id = %s and m.pool_id = %s and not m.is_closed
        order by m.cycle_start
        """,
        (wanted.adjusted_at or datetime.now(UTC), wanted.account_id, wanted.pool_id),
    )
    if not any(cycle["rollover_status"] == "active" for cycle in open_cycles):
        return (
            f"{wanted.account_id} has no rollover for {wanted.pool_id} at the last build; as"
            " long as that is so, this stays unapplied.",
        )
    if wanted.action == "debit":
        counting = next((cycle for cycle in open_cycles if cycle["counts_here"]), None)
        balance = counting["balance"] if counting else open_cycles[-1]["closing_balance"]
        if wanted.quantity > balance:
            return (
                f"At the last build there were {balance:,.2f} to take from; what exceeds the"
                " balance will stay unapplied.",
            )
    return ()


def _is_built(connection: Connection, relation: str) -> bool:
    """Whether a relation is there; before the first build none is."""
    return fetch(connection, "select to_regclass(%s) as name", (relation,))[0]["name"] is not None
