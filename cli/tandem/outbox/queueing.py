"""Queueing: rows of a mart become messages, each once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from psycopg.rows import dict_row

from tandem.database import Connection
from tandem.errors import Refused
from tandem.outbox.freshness import ORDER_FEEDS, accounts_behind
from tandem.outbox.message import CHANNELS, Body, State
from tandem.outbox.passed_on import CALLED_OFF
from tandem.outbox.product_order import product_order
from tandem.queries import Row, fetch

_BATCH = 1000
_SHORTEST_PREFIX = 4


@dataclass(frozen=True)
class Wanted:
    """Which messages of a kind there is reason to send.

    Attributes:
        kind: one of ``CHANNELS``.
        query: one row per message that there is reason to send, unique by ``message_id``, with
            ``message_id``, ``carrier_id`` (null for mail), ``account_id``, ``ordered_at`` and
            what the body needs. No placeholders.
    """

    kind: str
    query: str


@dataclass(frozen=True)
class Source(Wanted):
    """Where messages of a kind come from.

    Attributes:
        body: what is sent, from a row; the same row gives the same body.
        feeds: an account of which these have brought news since the last build is left alone.
        called_off: ids of pending messages that must not leave any more, though they may have
            arrived; by what was loaded, not by the marts.
    """

    body: Callable[[Row], Body]
    feeds: Sequence[str] = ORDER_FEEDS
    called_off: str | None = None


@dataclass(frozen=True)
class Queued:
    """What queueing did.

    Attributes:
        added: messages that were not there.
        renewed: not sent yet, and worded anew or wanted again after they had been cancelled.
        cancelled: not wanted any more, and not sent yet or called off.
        behind: accounts that were left alone, as they wait for a build.
    """

    added: int = 0
    renewed: int = 0
    cancelled: int = 0
    behind: int = 0


PASS_THROUGH = Source(
    kind="pass_through",
    query="""
        select passed.message_id, passed.to_carrier_id as carrier_id, passed.account_id,
            passed.requested_at as ordered_at, passed.from_carrier_id, passed.order_id,
            passed.action, passed.plan_id, passed.effective_on, passed.requested_at,
            accounts.time_zone
        from integrity.pass_through_orders as passed
        left join integrity.int_accounts as accounts on accounts.account_id = passed.account_id
        where not passed.awaits_account and not exists (
            select from integrity.order_sync as synced
            where synced.account_id = passed.account_id
                and synced.carrier_id = passed.from_carrier_id
                and synced.order_id = passed.order_id
                and synced.counterpart_carrier_id = passed.to_carrier_id
                and synced.counterpart_status = 'submitted'
        )
    """,
    body=product_order,
    called_off=CALLED_OFF,
)


def enqueue(connection: Connection, source: Source, only: Sequence[str] | None = None) -> Queued:
    """Queue what is not queued yet, and cancel what lost its reason before it was sent.

    A message that may have left stays as it is, whatever became of its reason, unless it was
    called off. Accounts that wait for a build are left alone: nobody knows what it will say. The
    caller holds the lock, so that no build changes the mart meanwhile; what is being delivered at
    the same time is left alone.

    Args:
        connection: that holds the lock.
        source: what there is reason to send.
        only: of what was never queued, only these ids.

    Raises:
        Refused: a message of another kind has the same id, or the last build did not end; what
            was called off is cancelled all the same.
    """
    called_off = _call_off(connection, source)
    behind = accounts_behind(connection, source.feeds)
    with connection.transaction():
        cancelled = connection.execute(
            f"""
            update outbox.messages as m
            set state = 'cancelled'
            where m.kind = %s and m.state = 'pending' and m.sent_at is null
                and m.account_id <> all(%s)
                and not exists (
                    select from ({source.query}) as wanted where wanted.message_id = m.message_id
                )
            """.encode(),  # noqa: S608  (queries are constants of this package)
            (source.kind, behind),
        ).rowcount
        added = renewed = 0
        with connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(
                f"""
                select wanted.*, m.kind as outbox_kind
                from ({source.query}) as wanted
                left join outbox.messages as m on m.message_id = wanted.message_id
                where wanted.account_id <> all(%s)
                    and (
                        (
                            m.message_id is null
                            and (%s::text[] is null or wanted.message_id = any(%s))
                        )
                        or m.kind <> %s
                        or (m.sent_at is null and m.state in ('pending', 'cancelled'))
                    )
                order by wanted.message_id
                """.encode(),  # noqa: S608
                (behind, None if only is None else list(only), list(only or ()), source.kind),
            )
            while rows := cursor.fetchmany(_BATCH):
                is_new = _insert(connection, source, rows)
                added += sum(is_new)
                renewed += len(is_new) - sum(is_new)
    return Queued(added, renewed, called_off + cancelled, len(behind))


def _call_off(connection: Connection, source: Source) -> int:
    """Cancel what must not leave any more; returns how many."""
    if source.called_off is None:
        return 0
    return connection.execute(
        f"""
        update outbox.messages as m
        set state = 'cancelled'
        where m.kind = %s and m.state = 'pending' and m.message_id in ({source.called_off})
        """.encode(),  # noqa: S608
        (source.kind,),
    ).rowcount


def unsettled(connection: Connection, kinds: Sequence[Wanted]) -> list[Row]:
    """Messages that were refused or given up, and that there is still reason to send.

    Returns:
        message_id, carrier_id (null for mail), account_id, state and last_error, the oldest first.
    """
    found: list[Row] = []
    for one in kinds:
        found += fetch(
            connection,
            f"""
            select m.message_id, m.carrier_id, m.account_id, m.state, m.last_error
            from outbox.messages as m
            where m.kind = %s and m.state in ('refused', 'given_up')
                and m.message_id in (select wanted.message_id from ({one.query}) as wanted)
            order by m.ordered_at, m.message_id
            """,  # noqa: S608
            (one.kind,),
        )
    return found


def _insert(connection: Connection, source: Source, rows: Sequence[Row]) -> list[bool]:
    """Insert messages or word them anew; for each that was, whether it is new."""
    for row in rows:
        if row["outbox_kind"] not in (None, source.kind):
            raise Refused(
                f"The {source.kind} {row['message_id']} has the id of a {row['outbox_kind']};"
                " nothing was queued."
            )
    done = connection.execute(
        """
        insert into outbox.messages as m (
            message_id, kind, channel, carrier_id, account_id, ordered_at, body, created_at,
            next_attempt_at
        )
        select message_id, %s, %s, carrier_id, account_id, ordered_at, body::jsonb, now(), now()
        from unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])
            as wanted (message_id, carrier_id, account_id, ordered_at, body)
        on conflict (message_id) do update
        set carrier_id = excluded.carrier_id,
            account_id = excluded.account_id,
            ordered_at = excluded.ordered_at,
            body = excluded.body,
            next_attempt_at = case m.state when 'pending' then m.next_attempt_at else now() end,
            state = 'pending'
        where m.sent_at is null
            and (
                m.state = 'cancelled'
                or (
                    m.state = 'pending'
                    and (m.carrier_id, m.account_id, m.ordered_at, m.body) is distinct from
                        (excluded.carrier_id, excluded.account_id, excluded.ordered_at,
                        excluded.body)
                )
            )
        returning created_at = now()
        """,
        (
            source.kind,
            CHANNELS[source.kind],
            *(
                [row[name] for row in rows]
                for name in ("message_id", "carrier_id", "account_id", "ordered_at")
            ),
            [json.dumps(source.body(row)) for row in rows],
        ),
    )
    return [is_new for (is_new,) in done.fetchall()]


def queue_again(
    connection: Connection,
    prefixes: Sequence[str] = (),
    state: State | None = None,
    carrier_id: str | None = None,
) -> list[Row]:
    """Queue again what was refused or given up, under the ids it had.

    Args:
        connection: to write to.
        prefixes: only these messages, by the beginnings of their ids; all if empty.
        state: only refused ones or only those given up.
        carrier_id: only those to this carrier.

    Returns:
        The messages: message_id, carrier_id, account_id.

    Raises:
        Refused: a beginning names none or several, or one that needs no second try.
    """
    final = (State.REFUSED.value, State.GIVEN_UP.value)
    with connection.transaction():
        chosen = [_find(connection, prefix, final) for prefix in prefixes]
        return fetch(
            connection,
            """
            update outbox.messages
            set state = 'pending', next_attempt_at = now(), tried_since = null,
                answered_at = null, answer_code = null, answer = null
            where state = any(%s) and (%s or message_id = any(%s))
                and (%s::text is null or carrier_id = %s)
            returning message_id, carrier_id, account_id
            """,
            (
                list(final) if state is None else [state.value],
                not prefixes,
                chosen,
                carrier_id,
                carrier_id,
            ),
        )


def _find(connection: Connection, prefix: str, states: Sequence[str]) -> str:
    """Id of the one message whose id begins so."""
    if len(prefix) < _SHORTEST_PREFIX:
        raise Refused(f"{prefix} is too short to name a message.")
    found = fetch(
        connection,
        "select message_id, state from outbox.messages where starts_with(message_id, %s) limit 2",
        (prefix,),
    )
    if not found:
        raise Refused(f"There is no message {prefix}.")
    if len(found) > 1:
        raise Refused(f"Several messages begin with {prefix}.")
    if found[0]["state"] not in states:
        raise Refused(f"The message {prefix} is {found[0]['state']}; nothing was changed.")
    return str(found[0]["message_id"])
