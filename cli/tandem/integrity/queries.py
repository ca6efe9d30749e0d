"""Reading: bundle exceptions, and what else several commands ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tandem.database import Connection
from tandem.errors import Refused
from tandem.outbox.passed_on import REFUSALS
from tandem.queries import Row, fetch

# A waiver in force is told apart: it is known, and nobody has to do anything about it.
_CHOSEN = f"""
    with here as (select as_of from control.run_values),

    refusals as ({REFUSALS}),

    told as (
        select
            exceptions.exception_id, exceptions.exception_type, exceptions.account_id,
            exceptions.carrier_id, exceptions.order_id, exceptions.service_number,
            exceptions.other_carrier_id, exceptions.notify_carrier_id, exceptions.expected,
            exceptions.found, exceptions.is_open, exceptions.waiver_reason,
            exceptions.waived_until, exceptions.opened_at, exceptions.resolved_at,
            exceptions.refused_at,
            case
                when exceptions.resolved_at is not null then 'resolved'
                when exceptions.waiver_reason is not null then 'waived'
                when exceptions.is_open then 'open'
                else 'closed'
            end as state,
            greatest(
                extract(
                    epoch from
                    coalesce(exceptions.resolved_at, here.as_of) - exceptions.stands_since
                )::bigint / 86400,
                0
            )::integer as age_days,
            refusals.state as refusal_state, refusals.last_error as refusal
        from integrity.bundle_exceptions as exceptions
        cross join here
        left join refusals
            on exceptions.resolved_at is null
                and refusals.account_id = exceptions.account_id
                and refusals.from_carrier_id = exceptions.carrier_id
                and refusals.order_id = exceptions.order_id
                and refusals.to_carrier_id = exceptions.other_carrier_id
        where
            (not %(only_open)s or exceptions.is_open)
            and (%(account_id)s::text is null or exceptions.account_id = %(account_id)s)
            and (%(kind)s::text is null or exceptions.exception_type = %(kind)s)
            and (
                %(carrier_id)s::text is null
                or %(carrier_id)s in (
                    exceptions.carrier_id, exceptions.other_carrier_id,
                    exceptions.notify_carrier_id
                )
            )
    )
"""  # noqa: S608  (constants of this package)
_ROWS = """
    select * from told
    order by
        array_position(array['open', 'waived', 'closed', 'resolved'], state),
        case when resolved_at is null then opened_at end,
        resolved_at desc,
        exception_id collate "C"
    limit %(limit)s
"""
_COUNTS = """
    select
        exception_type,
        count(*) as exceptions,
        count(*) filter (where state = 'open') as open,
        count(*) filter (where state = 'waived') as waived,
        count(*) filter (where state = 'open' and age_days < 1) as day_open,
        count(*) filter (where state = 'open' and age_days >= 1 and age_days < 7) as week_open,
        count(*) filter (where state = 'open' and age_days >= 7 and age_days < 30) as month_open,
        count(*) filter (where state = 'open' and age_days >= 30) as older_open,
        max(age_days) filter (where state = 'open') as oldest_days
    from told
    group by exception_type
    order by open desc, exception_type collate "C"
"""


@dataclass(frozen=True)
class Exceptions:
    """Bundle exceptions.

    Attributes:
        as_of: where the warehouse stands; ages count up to it.
        rows: of ``integrity.bundle_exceptions`` with ``state`` (open, waived, closed, resolved) and
            ``age_days`` (whole days open so far, or until resolved), the most urgent first; where
            the order was passed on in vain, ``refusal_state`` (refused, given_up) and ``refusal``.
        counts: how many there are by type, also of those beyond a limit: ``exceptions``, ``open``,
            ``waived``, and the open ones by age.
    """

    as_of: datetime
    rows: list[Row]
    counts: list[Row]

    @property
    def total(self) -> int:
        """How many there are, also beyond a limit."""
        return sum(row["exceptions"] for row in self.counts)


def exceptions(
    connection: Connection,
    *,
    only_open: bool = False,
    carrier_id: str | None = None,
    account_id: str | None = None,
    kind: str | None = None,
    limit: int | None = None,
) -> Exceptions:
    """What does not agree, the most urgent first.

    Args:
        connection: to read from.
        only_open: leave out what is resolved.
        carrier_id: only what concerns this carrier: its order or line, or its turn to act.
        account_id: only of this account.
        kind: only of this type.
        limit: at most so many rows.

    Raises:
        Refused: no such carrier; no such account, and no exception of it.
    """
    if carrier_id is not None:
        refuse_unknown_carrier(connection, carrier_id)
    wanted = {
        "only_open": only_open,
        "carrier_id": carrier_id,
        "account_id": account_id,
        "kind": kind,
        "limit": limit,
    }
    rows = fetch(connection, _CHOSEN + _ROWS, wanted)
    counts = fetch(connection, _CHOSEN + _COUNTS, wanted)
    if not rows and account_id is not None:
        refuse_unknown_account(connection, account_id)
    return Exceptions(as_of(connection), rows, counts)


def as_of(connection: Connection) -> datetime:
    """Where the warehouse stands.

    Raises:
        Refused: nothing has been built.
    """
    rows = fetch(connection, "select as_of from control.run_values")
    if not rows:
        raise Refused("Nothing has been built here yet; run 'tandem build'.")
    at: datetime = rows[0]["as_of"]
    return at


def carrier_names(connection: Connection) -> dict[str, str]:
    """The names of the carriers of the catalog by id, in order of id."""
    rows = fetch(
        connection,
        """
        select carrier_id, coalesce(carrier_name, carrier_id) as name
        from catalog.carriers order by carrier_id collate "C"
        """,
    )
    return {row["carrier_id"]: row["name"] for row in rows}


def refuse_unknown_carrier(connection: Connection, carrier_id: str) -> None:
    """Refuse what is no carrier of the catalog.

    Raises:
        Refused: it is none.
    """
    carriers = carrier_names(connection)
    if carrier_id not in carriers:
        raise Refused(
            f"{carrier_id} is no carrier of the catalog; there are {', '.join(carriers)}."
        )


def refuse_unknown_account(connection: Connection, account_id: str) -> None:
    """Refuse what is no account that has been built.

    Raises:
        Refused: it is none.
    """
    if not accounts(connection, [account_id]):
        raise Refused(f"There is no account {account_id}.")


def accounts(connection: Connection, account_ids: Sequence[str]) -> dict[str, Row]:
    """Holder's name, e-mail address and time zone of accounts, by id; of those that are built."""
    rows = fetch(
        connection,
        """
        select account_id, holder_name, email, time_zone
        from integrity.int_accounts where account_id = any(%s)
        """,
        (list(account_ids),),
    )
    return {row["account_id"]: row for row in rows}
