"""Whether an account can have a plan: eligibility, with all reasons against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tandem.console import many
from tandem.queries import Row
from tandem.serve.orders import Session
from tandem.serve.reading import fetch


@dataclass(frozen=True)
class Reason:
    """Why not: a code for programs, a sentence for people."""

    code: str
    label: str


async def reasons(
    session: Session, account_id: str, plan_id: str, on: date, caller: str | None = None
) -> list[Reason]:
    """All that speaks against a plan for an account on a day.

    Args:
        session: to read from.
        account_id: the account.
        plan_id: the plan.
        on: the day.
        caller: the carrier that asks: what waits for its own order of the plan is no reason
            against that order. None: all that waits counts.
    """
    return (await reasons_by_plan(session, account_id, [plan_id], on, caller))[plan_id]


async def reasons_by_plan(
    session: Session,
    account_id: str,
    plan_ids: Sequence[str],
    on: date,
    caller: str | None = None,
) -> dict[str, list[Reason]]:
    """The same for many plans, in as many queries as for one."""
    of_account = await account_reasons(session, account_id, on)
    standing: Mapping[str, list[Reason]] = {}
    if all(reason.code != "unknownAccount" for reason in of_account):
        standing = await standing_reasons(session, account_id, plan_ids, caller)
    of_plans = await plan_reasons(session, account_id, plan_ids, on, caller)
    return {
        plan_id: [*of_account, *standing.get(plan_id, ()), *of_plans[plan_id]]
        for plan_id in plan_ids
    }


async def account_reasons(session: Session, account_id: str, on: date) -> list[Reason]:
    """What speaks against any plan for an account: unknown, not open, or wholly suspended."""
    accounts = await fetch(
        session,
        "select opened_on, closed_on from raw.accounts where account_id = %s"
        " order by load_id desc, row_number desc limit 1",
        (account_id,),
    )
    if not accounts:
        return [Reason("unknownAccount", f"There is no account {account_id}.")]
    (account,) = accounts
    reasons = []
    if account["opened_on"] > on:
        reasons.append(
            Reason("accountNotOpen", f"The account is opened on {account['opened_on']} only.")
        )
    if account["closed_on"] is not None and account["closed_on"] <= on:
        reasons.append(
            Reason("accountClosed", f"The account is closed since {account['closed_on']}.")
        )
    (lines,) = await fetch(
        session,
        "select bool_and(status = 'suspended') as are_suspended"
        " from integrity.casi_subscribers where account_id = %s and status <> 'disconnected'",
        (account_id,),
    )
    if lines["are_suspended"]:
        reasons.append(Reason("accountSuspended", "All lines of the account are suspended."))
    return reasons


async def standing_reasons(
    session: Session, account_id: str, plan_ids: Sequence[str], caller: str | None = None
) -> dict[str, list[Reason]]:
    """Open exceptions between carriers, by plan; an account with none is in good standing.

    Waived ones do not count, nor do lines on another plan or more units sold again than had
    expired: those are the carrier's data and its agents' doing, and not what the account did. What
    the caller is asked to mend with an order of the plan does not
    speak against this order.
    """
    rows = await fetch(
        session,
        """
        select wanted.plan_id, exceptions.exception_type, count(*) as exceptions
        from integrity.bundle_exceptions as exceptions
        cross join unnest(%(plan_ids)s::text[]) as wanted (plan_id)
        where exceptions.account_id = %(account_id)s and exceptions.is_open
            and exceptions.waiver_reason is null
            and exceptions.exception_type not in ('plan_mismatch', 'over_resale')
            and not (
                %(caller)s::text is not null
                and exceptions.other_carrier_id is not null
                and exceptions.notify_carrier_id = %(caller)s
                and exists (
                    select from integrity.order_history as orders
                    where orders.account_id = exceptions.account_id
                        and orders.carrier_id = exceptions.carrier_id
                        and orders.order_id = exceptions.order_id
                        and orders.plan_id = wanted.plan_id
                )
            )
        group by wanted.plan_id, exceptions.exception_type order by exceptions.exception_type
        """,
        {"account_id": account_id, "plan_ids": _distinct(plan_ids), "caller": caller},
    )
    return {
        plan_id: [
            Reason(
                "openException",
                f"There {'is' if row['exceptions'] == 1 else 'are'}"
                f" {many(row['exceptions'], 'open exception')} of the type"
                f" {row['exception_type']}.",
            )
            for row in of_plan
        ]
        for plan_id, of_plan in _by_plan(rows).items()
    }


async def plan_reasons(
    session: Session,
    account_id: str,
    plan_ids: Sequence[str],
    on: date,
    caller: str | None = None,
) -> dict[str, list[Reason]]:
    """What speaks against each of some plans for an account on a day.

    All carriers serve it if the plan can be had on that day, an integrated one is covered by an
    agreement between the carriers then, and at no carrier of it the account has lines that are
    all suspended; where it has none yet it can get one. Conflicting are the same plan in effect,
    and orders on a carrier of it that are under way, but for orders of the plan that wait for the
    calling carrier. A plan in effect that occupies a carrier of it is none: it is replaced.
    """
    asked = _distinct(plan_ids)
    plans = _by_plan(
        await fetch(
            session,
            """
            select plan_id, is_integrated,
                coalesce(valid_from <= %(on)s, true) and coalesce(valid_to > %(on)s, true)
                    as is_valid,
                exists (
                    select from catalog.settlement_agreements as agreements
                    where agreements.plan_id in ('*', plans.plan_id)
                        and coalesce(agreements.valid_from <= %(on)s, true)
                        and coalesce(agreements.valid_to > %(on)s, true)
                ) as is_agreed
            from catalog.plans as plans where plan_id = any(%(plan_ids)s)
            """,
            {"plan_ids": asked, "on": on},
        )
    )
    suspended = _by_plan(await _suspended_carriers(session, account_id, asked))
    in_effect = _by_plan(
        await fetch(
            session,
            "select plan_id from integrity.effective_plans where account_id = %s"
            " and plan_id = any(%s) and effective_from <= %s"
            " and (effective_to is null or effective_to > %s)",
            (account_id, asked, on, on),
        )
    )
    under_way = _by_plan(await _orders_under_way(session, account_id, asked, caller))
    found: dict[str, list[Reason]] = {}
    for plan_id in asked:
        if plan_id not in plans:
            found[plan_id] = [Reason("unknownPlan", f"{plan_id} is no plan of the catalog.")]
            continue
        (plan,) = plans[plan_id]
        reasons = found[plan_id] = []
        if not plan["is_valid"]:
            reasons.append(Reason("planNotOffered", f"{plan_id} cannot be had on {on}."))
        if plan["is_integrated"] and not plan["is_agreed"]:
            reasons.append(
                Reason("notServed", f"No agreement between the carriers covers {plan_id} on {on}.")
            )
        reasons += [
            Reason(
                "linesSuspended", f"All lines of the account at {row['carrier_id']} are suspended."
            )
            for row in suspended.get(plan_id, ())
        ]
        if plan_id in in_effect:
            reasons.append(Reason("planInEffect", f"The account has {plan_id} on that day."))
        reasons += [
            Reason(
                "planOrdered" if row["ordered_plan_id"] == plan_id else "changeUnderWay",
                # what orders another carrier has is not for every platform to know
                f"The order {row['order_id']} of {row['carrier_id']} ({row['action']}"
                f" {row['ordered_plan_id']}) {row['how']}."
                if caller in (None, row["carrier_id"])
                else f"An order of {row['carrier_id']} {row['how']}.",
            )
            for row in under_way.get(plan_id, ())
        ]
    return found


def _distinct(plan_ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(plan_ids))


def _by_plan(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["plan_id"], []).append(row)
    return found


async def _suspended_carriers(session: Session, account_id: str, plan_ids: list[str]) -> list[Row]:
    """Carriers of each plan at which all lines of the account are suspended."""
    return await fetch(
        session,
        """
        select carriers.plan_id, carriers.carrier_id
        from catalog.int_plan_carriers as carriers
        inner join integrity.casi_subscribers as lines on lines.carrier_id = carriers.carrier_id
        where lines.account_id = %(account_id)s and lines.status <> 'disconnected'
            and carriers.plan_id = any(%(plan_ids)s)
        group by carriers.plan_id, carriers.carrier_id
        having bool_and(lines.status = 'suspended')
        order by carriers.carrier_id collate "C"
        """,
        {"account_id": account_id, "plan_ids": plan_ids},
    )


async def _orders_under_way(
    session: Session, account_id: str, plan_ids: list[str], caller: str | None
) -> list[Row]:
    """Orders of plans on a carrier of each plan that are submitted, not built yet, or not in sync.

    One that the other carrier has refused is an exception, and not under way.
    """
    return await fetch(
        session,
        """
        with overlapping as (
            select distinct one.plan_id, other.plan_id as ordered_plan_id
            from catalog.int_plan_carriers as one
            inner join catalog.int_plan_carriers as other on other.carrier_id = one.carrier_id
            where one.plan_id = any(%(plan_ids)s)
        ),
        loaded as (
            select distinct on (carrier_id, order_id)
                carrier_id, order_id, action, plan_id, status, load_id
            from raw.orders
            where account_id = %(account_id)s
                and action in ('subscribe', 'change_plan', 'cancel')
            order by carrier_id, order_id, load_id desc, row_number desc
        ),
        under_way as (
            select carrier_id, order_id, action, plan_id as ordered_plan_id, null as unless_plan_id,
                'is not completed yet' as how
            from loaded where status = 'submitted'
            union
            select carrier_id, order_id, action, plan_id, null, 'waits for the next build'
            from loaded
            where status = 'completed'
                and load_id > (select max(cutoff_load_id) from control.build_state)
            union
            select carrier_id, order_id, action, plan_id,
                case when counterpart_carrier_id = %(caller)s then plan_id end,
                'waits for ' || counterpart_carrier_id
            from integrity.order_sync
            where account_id = %(account_id)s and sync_status in (
                'awaiting_counterpart', 'missing_counterpart', 'mismatched'
            )
        )
        select overlapping.plan_id, under_way.carrier_id, under_way.order_id, under_way.action,
            under_way.ordered_plan_id, under_way.how
        from under_way
        inner join overlapping on overlapping.ordered_plan_id = under_way.ordered_plan_id
        where under_way.unless_plan_id is distinct from overlapping.plan_id
        order by under_way.carrier_id, under_way.order_id, under_way.how
        """,
        {"account_id": account_id, "plan_ids": plan_ids, "caller": caller},
    )
