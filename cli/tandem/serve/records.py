"""What became of a record of usage, for whoever may see it.

Marts are keyed by account and time. So the record as it was sent (by its key) tells when it began,
and what was ever said of its line tells whose it can be: each step is the look-up of an index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from fastapi import Request

from tandem.queries import Row
from tandem.serve.access import Session
from tandem.serve.asking import session_of
from tandem.serve.reading import Pool, fetch
from tandem.tokens import Subject

Status = Literal["received", "recycled", "rejected", "rated", "billed"]
Key = tuple[str, str]  # a carrier, and its id of the record
SENT = """
    select distinct on (cdrs.carrier_id, cdrs.cdr_id) cdrs.*
    from unnest(%s::text[], %s::text[]) as wanted (carrier_id, cdr_id)
    inner join raw.cdrs as cdrs
        on cdrs.carrier_id = wanted.carrier_id and cdrs.cdr_id = wanted.cdr_id
    order by cdrs.carrier_id, cdrs.cdr_id, cdrs.action != %s
"""
ACCOUNTS = """
    select distinct account_id from integrity.int_casi_rows
    where carrier_id = %s and service_number = %s and account_id is not null
"""
RATED = """
    select usage.*,
        (usage.quantity / types.base_units_per_unit::numeric)::numeric(20, 6) as duration_units,
        nullif(
            concat_ws(
                '+',
                case when usage.plan_quantity > 0 then 'plan' end,
                case when usage.rollover_quantity > 0 then 'rollover' end,
                case when usage.overage_quantity > 0 then 'overage' end
            ),
            ''
        ) as source,
        (select min(currency) from catalog.plans) as currency
    from rated_usage as usage
    left join catalog.unit_types as types on types.unit_type = usage.unit_type
    where usage.account_id = any(%s::text[]) and usage.started_at = %s
        and usage.carrier_id = %s and usage.cdr_id = %s
    order by usage.is_reversal
"""
NOT_RATED = """
    select 'recycled' as status, reason from suspended_usage
    where carrier_id = %s and cdr_id = %s
    union all
    select 'rejected' as status, 'voided' as reason from voided_usage
    where carrier_id = %s and cdr_id = %s and action = 'new'
"""


@dataclass(frozen=True)
class Standing:
    """Where a record stands.

    Attributes:
        record: as it was sent.
        status: in the words of TMF635.
        rated: it as it was rated, then what a void of it gave back; empty if it is not rated.
        reason: why it is not rated.
    """

    record: Row
    status: Status
    rated: list[Row] = field(default_factory=list)
    reason: str | None = None


async def find(request: Request, subject: Subject, carrier_id: str, cdr_id: str) -> Standing | None:
    """Where a record stands; None where there is none that somebody may see."""
    pool: Pool = request.app.state.pool  # no audience reads what was loaded
    key = (carrier_id, cdr_id)
    async with pool.connection() as session:
        record = (await sent(session, [key])).get(key)
        if record is None:
            return None
        accounts = (
            await accounts_of_line(session, carrier_id, service_number(record))
            if subject.account_id is None
            else [subject.account_id]
        )
    is_own = subject.carrier_id == carrier_id
    if record["action"] == "new":
        async with session_of(request, subject) as session:
            rated = await _rated(session, key, record["started_at"], accounts)
            if rated:
                return Standing(record, "billed" if rated[0]["is_closed"] else "rated", rated)
            if subject.is_staff:
                for row in await _not_rated(session, key):
                    return Standing(record, row["status"], reason=row["reason"])
    return Standing(record, "received") if is_own else None


async def sent(session: Session, keys: Sequence[Key], action: str = "new") -> dict[Key, Row]:
    """Records as their carriers sent them.

    Args:
        session: the server's own.
        keys: of the records.
        action: new or void; the other one where nothing but that has come.
    """
    rows = await fetch(
        session,
        SENT,
        ([carrier_id for carrier_id, _ in keys], [cdr_id for _, cdr_id in keys], action),
    )
    return {(row["carrier_id"], row["cdr_id"]): row for row in rows}


def service_number(record: Row) -> str | None:
    """The number of the line that a record is of."""
    number: str | None = record[
        "calling_number" if record["direction"] == "originated" else "called_number"
    ]
    return number


async def accounts_of_line(session: Session, carrier_id: str, number: str | None) -> list[str]:
    """Accounts that have ever been said to have a line.

    Args:
        session: the server's own.
        carrier_id: whose line it is.
        number: of the line.
    """
    rows = await fetch(
        session,
        ACCOUNTS,
        (carrier_id, number),
    )
    return [row["account_id"] for row in rows]


async def _rated(
    session: Session, key: Key, started_at: datetime, accounts: Sequence[str]
) -> list[Row]:
    """The record and, after it, its reversal, as far as the session sees them."""
    return await fetch(
        session,
        RATED,
        (list(accounts), started_at, *key),
    )


async def _not_rated(session: Session, key: Key) -> list[Row]:
    """Why a record is not rated: each build tries a suspended one again, a voided one never."""
    return await fetch(
        session,
        NOT_RATED,
        (*key, *key),
    )
