"""Whether an account can have a plan: eligibility, with all reasons against it."""

from __future__ import annotations

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
    found = await account_reasons(session, account_id, on)
    if all(reason.code != "unknownAccount" for reason in found):
        found += await standing_reasons(session, account_id, plan_id, caller)
    return found + await plan_reasons(session, account_id, plan_id, on, caller)


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
    session: Session, account_id: str, plan_id: str, caller: str | None = None
) -> list[Reason]:
    """Open exceptions between carriers, an account with none being in good standing.

    Waived ones do not count, nor do lines on another plan or more units sold again than had
    expired: those are the carrier's data and its agents' doing, and not what the account did. What
    the caller is asked to mend with an order of the plan does not
    speak against this order.
    """
    exceptions = await fetch(
        session,
        """
        select exceptions.exception_type, count(*) as exceptions
        from integrity.bundle_exceptions as exceptions
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
                        and orders.plan_id = %(plan_id)s
                )
            )
        group by exceptions.exception_type order by exceptions.exception_type
        """,
        {"account_id": account_id, "plan_id": plan_id, "caller": caller},
    )
    return [
        Reason(
            "openException",
            f"There {'is' if row['exceptions'] == 1 else 'are'}"
            f" {many(row['exceptions'], 'open exception')} of the type {row['exception_type']}.",
        )
        for row in exceptions
    ]


async def plan_reasons(
    session: Session, account_id: str, plan_id: str, on: date, caller: str | None = None
) -> list[Reason]:
    """What speaks against a plan for an account on a day.

    All carriers serve it if the plan can be had on that day, an integrated one is covered by an
    agreement between the carriers then, and at no carrier of it the account has lines that are
    all suspended; where it has none yet it can get one. Conflicting are the same plan in effect,
    and orders on a carrier of it that are under way, but for orders of the plan that wait for the
    calling carrier. A plan in effect that occupies a carrier of it is none: it is replaced.
    """
    plans = await fetch(
        session,
        """
        select is_integrated,
            coalesce(valid_from <= %(on)s, true) and coalesce(valid_to > %(on)s, true) as is_valid,
            exists (
                select from catalog.settlement_agreements as agreements
                where agreements.plan_id in ('*', plans.plan_id)
                    and coalesce(agreements.valid_from <= %(on)s, true)
                    and coalesce(agreements.valid_to > %(on)s, true)
            ) as is_agreed
        from catalog.plans as plans where plan_id = %(plan_id)s
        """,
        {"plan_id": plan_id, "on": on},
    )
    if not plans:
        return [Reason("unknownPlan", f"{plan_id} is no plan of the catalog.")]
    (plan,) = plans
    reasons = []
    if not plan["is_valid"]:
        reasons.append(Reason("planNotOffered", f"{plan_id} cannot be had on {on}."))
    if plan["is_integrated"] and not plan["is_agreed"]:
        reasons.append(
            Reason("notServed", f"No agreement between the carriers covers {plan_id} on {on}.")
        )
    reasons += [
        Reason("linesSuspended", f"All lines of the account at {row['carrier_id']} are suspended.")
        for row in await _suspended_carriers(session, account_id, plan_id)
    ]
    in_effect = await fetch(
        session,
        "select from integrity.effective_plans where account_id = %s and plan_id = %s"
        " and effective_from <= %s and (effective_to is null or effective_to > %s)",
        (account_id, plan_id, on, on),
    )
    if in_effect:
        reasons.append(Reason("planInEffect", f"The account has {plan_id} on that day."))
    for row in await _orders_under_way(session, account_id, plan_id, caller):
        reasons.append(
            Reason(
                "planOrdered" if row["plan_id"] == plan_id else "changeUnderWay",
                # what orders another carrier has is not for every platform to know
                f"The order {row['order_id']} of {row['carrier_id']} ({row['action']}"
                f" {row['plan_id']}) {row['how']}."
                if caller in (None, row["carrier_id"])
                else f"An order of {row['carrier_id']} {row['how']}.",
            )
        )
    return reasons


async def _suspended_carriers(session: Session, account_id: str, plan_id: str) -> list[Row]:
    return await fetch(
        session,
        """
        select carrier_id
        from integrity.casi_subscribers
        where account_id = %(account_id)s and status <> 'disconnected'
            and carrier_id in (
                select carrier_id from catalog.int_plan_carriers where plan_id = %(plan_id)s
            )
        group by carrier_id
        having bool_and(status = 'suspended')
        order by carrier_id collate "C"
        """,
        {"account_id": account_id, "plan_id": plan_id},
    )


async def _orders_under_way(
    session: Session, account_id: str, plan_id: str, caller: str | None
) -> list[Row]:
    """Orders of plans on a carrier of the plan that are submitted, not built yet, or not in sync.

    One that the other carrier has refused is an exception, and not under way.
    """
    return await fetch(
        session,
        """
        with overlapping as (
            select distinct other.plan_id
            from catalog.int_plan_carriers as one
            inner join catalog.int_plan_carriers as other on other.carrier_id = one.carrier_id
            where one.plan_id = %(plan_id)s
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
            select carrier_id, order_id, action, plan_id, 'is not completed yet' as how
            from loaded where status = 'submitted'
            union
            select carrier_id, order_id, action, plan_id, 'waits for the next build'
            from loaded
            where status = 'completed'
                and load_id > (select max(cutoff_load_id) from control.build_state)
            union
            select carrier_id, order_id, action, plan_id, 'waits for ' || counterpart_carrier_id
            from integrity.order_sync
            where account_id = %(account_id)s and sync_status in (
                'awaiting_counterpart', 'missing_counterpart', 'mismatched'
            )
            and not coalesce(
                counterpart_carrier_id = %(caller)s and plan_id = %(plan_id)s, false
            )
        )
        select * from under_way where plan_id in (select plan_id from overlapping)
        order by carrier_id, order_id, how
        """,
        {"account_id": account_id, "plan_id": plan_id, "caller": caller},
    )
