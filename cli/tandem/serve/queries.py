"""Reading for whoever is let in: one query each, the same for subscribers, carriers and support.

Views are named without a schema: a session of `Access` finds those of its audience, which show no
more than that audience may see. What is of one account is asked for by its id all the same: staff
sees many.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from tandem.queries import Row
from tandem.serve.access import Session
from tandem.serve.reading import fetch
from tandem.serve.tmf import is_plain

MAX_LIMIT = 100  # rows of a page
MAX_OFFSET = 10_000_000
MAX_FOUND = 50  # accounts that a search names
MAX_SEARCH = 100  # characters of what is searched for
MAX_PARTS = 10  # between hyphens, of the id of something that an account has
CHUNK = 500  # rows of a stream that are fetched at once


@dataclass(frozen=True)
class Page:
    """A part of a list.

    Attributes:
        rows: the part.
        total: rows of all parts.
    """

    rows: list[Row]
    total: int


# --- accounts -----------------------------------------------------------------------------------


async def find_account(session: Session, account_id: str) -> Row | None:
    """An account with its currency and the number of its lines in force.

    None if there is none that the session sees.
    """
    if not is_plain(account_id):
        return None
    rows = await fetch(
        session,
        """
        select accounts.account_id, accounts.holder_name, accounts.email, accounts.time_zone,
            accounts.bill_cycle_day, accounts.opened_on, accounts.closed_on,
            (select min(currency) from catalog.plans) as currency,
            (
                select count(*) from casi_subscribers as lines
                where lines.account_id = accounts.account_id and lines.status = 'active'
            )::integer as active_lines
        from accounts
        where accounts.account_id = %s
        """,
        (account_id,),
    )
    return rows[0] if rows else None


async def accounts_by_prefix(session: Session, text: str) -> list[Row]:
    """Accounts whose id, and a hyphen, a text begins with, as ids of what they have do."""
    parts = text.split("-") if is_plain(text) else []
    found = [
        await find_account(session, "-".join(parts[:length]))
        for length in range(1, min(len(parts), MAX_PARTS))
    ]
    return [account for account in found if account is not None]


async def search_accounts(session: Session, text: str, limit: int = 20, offset: int = 0) -> Page:
    """Accounts by the beginning of their id or of a line's number, name, e-mail, order (staff).

    Args:
        session: of somebody who sees several accounts.
        text: what is searched for, in any case; of a number its digits are compared, of a name all
            words in any order, of an order its whole id.
        limit: at most so many, the exact id first.
        offset: rows before them.

    Returns:
        Rows with ``account_id``, ``holder_name``, ``email``, ``closed_on`` and ``matched``: what of
        it was found (account, number, name, email or order).
    """
    text = text.strip()[:MAX_SEARCH]
    if not text or not is_plain(text):
        return Page([], 0)
    digits = "".join(character for character in text if character in "0123456789")
    looks_like_number = bool(digits) and not any(character.isalpha() for character in text)
    return await _page(
        session,
        """
        with found as (
            select account_id,
                case
                    when account_id ilike %(beginning)s then 1
                    when %(number)s::text is not null and account_id in (
                        select account_id from casi_subscribers
                        where service_number like '+' || %(number)s || '%%'
                            or service_number like '+1' || %(number)s || '%%'
                    ) then 2
                    when holder_name ilike all(%(words)s::text[]) then 3
                    when email ilike %(anywhere)s then 4
                    when %(order)s::text is not null and account_id in (
                        select account_id from order_history where order_id = %(order)s
                    ) then 5
                end as place
            from accounts
        )
        select accounts.account_id, accounts.holder_name, accounts.email, accounts.closed_on,
            (array['account', 'number', 'name', 'email', 'order'])[found.place] as matched
        from found inner join accounts using (account_id)
        where found.place is not null
        """,
        "order by lower(account_id) = lower(%(text)s) desc,"
        " array_position(array['account', 'number', 'name', 'email', 'order'], matched),"
        ' account_id collate "C"',
        {
            "text": text,
            "beginning": f"{_literally(text)}%",
            "anywhere": f"%{_literally(text)}%",
            "order": None if " " in text or "@" in text else text,
            "words": [f"%{_literally(word)}%" for word in text.split()],
            "number": digits if looks_like_number else None,
        },
        min(limit, MAX_FOUND),
        offset,
    )


def _literally(text: str) -> str:
    """For ``like``: wildcards are characters like others."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def lines(session: Session, account_id: str) -> list[Row]:
    """Lines of an account, those in force first."""
    return await fetch(
        session,
        """
        select lines.service_number, lines.carrier_id, carriers.carrier_name, carriers.service_kind,
            lines.plan_id, lines.status, lines.subscriber_name, lines.email, lines.activated_at,
            lines.deactivated_at
        from casi_subscribers as lines
        left join catalog.carriers as carriers on carriers.carrier_id = lines.carrier_id
        where lines.account_id = %s
        order by lines.status != 'active', lines.service_number, lines.carrier_id
        """,
        (account_id,),
    )


async def carriers(session: Session) -> list[Row]:
    """Carriers of the catalog."""
    return await fetch(
        session,
        "select carrier_id, carrier_name, service_kind, is_biller from catalog.carriers"
        " order by carrier_id",
    )


async def pools(session: Session) -> dict[str, str]:
    """Names of the catalog's pools by id."""
    rows = await fetch(
        session,
        "select pool_id, min(pool_name) as name from catalog.plan_pools group by pool_id"
        " order by pool_id",
    )
    return {row["pool_id"]: row["name"] or row["pool_id"] for row in rows}


async def reasons(session: Session) -> list[Row]:
    """Reasons of adjustments."""
    return await fetch(
        session,
        "select reason_code, description from catalog.adjustment_reasons order by reason_code",
    )


async def effective_plans(session: Session, account_id: str) -> list[Row]:
    """Plans of an account with their names, the latest first; ``effective_to`` is not part."""
    return await fetch(
        session,
        """
        select held.plan_id, plans.plan_name, plans.monthly_fee, plans.currency,
            held.effective_from, held.effective_to
        from effective_plans as held
        left join catalog.plans as plans on plans.plan_id = held.plan_id
        where held.account_id = %s
        order by held.effective_to is not null, held.effective_from desc, held.plan_id
        """,
        (account_id,),
    )


# --- what is not billed yet ---------------------------------------------------------------------


async def unbilled_summary(session: Session, account_id: str) -> list[Row]:
    """What an account used and has left, by open cycle and pool, with the pools' names."""
    return await fetch(
        session,
        """
        select summary.*, named.pool_name
        from unbilled_summary as summary
        left join (
            select pool_id, min(pool_name) as pool_name from catalog.plan_pools group by pool_id
        ) as named on named.pool_id = summary.pool_id
        where summary.account_id = %s
        order by summary.cycle_start, summary.pool_id = 'none', summary.pool_id
        """,
        (account_id,),
    )


@dataclass(frozen=True)
class Wanted:
    """Which unbilled records; None is any.

    Attributes:
        service_number: of this line.
        first, last: on local dates from and to, both included.
        other_number: with these digits somewhere in the other party's number.
        since, until: begun at these instants or between them.
        after, before: begun between these instants.
        service: of this service.
    """

    service_number: str | None = None
    first: date | None = None
    last: date | None = None
    other_number: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: datetime | None = None
    before: datetime | None = None
    service: str | None = None

    @property
    def parameters(self) -> dict[str, Any] | None:
        """For the query; None where nothing can be found."""
        given = vars(self).copy()
        if not all(is_plain(value) for value in given.values() if isinstance(value, str)):
            return None
        for name in ("since", "until", "after", "before"):
            if given[name] is not None and given[name].tzinfo is None:
                given[name] = given[name].replace(tzinfo=UTC)
        if self.other_number is not None:
            given["other_number"] = f"%{_literally(self.other_number[:MAX_SEARCH])}%"
        return given


_OF_DETAIL = """
    from unbilled_detail as detail
    where detail.account_id = %(account_id)s
        and (%(service_number)s::text is null or detail.service_number = %(service_number)s)
        and (%(first)s::date is null or detail.local_date >= %(first)s)
        and (%(last)s::date is null or detail.local_date <= %(last)s)
        and (%(other_number)s::text is null or detail.other_number like %(other_number)s)
        and (%(since)s::timestamptz is null or detail.started_at >= %(since)s)
        and (%(until)s::timestamptz is null or detail.started_at <= %(until)s)
        and (%(after)s::timestamptz is null or detail.started_at > %(after)s)
        and (%(before)s::timestamptz is null or detail.started_at < %(before)s)
        and (%(service)s::text is null or detail.service = %(service)s)
"""


async def unbilled_detail(
    session: Session,
    account_id: str,
    wanted: Wanted | None = None,
    *,
    limit: int = 50,
    offset: int = 0,
    newest_first: bool = False,
) -> Page:
    """Unbilled records of an account, in order of time."""
    parameters = (wanted or Wanted()).parameters
    if parameters is None:
        return Page([], 0)
    parameters |= {
        "account_id": account_id,
        "limit": min(limit, MAX_LIMIT),
        "offset": min(offset, MAX_OFFSET),
    }
    way = "desc" if newest_first else "asc"
    # the order is chosen of two that stand here
    rows = await fetch(
        session,
        f"""
        select detail.*, count(*) over () as total {_OF_DETAIL}
        order by detail.local_date {way}, detail.local_time {way}, detail.carrier_id, detail.cdr_id
        limit %(limit)s offset %(offset)s
        """,
        parameters,
    )
    if rows or not offset:
        return Page(
            [{name: value for name, value in row.items() if name != "total"} for row in rows],
            rows[0]["total"] if rows else 0,
        )
    (counted,) = await fetch(session, f"select count(*) as total {_OF_DETAIL}", parameters)
    return Page([], counted["total"])


async def usage_by_day(
    session: Session, account_id: str, wanted: Wanted | None = None
) -> list[Row]:
    """Unbilled usage of each local day by service: records, units and charges."""
    parameters = (wanted or Wanted()).parameters
    if parameters is None:
        return []
    return await fetch(
        session,
        f"""
        select detail.local_date, detail.service, detail.unit_type, count(*)::integer as records,
            sum(detail.duration_units) as units, sum(detail.charge_amount) as charge_amount
        {_OF_DETAIL}
        group by detail.local_date, detail.service, detail.unit_type
        order by detail.local_date, detail.unit_type, detail.service
        """,
        parameters | {"account_id": account_id},
    )


# --- rollover -----------------------------------------------------------------------------------


async def rollover_matrix(session: Session, account_id: str) -> list[Row]:
    """The rollover matrix of an account, by pool and cycle."""
    return await fetch(
        session,
        """
        select matrix.*, named.pool_name
        from rollover_matrix as matrix
        left join (
            select pool_id, min(pool_name) as pool_name from catalog.plan_pools group by pool_id
        ) as named on named.pool_id = matrix.pool_id
        where matrix.account_id = %s
        order by matrix.pool_id collate "C", matrix.cycle_start
        """,
        (account_id,),
    )


# Base units are the catalog's. A bucket stands as the last close left it: between the end of a
# cycle and its close, one that ended with the cycle still says "available".
_BUCKETS = """
    select buckets.*,
        coalesce(
            buckets.status = 'available'
            and buckets.expires_on <= (
                {as_of} at time zone accounts.time_zone
            )::date,
            false
        ) as has_ended, buckets.expires_on - 1 as use_by, named.pool_name, named.unit_type,
        (buckets.earned_quantity / named.base)::numeric(20, 6) as earned_units,
        (buckets.used_quantity / named.base)::numeric(20, 6) as used_units,
        (buckets.debited_quantity / named.base)::numeric(20, 6) as debited_units,
        (buckets.expired_quantity / named.base)::numeric(20, 6) as expired_units,
        (buckets.remaining_quantity / named.base)::numeric(20, 6) as remaining_units
    from rollover_buckets as buckets
    left join accounts on accounts.account_id = buckets.account_id
    left join (
        select pools.pool_id, min(pools.pool_name) as pool_name, min(pools.unit_type) as unit_type,
            min(types.base_units_per_unit)::numeric as base
        from catalog.plan_pools as pools
        inner join catalog.unit_types as types using (unit_type)
        group by pools.pool_id
    ) as named on named.pool_id = buckets.pool_id
"""
_DRAWN = """
    buckets.pool_id collate "C", buckets.available_from,
    array_position(array['plan', 'adjustment', 'resale'], buckets.source),
    buckets.bucket_id collate "C"
"""
# of all accounts, and of one; put together from what stands here
AVAILABLE_BUCKETS = f"""
    select * from (
        {_BUCKETS.format(as_of="(select as_of from unbilled_summary limit 1)")}
        where buckets.remaining_quantity > 0 and buckets.status = 'available'
    ) as buckets
    where not has_ended
    order by buckets.account_id collate "C", {_DRAWN}
"""  # noqa: S608
_OF_ACCOUNT = "(select as_of from unbilled_summary where account_id = %s limit 1)"
_BUCKETS_OF_ACCOUNT = f"""
    {_BUCKETS.format(as_of=_OF_ACCOUNT)}
    where buckets.account_id = %s and (not %s or buckets.remaining_quantity > 0)
    order by {_DRAWN}
"""


async def rollover_buckets(
    session: Session, account_id: str, *, only_available: bool = False
) -> list[Row]:
    """Rollover buckets of an account in units of their pools, in the order they are drawn in.

    ``use_by`` is the last day on which a bucket can be used; ``has_ended`` says that it was before
    the day on which the warehouse stands, in a cycle that is not closed yet: only late records of
    that cycle draw on it.
    """
    return await fetch(session, _BUCKETS_OF_ACCOUNT, (account_id, account_id, only_available))


async def rollover_requests(session: Session, account_id: str) -> list[Row]:
    """What partners are told of an account's rollover, by pool and cycle."""
    return await fetch(
        session,
        """
        select account_id, pool_id, unit_type, cycle_start, balance_units, expiring_units,
            adjusted_since_last_cycle_units
        from rollover_requests where account_id = %s
        order by pool_id collate "C", cycle_start
        """,
        (account_id,),
    )


async def adjustment_history(
    session: Session,
    account_id: str,
    *,
    limit: int = 50,
    offset: int = 0,
    adjustment_id: str | None = None,
) -> Page:
    """Adjustments of an account, the latest first, with the reasons' words and the pools' units."""
    return await _page(
        session,
        """
        select history.*, reasons.description as reason, named.unit_type
        from adjustment_history as history
        left join (
            select pool_id, min(unit_type) as unit_type from catalog.plan_pools group by pool_id
        ) as named on named.pool_id = history.pool_id
        left join catalog.adjustment_reasons as reasons
            on reasons.reason_code = history.reason_code
        where history.account_id = %s
            and (%s::text is null or history.adjustment_id = %s)
        """,
        'order by adjusted_at desc, adjustment_id collate "C"',
        (account_id, adjustment_id, adjustment_id),
        limit,
        offset,
    )


# --- bills --------------------------------------------------------------------------------------

_BILL = """
    select bills.bill_id, bills.account_id, bills.cycle_start, bills.cycle_end, bills.biller_id,
        bills.currency, bills.plan_fee_amount, bills.usage_amount, bills.one_time_amount,
        bills.tax_amount, bills.total_amount, bills.issued_at
    from bills
"""


async def bills(session: Session, account_id: str, *, limit: int = 50, offset: int = 0) -> Page:
    """Bills of an account, the latest first."""
    return await _page(
        session,
        f"{_BILL} where bills.account_id = %s",
        'order by cycle_start desc, bill_id collate "C"',
        (account_id,),
        limit,
        offset,
    )


async def find_bill(session: Session, bill_id: str, account_id: str | None = None) -> Row | None:
    """A bill by its id, and of this account if one is given."""
    if not is_plain(bill_id):
        return None
    owner = bill_id.rpartition("-")[0]  # an id begins with that of the account
    if account_id not in (None, owner):
        return None
    rows = await fetch(
        session, f"{_BILL} where bills.account_id = %s and bills.bill_id = %s", (owner, bill_id)
    )
    return rows[0] if rows else None


async def bill_lines(session: Session, account_id: str, bill_id: str) -> list[Row]:
    """Lines of a bill; carriers see their own."""
    return await fetch(
        session,
        "select * from bill_lines where account_id = %s and bill_id = %s order by line_number",
        (account_id, bill_id),
    )


async def bill_document(session: Session, account_id: str, bill_id: str) -> dict[str, Any] | None:
    """The document of a bill, of which files are rendered (subscribers and support)."""
    if not is_plain(bill_id):
        return None
    rows = await fetch(
        session,
        "select document from bill_documents where account_id = %s and bill_id = %s",
        (account_id, bill_id),
    )
    return rows[0]["document"] if rows else None


# --- orders and what does not agree -------------------------------------------------------------


async def order_history(
    session: Session, account_id: str, *, limit: int = 50, offset: int = 0
) -> Page:
    """Orders of an account as they stand, the latest request first, with how they agree.

    ``sync_status`` and ``counterpart_carrier_id`` are those of `order_sync`; None where an order
    needs no other carrier's.
    """
    return await _page(
        session,
        """
        select orders.carrier_id, orders.order_id, orders.account_id, orders.action, orders.plan_id,
            plans.plan_name, orders.service_number, orders.status, orders.effective_on,
            orders.requested_at, orders.status_at, orders.counterpart_order_id,
            sync.sync_status, sync.counterpart_carrier_id, sync.counterpart_status,
            sync.counterpart_effective_on
        from order_history as orders
        left join order_sync as sync
            on sync.carrier_id = orders.carrier_id and sync.order_id = orders.order_id
                and sync.account_id = orders.account_id
        left join catalog.plans as plans on plans.plan_id = orders.plan_id
        where orders.account_id = %s and orders.is_current
        """,
        'order by requested_at desc, carrier_id, order_id collate "C"',
        (account_id,),
        limit,
        offset,
    )


async def order_sync(session: Session, account_id: str) -> list[Row]:
    """How the orders of an account stand to those of other carriers, the latest request first."""
    return await fetch(
        session,
        """
        select * from order_sync where account_id = %s
        order by requested_at desc, carrier_id, order_id collate "C"
        """,
        (account_id,),
    )


async def exceptions(
    session: Session,
    account_id: str | None = None,
    *,
    only_open: bool = False,
    kind: str | None = None,
    carrier_id: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Page:
    """What does not agree between carriers, what is open first, the oldest of it first (staff)."""
    return await _page(
        session,
        """
        select * from bundle_exceptions
        where (%(account_id)s::text is null or account_id = %(account_id)s)
            and (not %(only_open)s or is_open)
            and (%(kind)s::text is null or exception_type = %(kind)s)
            and (
                %(carrier_id)s::text is null
                or %(carrier_id)s in (carrier_id, other_carrier_id, notify_carrier_id)
            )
        """,
        "order by is_open desc, case when is_open then opened_at end, opened_at desc,"
        ' exception_id collate "C"',
        {"account_id": account_id, "only_open": only_open, "kind": kind, "carrier_id": carrier_id},
        limit,
        offset,
    )


async def _page(  # noqa: PLR0917
    session: Session,
    statement: str,
    order: str,
    parameters: tuple[Any, ...] | Mapping[str, Any],
    limit: int,
    offset: int,
) -> Page:
    (counted,) = await fetch(
        session,
        f"select count(*) as total from ({statement}) as rows",  # noqa: S608
        parameters,
    )
    total = int(counted["total"])
    if offset >= total:
        return Page([], total)
    # whole numbers, by their type
    bounds = f"limit {min(int(limit), MAX_LIMIT):d} offset {min(int(offset), MAX_OFFSET):d}"
    rows = await fetch(
        session,
        f"select * from ({statement}) as rows {order} {bounds}",  # noqa: S608
        parameters,
    )
    return Page(rows, total)


# --- many accounts ------------------------------------------------------------------------------


async def stream(
    session: Session, statement: str, parameters: Mapping[str, Any] | None = None
) -> AsyncIterator[Row]:
    """Rows of a query one by one, from a cursor of the server."""
    async with session.cursor(name="stream") as cursor:
        cursor.itersize = CHUNK
        await cursor.execute(statement.encode(), parameters)
        async for row in cursor:
            yield row
