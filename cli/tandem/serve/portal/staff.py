"""For carriers' people and the support desk: finding accounts, and what does not agree."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tandem.integrity.words import KINDS
from tandem.serve import queries
from tandem.serve.portal import faults, reading
from tandem.serve.portal.accounts import LONGEST, access, known_account
from tandem.serve.portal.addresses import OF_ACCOUNT
from tandem.serve.portal.listing import read_page
from tandem.serve.portal.naming import named
from tandem.serve.portal.pages import render
from tandem.serve.portal.visits import Visitor
from tandem.tokens import Subject

router = APIRouter()


def refuse_subscriber(subject: Subject) -> None:
    """Refuse who is no carrier's and not of the support desk.

    Raises:
        Fault: 403.
    """
    if not subject.is_staff:
        raise faults.not_yours("This page is for carriers and the support desk.")


@router.get("/search")
async def search(request: Request, subject: Visitor, q: str = "", page: str = "1") -> Response:
    """Find an account."""
    refuse_subscriber(subject)
    text = q.strip()[:LONGEST]
    at = read_page(page)
    async with access(request).session(subject) as session:
        found = await queries.search_accounts(session, text, at.size, at.offset)
        waiting = await named(session, await queries.exceptions(session, only_open=True, limit=8))
    return await render(
        request,
        "search.html.j2",
        here="search",
        asked={"q": text},
        sheet=at.of(found),
        waiting=waiting,
    )


@router.get("/exceptions")
async def exceptions(
    request: Request, subject: Visitor, state: str = "open", kind: str = "", page: str = "1"
) -> Response:
    """What does not agree between the carriers."""
    return await _exceptions(request, subject, None, state, kind, page)


@router.get(f"{OF_ACCOUNT}/exceptions")
async def exceptions_of(  # noqa: PLR0917  (FastAPI reads the parameters)
    request: Request,
    subject: Visitor,
    account_id: str,
    state: str = "all",
    kind: str = "",
    page: str = "1",
) -> Response:
    """The same of an account."""
    return await _exceptions(request, subject, account_id, state, kind, page)


async def _exceptions(  # noqa: PLR0917
    request: Request,
    subject: Subject,
    account_id: str | None,
    state: str,
    kind: str,
    page: str,
) -> Response:
    refuse_subscriber(subject)
    if state not in ("open", "all"):
        raise faults.bad_request("Exceptions are shown open, or all.")
    if kind and kind not in KINDS:
        raise faults.bad_request("There is no such kind of exception.")
    at = read_page(page)
    async with access(request).session(subject) as session:
        account = None if account_id is None else await known_account(session, subject, account_id)
        found = await queries.exceptions(
            session,
            account_id,
            only_open=state == "open",
            kind=kind or None,
            limit=at.size,
            offset=at.offset,
        )
        found = await named(session, found)
        carriers = await reading.carrier_names(session)
    return await render(
        request,
        "exceptions.html.j2",
        account=account,
        here="exceptions",
        sheet=at.of(found),
        carriers=carriers,
        kinds=KINDS,
        asked={"state": state, "kind": kind},
    )
