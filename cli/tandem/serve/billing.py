"""TMF678 Customer Bill Management: bills, and their documents as files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Annotated, Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from tandem.bills.canonical import render_json
from tandem.bills.files import file_name
from tandem.bills.html import render_html
from tandem.bills.pdf import render_pdf
from tandem.queries import Row
from tandem.serve import errors, queries
from tandem.serve.asking import (
    COMMON,
    FILTERS,
    PAGED,
    Parted,
    forbidden,
    session_for,
    session_of,
)
from tandem.serve.authentication import Reader
from tandem.serve.errors import ApiError
from tandem.serve.rates import Rates
from tandem.serve.selecting import SelectingRoute, attributes, selection
from tandem.serve.tmf_reading import (
    AccountRef,
    BillDocument,
    CustomerBill,
    Money,
    Period,
    customer,
    organization,
)
from tandem.serve.usage import Party, account_asked_for
from tandem.tokens import Subject

PATH = "/tmf-api/customerBillManagement/v4/customerBill"
router = APIRouter(
    prefix=PATH,
    tags=["bills (TMF678)"],
    responses=COMMON,
    dependencies=[FILTERS],
    route_class=SelectingRoute,
)
_FIELDS = selection(attributes(CustomerBill))
Kind = Literal["json", "html", "pdf"]
MIME_TYPES: dict[Kind, str] = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
}
_RENDERERS: dict[Kind, Callable[[Mapping[str, Any]], str | bytes]] = {
    "json": render_json,
    "html": render_html,
    "pdf": render_pdf,
}
# a bill is one file, with its style and typeface within
_DOCUMENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_compiler = asyncio.Semaphore(1)  # of the PDF: it is one, and cannot do two at once
BillId = Annotated[
    str,
    Path(description="The bill.", openapi_examples={"bill": {"value": "A000123-20250801"}}),
]


@router.get(
    "",
    response_model=list[CustomerBill],
    summary="List bills",
    responses=PAGED,
    dependencies=[_FIELDS],
)
async def list_bills(
    request: Request, subject: Reader, part: Parted, account_id: Party = None
) -> list[CustomerBill]:
    """Bills of an account, the latest first."""
    chosen = account_asked_for(subject, account_id)
    async with session_for(request, subject, chosen) as (session, account):
        page = await queries.bills(session, chosen, limit=part.limit, offset=part.offset)
    return [_bill(row, account, subject) for row in part.of(page)]


@router.get(
    "/{bill_id:path}/document/{kind}",
    response_class=Response,
    summary="A bill as a file",
    responses={
        200: {
            "description": "The file.",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/html": {"schema": {"type": "string"}},
                "application/pdf": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)
async def document(request: Request, subject: Reader, bill_id: BillId, kind: Kind) -> Response:
    """The document of a bill as JSON, as one HTML file, or as PDF.

    For subscribers and the support desk: it has the calls made at every carrier. PDFs have a limit
    of their own in a minute.
    """
    if subject.carrier_id is not None:
        raise forbidden("A bill has the calls of every carrier; the support desk has it.")
    async with session_of(request, subject) as session:
        bill = await queries.find_bill(session, bill_id)
        found = bill and await queries.bill_document(session, bill["account_id"], bill_id)
    if found is None:
        raise _no_bill()
    content = await rendered(request, subject, found, kind)
    return Response(
        content,
        media_type=MIME_TYPES[kind],
        headers={
            "Content-Disposition": f'inline; filename="{file_name(bill_id, kind)}"',
            "Content-Security-Policy": _DOCUMENT_POLICY,
        },
    )


@router.get(
    "/{bill_id:path}", response_model=CustomerBill, summary="A bill", dependencies=[_FIELDS]
)
async def show_bill(request: Request, subject: Reader, bill_id: BillId) -> CustomerBill:
    """A bill with its amounts, and where its documents are."""
    async with session_of(request, subject) as session:
        bill = await queries.find_bill(session, bill_id)
        account = bill and await queries.find_account(session, bill["account_id"])
    if bill is None or account is None:
        raise _no_bill()
    return _bill(bill, account, subject)


async def rendered(
    request: Request, subject: Subject, found: Mapping[str, Any], kind: Kind
) -> bytes:
    """A bill's document as a file, made beside what else is under way.

    Raises:
        ApiError: 429; too many PDFs are asked for. 503; others are before it for too long.
    """
    if kind != "pdf":
        content = await run_in_threadpool(_RENDERERS[kind], found)
        return content.encode() if isinstance(content, str) else content
    rates: Rates = request.app.state.rates
    rates.admit_pdf(subject.acts_as)
    try:
        async with asyncio.timeout(20):
            await _compiler.acquire()
    except TimeoutError as error:
        raise errors.unavailable("busy", "Busy", "Many bills are being rendered.") from error
    try:
        task = asyncio.ensure_future(run_in_threadpool(render_pdf, found))
        task.add_done_callback(lambda _: _compiler.release())
    except BaseException:
        _compiler.release()
        raise
    return await asyncio.shield(task)


def _no_bill() -> ApiError:
    return errors.not_found("There is no such bill.")


def midnight(day: date | None, account: Row) -> datetime | None:
    """The beginning of a day where the account is."""
    if day is None or day in (date.min, date.max):
        return None
    return datetime.combine(day, time.min, ZoneInfo(account["time_zone"]))


def _bill(row: Row, account: Row, subject: Subject) -> CustomerBill:
    href = f"{PATH}/{quote(row['bill_id'], safe='')}"
    before_tax = row["total_amount"] - row["tax_amount"]

    def money(amount: Any) -> Money:
        return Money(unit=row["currency"], value=float(amount))

    return CustomerBill(
        id=row["bill_id"],
        href=href,
        bill_no=row["bill_id"],
        bill_date=row["issued_at"],
        billing_period=Period(
            start_date_time=midnight(row["cycle_start"], account),
            end_date_time=midnight(row["cycle_end"], account),
        ),
        billing_account=AccountRef(id=row["account_id"]),
        amount_due=money(row["total_amount"]),
        tax_excluded_amount=money(before_tax),
        tax_included_amount=money(row["total_amount"]),
        related_party=[customer(row["account_id"]), organization(row["biller_id"], "biller")],
        bill_document=[
            BillDocument(
                name=file_name(row["bill_id"], kind),
                mime_type=mime_type.partition(";")[0],
                url=f"{href}/document/{kind}",
            )
            for kind, mime_type in MIME_TYPES.items()
            if subject.carrier_id is None
        ],
    )
