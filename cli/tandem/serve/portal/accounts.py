"""An account's own pages: what is left, calls, rollover."""

from __future__ import annotations

from datetime import UTC, date, datetime

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from tandem.queries import Row
from tandem.serve import queries
from tandem.serve.access import Access, Session
from tandem.serve.portal import faults, reading
from tandem.serve.portal.addresses import OF_ACCOUNT, PATH, of_account
from tandem.serve.portal.balances import Books, balances, marked
from tandem.serve.portal.listing import read_page
from tandem.serve.portal.overview import overview
from tandem.serve.portal.pages import render
from tandem.serve.portal.projection import zone
from tandem.serve.portal.visits import Visitor
from tandem.tokens import Role, Subject

router = APIRouter()
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
        return RedirectResponse(of_account(subject.subject), 303)
    return RedirectResponse(f"{PATH}/search", 303)


@router.get(OF_ACCOUNT)
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


@router.get(f"{OF_ACCOUNT}/calls")
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
            session, account_id, wanted, limit=at.size, offset=at.offset, newest_first=True
        )
        carriers = await reading.carrier_names(session)
    return await render(
        request,
        "calls.html.j2",
        account=account,
        here="calls",
        lines=lines,
        sheet=at.of(found),
        carriers=carriers,
        asked={
            "line": line,
            "first": first,
            "last": last,
            "number": number[:LONGEST],
        },
    )


@router.get(f"{OF_ACCOUNT}/rollover")
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
    received = await reading.recorded_adjustments(request.app.state.pool, account_id)
    new = {row["adjustment_id"] for row in received}
    return await render(
        request,
        "rollover.html.j2",
        account=account,
        here="rollover",
        pools=balances(Books(account, matrix, buckets, summary, kept, today), names),
        # what was recorded since the last build is told apart: nothing is applied of it yet
        history=[row for row in history.rows if row["adjustment_id"] not in new],
        received=received,
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


def _digits(text: str) -> str:
    """A number as it is stored, however people write it."""
    return "".join(c for c in text[:LONGEST] if c not in " ()-./\N{NO-BREAK SPACE}")
