"""A fulfillment notice as an e-mail message, in text and HTML; equal notices give equal bytes.

What came in with a feed is text in it and nothing else: control characters are gone before it gets
near a header, HTML is escaped, and the recipient's header has the address alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from tandem.bills.format import clean, listed, long_date

# one of RFC 2606, that belongs to nobody and never will
NO_SENDER = "notices@tandem.invalid"
LONGEST_ADDRESS = 254
LONGEST_NAME = 60
_QUOTED = re.compile(r"[^\w '&-]|_")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
# means the same to Postgres
ADDRESS = rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+"


@dataclass(frozen=True)
class Notice:
    """A change that all carriers have made.

    Attributes:
        notice_id: hash; the same change has the same.
        account_id: whose.
        holder_name: the subscriber's name, if it is known.
        email: the subscriber's address.
        action: subscribe, change_plan or cancel.
        plan: name of the plan.
        orders: carrier's id and order's id, one for each that confirmed.
        takes_effect_on: local date from which it holds.
        fulfilled_at: when the last carrier had confirmed.
    """

    notice_id: str
    account_id: str
    holder_name: str | None
    email: str
    action: str
    plan: str
    orders: tuple[tuple[str, str], ...]
    takes_effect_on: date
    fulfilled_at: datetime


@dataclass(frozen=True)
class Sender:
    """Who sends notices.

    Attributes:
        biller: name of the carrier that sends the bill.
        address: e-mail address to send from; None: one that cannot be answered.
        contact: where subscribers can ask, in words, if it is known.
        carriers: names of carriers by id.
    """

    biller: str
    address: str | None
    contact: str | None
    carriers: Mapping[str, str]


@dataclass(frozen=True)
class Confirmation:
    """A carrier that has made the change, and its order."""

    carrier: str
    order: str


@dataclass(frozen=True)
class Page:
    """What text and HTML tell, in words.

    Attributes:
        subject: of the message.
        biller: its name.
        salutation: the first line.
        label: what stands above the plan's name.
        plan: name of the plan.
        date_label: what stands before the date.
        date: the first day, or the last.
        sentence: what was asked and done.
        confirmations: carriers and their orders.
        account: id.
        ask: where to ask.
    """

    subject: str
    biller: str
    salutation: str
    label: str
    plan: str
    date_label: str
    date: str
    sentence: str
    confirmations: tuple[Confirmation, ...]
    account: str
    ask: str


def is_address(text: str) -> bool:
    """Whether a text is one plain e-mail address."""
    return len(text) <= LONGEST_ADDRESS and re.fullmatch(ADDRESS, text) is not None


def render(notice: Notice, sender: Sender) -> bytes:
    """The message, as a file or a mail server takes it.

    Raises:
        ValueError: the recipient's or the sender's address is none.
    """
    return message(notice, sender).as_bytes()


def message(notice: Notice, sender: Sender) -> EmailMessage:
    """The message of a notice.

    Raises:
        ValueError: the recipient's or the sender's address is none.
    """
    address = sender.address or NO_SENDER
    for each in (address, notice.email):
        if not is_address(each):
            raise ValueError(f"{each!r} is no e-mail address")
    page = page_of(notice, sender)
    made = EmailMessage(policy=SMTP)
    made["From"] = Address(_display_name(page.biller), addr_spec=address)
    made["To"] = notice.email
    made["Subject"] = page.subject
    made["Date"] = format_datetime(notice.fulfilled_at.astimezone(UTC))
    made["Message-ID"] = f"<{notice.notice_id}@{address.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    environment = _environment()
    text = environment.get_template("notice.txt.j2").render(page=page)
    html = environment.get_template("notice.html.j2").render(page=page)
    made.set_content(text, cte="quoted-printable")
    made.add_alternative(html, subtype="html", cte="quoted-printable")
    made["Content-Language"] = "en"
    # no text in quoted-printable has =_ in it
    made.set_boundary(f"=_{notice.notice_id}")
    return made


def page_of(notice: Notice, sender: Sender) -> Page:
    """What a notice says."""
    plan = clean(notice.plan)
    confirmations = tuple(
        Confirmation(clean(sender.carriers.get(carrier) or carrier), clean(order))
        for carrier, order in notice.orders
    )
    names = list(dict.fromkeys(each.carrier for each in confirmations))
    done = f"{listed(names)} {_have(len(names))}"
    first = long_date(notice.takes_effect_on)
    last = long_date(notice.takes_effect_on - timedelta(days=1))
    holder = clean(notice.holder_name)
    biller = clean(sender.biller)
    match notice.action:
        case "cancel":
            label, date_label, day = "Your plan ends", "Its last day is", last
            subject = f"{plan} ends: its last day is {last}"
            sentence = f"You asked to end {plan}, and {done} ended it."
        case "change_plan":
            label, date_label, day = "Your new plan", "It is in effect from", first
            subject = f"Your plan is {plan} from {first}"
            sentence = f"You asked to change to {plan}, and {done} made the change."
        case _:
            label, date_label, day = "Your plan", "It is in effect from", first
            subject = f"{plan} is yours from {first}"
            sentence = f"You asked for {plan}, and {done} set it up."
    return Page(
        subject=subject,
        biller=biller,
        salutation=f"Dear {holder}," if holder else "Hello,",
        label=label,
        plan=plan,
        date_label=date_label,
        date=day,
        sentence=sentence,
        confirmations=confirmations,
        account=clean(notice.account_id),
        ask=_ask(biller, sender),
    )


def _display_name(name: str) -> str:
    """A name that needs no quotes in a header.

    The standard library (its issue 100884) loses them where it breaks a long header, and what is
    left may read as further addresses.
    """
    return " ".join(_QUOTED.sub(" ", name).split())[:LONGEST_NAME].strip()


def _have(carriers: int) -> str:
    if carriers == 1:
        return "has"
    return "have both" if carriers == 2 else "have all"


def _ask(biller: str, sender: Sender) -> str:
    contact = clean(sender.contact)
    where = f"ask {biller}{f': {contact}' if contact else ''}"
    if sender.address is not None:
        where = f"answer this message, or {where}"
    return f"{where[0].upper()}{where[1:]}{'' if where.endswith('.') else '.'}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("tandem.integrity", "templates"),
        autoescape=select_autoescape(enabled_extensions=("html", "html.j2"), default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
