"""An account's own pages: what is left, calls, rollover."""

from __future__ import annotations

from datetime import UTC, date, datetime
from math import ceil

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from tandem.queries import Row
from tandem.serve import queries
from tandem.serve.access import Access, Session
from tandem.serve.portal import faults, reading, visits
from tandem.serve.portal.balances import Books, balances, marked
from tandem.serve.portal.overview import overview
from tandem.serve.portal.pages import render
from tandem.serve.portal.projection import zone
from tandem.serve.portal.visits import Visitor
from tandem.tokens import Role, Subject

router = APIRouter()
PAGE = 50  # calls
LONGEST = 100  # characters of what is searched for


def access(request: Request) -> Access:
    """The way to sessions."""
    found: Access = request.app.state.access
    return found


async def known_account(session: Session, subject: Subject, account_id: str) -> Row:
    """An account that the visitor may see.

    Raises:
        Fault: 404; whether there is another's account is not told.
    """
    found = None
    if subject.account_id in (None, account_id):
        found = await queries.find_account(session, account_id)
    if found is None:
        raise faults.not_found(
            "There is no account of this number that you can see."
            if subject.is_staff
            else "There is no such page of your account."
        )
    return found


@router.get("/")
async def home(subject: Visitor) -> Response:
    """Where a visit begins."""
    if subject.role is Role.SUBSCRIBER:
        return RedirectResponse(f"{visits.PATH}/accounts/{subject.subject}", 303)
    return RedirectResponse(f"{visits.PATH}/search", 303)


@router.get("/accounts/{account_id}")
async def show(request: Request, subject: Visitor, account_id: str, cycle: str = "") -> Response:
    """What is left, what was used, what it will come to."""
    wanted = read_day(cycle, "The period")
    async with access(request).session(subject) as session:
        account = await known_account(session, subject, account_id)
        found = await overview(session, account, wanted, subject.carrier_id)
        last_bill = (await queries.bills(session, account_id, limit=1)).rows
    if found is None and wanted is not None:
        raise faults.not_found("There is no open period that begins on this day.")
    return await render(
        request,
        "overview.html.j2",
        account=account,
        here="overview",
        view=found,
        last_bill=last_bill[0] if last_bill else None,
    )


@router.get("/accounts/{account_id}/calls")
async def calls(  # noqa: PLR0917  (FastAPI reads the parameters)
    request: Request,
    subject: Visitor,
    account_id: str,
    line: str = "",
    first: str = "",
    last: str = "",
    number: str = "",
    page: str = "1",
) -> Response:
    """Calls, messages and data that are not billed yet."""
    from_day, to_day = read_day(first, "The first day"), read_day(last, "The last day")
    if from_day and to_day and from_day > to_day:
        raise faults.bad_request("The first day comes after the last one.")
    at = read_page(page)
    wanted = queries.Wanted(
        service_number=line or None,
        first=from_day,
        last=to_day,
        other_number=_digits(number) or None,
    )
    async with access(request).session(subject) as session:
        account = await known_account(session, subject, account_id)
        lines = await reading.numbers(session, account_id)
        if line and line not in {row["service_number"] for row in lines}:
            raise faults.bad_request("This line has no unbilled calls on the account.")
        found = await queries.unbilled_detail(
            session, account_id, wanted, limit=PAGE, offset=(at - 1) * PAGE, newest_first=True
        )
        carriers = {
            row["carrier_id"]: row["carrier_name"] for row in await queries.carriers(session)
        }
    pages = max(ceil(found.total / PAGE), 1)
    if at > pages:
        raise faults.not_found(
            f"There is no page {at:,}; there {'is' if pages == 1 else 'are'} {pages:,}."
        )
    return await render(
        request,
        "calls.html.j2",
        account=account,
        here="calls",
        lines=lines,
        rows=found.rows,
        total=found.total,
        carriers=carriers,
        page=at,
        pages=pages,
        first_shown=(at - 1) * PAGE + 1,
        asked={
            "line": line,
            "first": first,
            "last": last,
            "number": number[:LONGEST],
        },
    )


@router.get("/accounts/{account_id}/rollover")
async def rollover(request: Request, subject: Visitor, account_id: str) -> Response:
    """Cycle by cycle, bucket by bucket, and what was adjusted."""
    async with access(request).session(subject) as session:
        account = await known_account(session, subject, account_id)
        matrix = await queries.rollover_matrix(session, account_id)
        buckets = await queries.rollover_buckets(session, account_id)
        history = await queries.adjustment_history(session, account_id, limit=100)
        names = await queries.pools(session)
        summary = await queries.unbilled_summary(session, account_id)
        kept = await reading.retention(session, account_id)
        buckets = marked(buckets, await reading.first_cycle(session, account_id))
    as_of = summary[0]["as_of"] if summary else datetime.now(UTC)
    today = as_of.astimezone(zone(account["time_zone"])).date()
    return await render(
        request,
        "rollover.html.j2",
        account=account,
        here="rollover",
        pools=balances(Books(account, matrix, buckets, summary, kept, today), names),
        history=history.rows,
        names=names,
    )


def read_day(text: str, what: str) -> date | None:
    """A date, or none.

    Raises:
        Fault: 400; it is something else.
    """
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise faults.bad_request(f"{what} is no date such as 2026-07-01.") from None


def read_page(text: str) -> int:
    """The number of a page.

    Raises:
        Fault: 400; it is none.
    """
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 6 and int(text) > 0):
        raise faults.bad_request("A page has a number: 1, 2, 3 and so on.")
    return int(text)


def _digits(text: str) -> str:
    """A number as it is stored, however people write it."""
    return "".join(c for c in text[:LONGEST] if c not in " ()-./\N{NO-BREAK SPACE}")
