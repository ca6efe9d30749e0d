"""Fulfillment notices by mail, through the outbox: each change is told once, whatever joins it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from email.utils import parseaddr

from tandem.database import Connection
from tandem.errors import Refused
from tandem.integrity import notices
from tandem.integrity.mail import ADDRESS, LONGEST_ADDRESS, is_address, page_of, render
from tandem.outbox.configuration import Configuration
from tandem.outbox.message import Body
from tandem.outbox.queueing import Queued, Source, Wanted, enqueue
from tandem.queries import Row, fetch

# A change may get another name when one more order joins it: what has an order in common with a
# notice that is queued or gone is the same change.
_WANTED = f"""
    select notices.notice_id as message_id, null::text as carrier_id, notices.account_id,
        notices.fulfilled_at as ordered_at, notices.notice_id, notices.action, notices.plan_id,
        plans.plan_name, notices.order_keys, notices.takes_effect_on, notices.fulfilled_at,
        accounts.holder_name, accounts.email
    from integrity.fulfillment_notices as notices
    inner join integrity.int_accounts as accounts on accounts.account_id = notices.account_id
    left join catalog.plans as plans on plans.plan_id = notices.plan_id
    where accounts.email collate "C" ~ '^(?:{ADDRESS.replace("'", "''").replace("%", "%%")})$'
        and length(accounts.email) <= {LONGEST_ADDRESS}
        and notices.takes_effect_on is not null and notices.fulfilled_at <= now()
        and not exists (
            select from (
                select message_id, account_id, jsonb_array_elements_text(body -> 'orders') as key
                from outbox.messages
                where kind = 'notice' and state <> 'cancelled'
            ) as told
            where told.account_id = notices.account_id and told.key = any(notices.order_keys)
                and told.message_id <> notices.notice_id
        )
"""  # noqa: S608  (constants of this package)
NOTICES = Wanted("notice", _WANTED)


@dataclass(frozen=True)
class Mailing:
    """What queueing notices did.

    Attributes:
        queued: figures.
        unreachable: rows of notices that cannot be sent, with ``why``.
        overtaken: how many changes never take effect, and nobody is told of.
    """

    queued: Queued
    unreachable: list[Row]
    overtaken: int


def queue(
    connection: Connection,
    places: Configuration,
    *,
    account_id: str | None = None,
    since: date | None = None,
    address: str | None = None,
    contact: str | None = None,
) -> Mailing:
    """Queue the notices that nobody was sent yet.

    Args:
        connection: that holds the lock.
        places: says from whom mail comes, where ``address`` does not.
        account_id: only of this account.
        since: only of changes made on this date, where the account is, or later; by default the
            earliest that was ever given for all accounts.
        address: e-mail address to send from.
        contact: where subscribers can ask, in words.

    Raises:
        Refused: nobody to send from, no such account, or nobody has said yet since when.
    """
    by = notices.sender(connection, address or _configured(places), contact)

    def body(row: Row) -> Body:
        notice = notices.notice_of(row)
        return {
            "to": notice.email,
            "subject": page_of(notice, by).subject,
            "orders": list(row["order_keys"]),
            "message": render(notice, by).decode("ascii"),
        }

    with connection.transaction():
        since = _begin(connection, since, keep=account_id is None)
        changes = notices.notices(connection, account_id=account_id, since=since)
        chosen = [row["notice_id"] for row in changes.told]
        queued = enqueue(connection, Source(NOTICES.kind, NOTICES.query, body), chosen)
    unreachable = [
        row | {"why": why}
        for row in changes.told
        if (why := notices.why_unreachable(row)) is not None
    ]
    return Mailing(queued, unreachable, changes.overtaken)


def _configured(places: Configuration) -> str:
    """The address that the file sends mail from."""
    if places.mail is None:
        raise Refused(
            f"{places.path.name} has no [smtp]: there is no way for mail; nobody is told."
        )
    address = parseaddr(places.mail.sender)[1]
    if not is_address(address):
        raise Refused(f"{places.path.name}: smtp.from is no plain e-mail address ({address}).")
    return address


def _begin(connection: Connection, since: date | None, *, keep: bool) -> date | None:
    """The date to begin with; the earliest ever kept serves where none is given.

    A warehouse without a single notice needs none. What is said of one account is not kept: it is
    not meant for the others.
    """
    if since is not None:
        if keep:
            connection.execute(
                """
                insert into outbox.notices_begin as kept (since) values (%s)
                on conflict (is_only_row) do update set since = least(kept.since, excluded.since)
                """,
                (since,),
            )
        return since
    kept: Sequence[Row] = fetch(connection, "select since from outbox.notices_begin")
    if kept:
        begin: date = kept[0]["since"]
        return begin
    if fetch(connection, "select from integrity.fulfillment_notices limit 1"):
        raise Refused(
            "No notice was sent from here before; say with --since from which date on subscribers"
            " are told, so that nobody is told of what is long past."
        )
    return None
