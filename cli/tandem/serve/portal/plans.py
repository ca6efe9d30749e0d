"""The plan of an account, its orders at each carrier, other plans, and ordering one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from tandem.bills import format as fmt
from tandem.queries import Row
from tandem.serve import orders, qualifying, queries, submitting
from tandem.serve.access import Session
from tandem.serve.portal import faults, reading, visits
from tandem.serve.portal.accounts import access, known_account, read_day
from tandem.serve.portal.addresses import OF_ACCOUNT, of_account
from tandem.serve.portal.brands import Brands
from tandem.serve.portal.changes import changes
from tandem.serve.portal.naming import other_lines
from tandem.serve.portal.pages import render
from tandem.serve.portal.projection import zone
from tandem.serve.portal.standing import standing
from tandem.serve.portal.visits import Visitor
from tandem.serve.reading import Pool
from tandem.serve.tmf import is_plain
from tandem.serve.writing import write
from tandem.tokens import Role, Subject

router = APIRouter()
FURTHEST = timedelta(days=90)  # from today, an order may count from
ORDER_PREFIX = "PORTAL-"
_ORDER = f"{OF_ACCOUNT}/plans/{{plan_id:piece}}/order"
# in words for the holder of the account, by the code of qualifying
REASONS = {
    "unknownAccount": "Your account is not known there yet.",
    "accountNotOpen": "Your account is not open yet on this day.",
    "accountClosed": "Your account is closed.",
    "accountSuspended": "All lines of your account are suspended.",
    "openException": "Your carriers are still sorting out an earlier order.",
    "planNotOffered": "It cannot be had on this day.",
    "notServed": "Your carriers do not offer it together on this day.",
    "linesSuspended": "All of your lines at one of its carriers are suspended.",
    "planInEffect": "You have it already.",
    "planOrdered": "It is ordered already.",
    "changeUnderWay": "Another change of your plan is under way.",
}


@router.get(f"{OF_ACCOUNT}/plan")
async def plan(request: Request, subject: Visitor, account_id: str) -> Response:
    """The plan, what comes, and how each change stands at each carrier."""
    async with access(request).session(subject) as session:
        account = await known_account(session, subject, account_id)
        held = await queries.effective_plans(session, account_id)
        lines = await queries.lines(session, account_id)
        history = await queries.order_history(session, account_id, limit=queries.MAX_LIMIT)
        syncs = await queries.order_sync(session, account_id)
        carriers = await reading.carrier_names(session)
        summary = await queries.unbilled_summary(session, account_id)
        names = await reading.plan_names(session)
    received = await reading.just_received(_pool(request), account_id, subject.carrier_id)
    as_of = summary[0]["as_of"] if summary else datetime.now(zone("UTC"))
    today = as_of.astimezone(zone(account["time_zone"])).date()
    return await render(
        request,
        "plan.html.j2",
        account=account,
        here="plan",
        now=[row for row in held if _is_on(row, today)],
        coming=[row for row in held if row["effective_from"] > today],
        before=[
            row for row in held if row["effective_to"] is not None and row["effective_to"] <= today
        ],
        lines=lines,
        changes=changes(
            [
                {**row, "status_at": row["status_at"].astimezone(zone(account["time_zone"]))}
                for row in history.rows
            ],
            syncs,
            carriers,
            today,
        ),
        received=received,
        carriers=carriers,
        may_order=subject.role is Role.SUBSCRIBER,
        stands=standing(account, held, today, today),
        plan_names=names,
        other_lines=other_lines(lines, [row for row in held if _is_on(row, today)], names),
    )


@router.get(f"{OF_ACCOUNT}/plans")
async def offers(request: Request, subject: Visitor, account_id: str, on: str = "") -> Response:
    """Plans of the catalog, which of them the account can have from a day on, and why not."""
    async with access(request).session(subject) as session:
        account = await known_account(session, subject, account_id)
        catalog = await reading.plans(session)
        carriers = await reading.carrier_names(session)
    day = _first_day(account, on)
    async with _pool(request).connection() as session:
        against = await qualifying.reasons_by_plan(
            session, account_id, [row["plan_id"] for row in catalog], day, subject.carrier_id
        )
    offered = [{**row, "against": _in_words(against[row["plan_id"]])} for row in catalog]
    return await render(
        request,
        "plans.html.j2",
        account=account,
        here="plan",
        day=day,
        earliest=_today(account) + timedelta(days=1),
        latest=_today(account) + FURTHEST,
        offered=sorted(offered, key=lambda row: bool(row["against"])),
        carriers=carriers,
        may_order=subject.role is Role.SUBSCRIBER,
    )


@router.get(_ORDER)
async def confirm(
    request: Request, subject: Visitor, account_id: str, plan_id: str, on: str = ""
) -> Response:
    """What would be ordered, before it is."""
    _refuse_staff(subject)
    account, wanted, carriers = await _wanted(request, subject, account_id, plan_id)
    day = _first_day(account, on)
    against = await _against(request, account_id, plan_id, day)
    taken_by = await _taken_by(request, subject, wanted)
    async with access(request).session(subject) as session:
        replaced = await _replaced(session, account_id, wanted, day)
    return await render(
        request,
        "order.html.j2",
        HTTPStatus.OK if not against else HTTPStatus.CONFLICT,
        account=account,
        here="plan",
        plan=wanted,
        day=day,
        carriers=carriers,
        taken_by=fmt.clean(carriers.get(taken_by, taken_by)),
        replaced=[row for row in replaced if row["goes_on"]],
        others=_others(wanted, replaced, taken_by),
        against=against,
        nonce=secrets.token_hex(8),
    )


@router.post(_ORDER)
async def place(request: Request, subject: Visitor, account_id: str, plan_id: str) -> Response:
    """Place the order, once however often the form is sent."""
    _refuse_staff(subject)
    form = await visits.read_form(request, subject)
    account, wanted, _ = await _wanted(request, subject, account_id, plan_id)
    day = _first_day(account, str(form.get("on", "")))
    carrier_id = await _taken_by(request, subject, wanted)
    said = f"{subject.session} {account_id} {plan_id} {form.get('nonce', '')}"
    order_id = ORDER_PREFIX + sha256(said.encode()).hexdigest()[:12].upper()
    address = of_account(account_id, "orders", carrier_id, order_id)
    async with _pool(request).connection() as session:
        known, _ = await orders.find(session, carrier_id, order_ids=[order_id])
    if known:
        return RedirectResponse(address, HTTPStatus.SEE_OTHER)
    if await _against(request, account_id, plan_id, day):
        return RedirectResponse(
            f"{of_account(account_id, 'plans', plan_id, 'order')}?on={day}",
            HTTPStatus.SEE_OTHER,
        )
    async with access(request).session(subject) as session:
        replaced = await _replaced(session, account_id, wanted, day)
    row = {
        "order_id": order_id,
        "account_id": account_id,
        "action": "change_plan" if any(row["goes_on"] for row in replaced) else "subscribe",
        "plan_id": plan_id,
        "service_number": None,
        "requested_at": None,
        "effective_on": day.isoformat(),
        "status": "submitted",
        "status_at": None,
        "counterpart_order_id": None,
    }
    submission = submitting.Submission(carrier_id, row, None)
    await write(
        request,
        partial(
            submitting.submit,
            request.app.state.settings,
            submission,
            order_id,
            by=subject.acts_as,
        ),
    )
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


@router.get(f"{OF_ACCOUNT}/orders/{{carrier_id:piece}}/{{order_id:piece}}")
async def placed(
    request: Request, subject: Visitor, account_id: str, carrier_id: str, order_id: str
) -> Response:
    """An order that was placed here, and what happens next."""
    _refuse_staff(subject)
    async with access(request).session(subject) as session:
        account = await known_account(session, subject, account_id)
        catalog = {row["plan_id"]: row for row in await reading.plans(session)}
        carriers = await reading.carrier_names(session)
    found: list[dict[str, Any]] = []
    if is_plain(order_id) and carrier_id in carriers:
        async with _pool(request).connection() as session:
            found, _ = await orders.find(
                session, carrier_id, order_ids=[order_id], account_id=account_id
            )
    if not found:
        raise faults.not_found("There is no such order of your account.")
    (order,) = found
    (item,) = order["productOrderItem"]
    plan_id = item.get("productOffering", {}).get("id")
    said = {one["name"]: one["value"] for one in item["product"]["productCharacteristic"]}
    if plan_id not in catalog:
        raise faults.not_found("There is no such order of your account.")
    day = date.fromisoformat(said["effectiveOn"])
    async with access(request).session(subject) as session:
        replaced = await _replaced(session, account_id, catalog[plan_id], day)
    others = _others(catalog[plan_id], replaced, carrier_id)
    return await render(
        request,
        "placed.html.j2",
        account=account,
        here="plan",
        order=order,
        day=day,
        plan=catalog[plan_id],
        taken_by=carriers[carrier_id],
        others=[carriers[one] for one in others if one in carriers],
    )


def _refuse_staff(subject: Subject) -> None:
    if subject.is_staff:
        raise faults.not_yours("Only the holder of an account orders here.")


def _pool(request: Request) -> Pool:
    pool: Pool = request.app.state.pool
    return pool


def _is_on(row: Row, day: date) -> bool:
    return bool(
        row["effective_from"] <= day and (row["effective_to"] is None or row["effective_to"] > day)
    )


def _today(account: Row) -> date:
    return datetime.now(zone(account["time_zone"])).date()


def _first_day(account: Row, asked: str) -> date:
    """The day asked for, or the first of the next billing cycle.

    Raises:
        Fault: 400; it is no date, or not one of the next weeks.
    """
    today = _today(account)
    day = read_day(asked, "The day")
    if day is None:
        cycle_day = account["bill_cycle_day"]
        day = today.replace(day=min(cycle_day, 28))
        return day if day > today else fmt.next_month(day)
    if not today < day <= today + FURTHEST:
        raise faults.bad_request(
            f"A plan can begin from tomorrow on, and within the next {FURTHEST.days} days."
        )
    return day


async def _wanted(
    request: Request, subject: Subject, account_id: str, plan_id: str
) -> tuple[Row, Row, Mapping[str, str]]:
    """The account, the plan, names of carriers."""
    async with access(request).session(subject) as session:
        account = await known_account(session, subject, account_id)
        found = [row for row in await reading.plans(session) if row["plan_id"] == plan_id]
        carriers = await reading.carrier_names(session)
    if not found or not found[0]["carrier_ids"]:
        raise faults.not_found("There is no such plan.")
    return account, found[0], carriers


async def _against(request: Request, account_id: str, plan_id: str, day: date) -> list[str]:
    async with _pool(request).connection() as session:
        return _in_words(await qualifying.reasons(session, account_id, plan_id, day))


def _in_words(reasons: list[qualifying.Reason]) -> list[str]:
    return list(dict.fromkeys(REASONS.get(reason.code, reason.label) for reason in reasons))


async def _taken_by(request: Request, subject: Subject, wanted: Row) -> str:
    """The carrier that an order is placed at: whose page it is, the biller, any of the plan."""
    brands: Brands = request.app.state.brands
    brand = await brands.of(request, subject)
    if brand.carrier_id in wanted["carrier_ids"]:
        return str(brand.carrier_id)
    carriers = await brands.carriers(_pool(request))
    billers = [one for one in wanted["carrier_ids"] if carriers.get(one, {}).get("is_biller")]
    return str((billers or wanted["carrier_ids"])[0])


async def _replaced(session: Session, account_id: str, wanted: Row, day: date) -> list[Row]:
    """Plans of the account that a plan takes the place of: those with a carrier in common with it.

    They are those of the day before as well, as they may be the ones that this day ends.
    """
    catalog = {row["plan_id"]: row for row in await reading.plans(session)}
    before = day - timedelta(days=1)
    held = [
        row
        for row in await queries.effective_plans(session, account_id)
        if row["plan_id"] in catalog and (_is_on(row, day) or _is_on(row, before))
    ]
    return [
        {**catalog[row["plan_id"]], "goes_on": _is_on(row, day)}
        for row in held
        if row["plan_id"] != wanted["plan_id"]
        and set(catalog[row["plan_id"]]["carrier_ids"]) & set(wanted["carrier_ids"])
    ]


def _others(wanted: Row, replaced: Sequence[Row], taken_by: str) -> list[str]:
    """Carriers that have to confirm a plan, besides the one that takes the order.

    They are those of the plan and of plans that it takes the place of, as far as these are
    integrated.
    """
    concerned = {
        carrier_id
        for plan in (wanted, *replaced)
        if plan["is_integrated"]
        for carrier_id in plan["carrier_ids"]
    }
    return sorted(concerned - {taken_by})
