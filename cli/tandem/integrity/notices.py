"""Fulfillment notices: what subscribers are told once all carriers have made a change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from tandem.bills.files import file_name, sweep, write_atomically
from tandem.database import Connection
from tandem.errors import Refused
from tandem.integrity.mail import Notice, Sender, is_address, render
from tandem.integrity.queries import carrier_names, refuse_unknown_account
from tandem.queries import Row, fetch

NO_ADDRESS = "no e-mail address"
BAD_ADDRESS = "the e-mail address is none"
NO_ACCOUNT = "the account is not known"
NOT_YET = "not made yet, by this machine's clock"

_NOTICES = """
    select
        notices.notice_id, notices.account_id, notices.action, notices.plan_id,
        plans.plan_name, notices.carrier_id, notices.order_id, notices.order_keys,
        notices.effective_on, notices.takes_effect_on, notices.fulfilled_at,
        accounts.holder_name, accounts.email, accounts.account_id is not null as is_account_known
    from integrity.fulfillment_notices as notices
    left join integrity.int_accounts as accounts on accounts.account_id = notices.account_id
    left join catalog.plans as plans on plans.plan_id = notices.plan_id
    where
        (%(account_id)s::text is null or notices.account_id = %(account_id)s)
        and (
            %(since)s::date is null
            or (notices.fulfilled_at at time zone coalesce(accounts.time_zone, 'UTC'))::date
            >= %(since)s
        )
    order by notices.fulfilled_at, notices.notice_id collate "C"
"""


@dataclass(frozen=True)
class Written:
    """What became of notices.

    Attributes:
        files: those that were written now.
        kept: how many had been written before, and were left as they are.
        unreachable: rows of notices that cannot be sent, with ``why``.
    """

    files: list[Path]
    kept: int
    unreachable: list[Row]


@dataclass(frozen=True)
class Changes:
    """Changes that all carriers have made.

    Attributes:
        told: rows of those that the subscriber is told of, the oldest first.
        overtaken: how many never take effect, as a later change or the end of the account came
            before them; nobody is told of these.
    """

    told: list[Row]
    overtaken: int


def notices(
    connection: Connection, *, account_id: str | None = None, since: date | None = None
) -> Changes:
    """The changes that all carriers have made, with who is to be told.

    Args:
        connection: to read from.
        account_id: only of this account.
        since: only those fulfilled on this date, where the account is, or later.

    Raises:
        Refused: no such account, and no notice of it.
    """
    rows = fetch(connection, _NOTICES, {"account_id": account_id, "since": since})
    if not rows and account_id is not None:
        refuse_unknown_account(connection, account_id)
    told = [row for row in rows if row["takes_effect_on"] or not row["is_account_known"]]
    return Changes(told, len(rows) - len(told))


def sender(
    connection: Connection, address: str | None = None, contact: str | None = None
) -> Sender:
    """Who sends notices: the biller.

    Args:
        connection: to read from.
        address: e-mail address to send from; None: one that cannot be answered.
        contact: where subscribers can ask, in words.

    Raises:
        Refused: the catalog has no biller.
    """
    rows = fetch(connection, "select carrier_id from catalog.carriers where is_biller")
    if not rows:
        raise Refused("The catalog has no biller.")
    names = carrier_names(connection)
    return Sender(names[rows[0]["carrier_id"]], address, contact, names)


def why_unreachable(row: Row) -> str | None:
    """Why a notice cannot be sent, by this machine's clock; None if it can."""
    if not row["is_account_known"]:
        return NO_ACCOUNT
    if row["fulfilled_at"] > datetime.now(UTC):
        return NOT_YET
    if not row["email"]:
        return NO_ADDRESS
    return None if is_address(row["email"]) else BAD_ADDRESS


def notice_of(row: Row) -> Notice:
    """A row of what is told as what a message tells."""
    return Notice(
        notice_id=row["notice_id"],
        account_id=row["account_id"],
        holder_name=row["holder_name"],
        email=row["email"],
        action=row["action"],
        plan=row["plan_name"] or row["plan_id"],
        orders=tuple(tuple(key.partition(":")[::2]) for key in row["order_keys"]),
        takes_effect_on=row["takes_effect_on"],
        fulfilled_at=row["fulfilled_at"],
    )


def write(
    rows: Sequence[Row],
    out: Path,
    by: Sender,
    on_notice: Callable[[str, int, int], None] | None = None,
) -> Written:
    """Write a message of each notice to a folder, once: a file that is there is left alone.

    Args:
        rows: those told of ``notices``.
        out: folder; made if it is not there.
        by: who sends them.
        on_notice: told a word, how many are done and of how many.

    Raises:
        Refused: a file cannot be written.
    """
    files: list[Path] = []
    kept = 0
    unreachable: list[Row] = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        sweep(out)
        for done, row in enumerate(rows, 1):
            path = out / file_name(row["notice_id"], "eml")
            why = why_unreachable(row)
            if why is not None:
                unreachable.append(row | {"why": why})
            elif path.exists():
                kept += 1
            else:
                write_atomically(path, render(notice_of(row), by))
                files.append(path)
            if on_notice is not None:
                on_notice("", done, len(rows))
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror or error}.") from error
    return Written(files, kept, unreachable)
