"""Past bills: the list, what is on one, and the bill itself as HTML, PDF or JSON."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from tandem.bills.charges import SECTIONS
from tandem.bills.files import file_name
from tandem.bills.html import render_html
from tandem.serve import queries
from tandem.serve.billing import rendered
from tandem.serve.portal import faults, reading
from tandem.serve.portal.accounts import access, known_account
from tandem.serve.portal.addresses import OF_ACCOUNT
from tandem.serve.portal.listing import read_page
from tandem.serve.portal.pages import render
from tandem.serve.portal.visits import Visitor
from tandem.tokens import Role, Subject

router = APIRouter()
PAGE = 24
_BILL = f"{OF_ACCOUNT}/bills/{{bill_id:piece}}"


@router.get(f"{OF_ACCOUNT}/bills")
async def bills(request: Request, subject: Visitor, account_id: str, page: str = "1") -> Response:
    """All bills, the latest first."""
    at = read_page(page, PAGE)
    async with access(request).session(subject) as session:
        account = await known_account(session, subject, account_id)
        found = await queries.bills(session, account_id, limit=at.size, offset=at.offset)
    return await render(
        request,
        "bills.html.j2",
        account=account,
        here="bills",
        sheet=at.of(found),
        may_read=_may_read(subject),
    )


@router.get(_BILL)
async def bill(request: Request, subject: Visitor, account_id: str, bill_id: str) -> Response:
    """What is on a bill, line by line."""
    async with access(request).session(subject) as session:
        account = await known_account(session, subject, account_id)
        found = await queries.find_bill(session, bill_id, account_id)
        if found is None:
            raise _no_bill()
        lines = await queries.bill_lines(session, account_id, bill_id)
        carriers = await reading.carrier_names(session)
    return await render(
        request,
        "bill.html.j2",
        account=account,
        here="bills",
        bill=found,
        sections=[
            (title, of_section)
            for section, (title, _) in SECTIONS.items()
            if (of_section := [row for row in lines if row["section"] == section])
        ],
        carriers=carriers,
        may_read=_may_read(subject),
    )


@router.get(f"{_BILL}/document.{{extension}}")
async def document(
    request: Request, subject: Visitor, account_id: str, bill_id: str, extension: str
) -> Response:
    """The bill as it was issued."""
    if extension not in ("html", "pdf", "json"):
        raise faults.not_found()
    if not _may_read(subject):
        raise faults.not_yours(
            "The whole bill has what other carriers charge; carriers see their own lines of it."
        )
    async with access(request).session(subject) as session:
        await known_account(session, subject, account_id)
        found = await queries.bill_document(session, account_id, bill_id)
    if found is None:
        raise _no_bill()
    if extension == "html":
        text = await run_in_threadpool(render_html, found)
        return Response(
            text, media_type="text/html", headers={"Content-Security-Policy": _policy(text)}
        )
    content = await rendered(request, subject, found, "pdf" if extension == "pdf" else "json")
    name = file_name(bill_id, extension)
    return Response(
        content,
        media_type=f"application/{extension}",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _policy(text: str) -> str:
    """Allows the one stylesheet that a bill brings along, and its few attributes of style."""
    start = text.index("<style>") + len("<style>")
    sheet = text[start : text.index("</style>", start)]
    digest = b64encode(sha256(sheet.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src-elem 'sha256-{digest}'; style-src-attr 'unsafe-inline';"
        " font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _may_read(subject: Subject) -> bool:
    """Whether it may see whole bills."""
    return subject.role is not Role.CARRIER


def _no_bill() -> faults.Fault:
    return faults.not_found("There is no such bill of this account.")
