"""What carriers are told of exceptions, as events in the words of TMF688 (Event, version 4)."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from tandem.integrity.words import (
    CALLED_OFF,
    INSTRUCTION_TITLES,
    INSTRUCTIONS,
    KINDS,
    NO_LONGER_NEEDED,
    NO_LONGER_NEEDED_TITLE,
    title_of,
)
from tandem.outbox.freshness import EXCEPTION_FEEDS
from tandem.outbox.passed_on import PASSED_ON, ended
from tandem.outbox.queueing import PASS_THROUGH, Source
from tandem.queries import Row

EXCEPTION_EVENT = "BundleExceptionEvent"
CLEARED_EVENT = "BundleExceptionClearedEvent"
# instruction -> eventType
INSTRUCTION_EVENTS = {
    "hold": "OrderHoldEvent",
    "withdraw": "OrderWithdrawEvent",
    "release": "OrderReleaseEvent",
}
DOMAIN = "bundleIntegrity"


def exception_event(row: Row) -> dict[str, Any]:
    """The event that asks a carrier to mend something, or says that it need not be mended.

    Args:
        row: of the query of ``NOTIFICATIONS``.

    Returns:
        The body: ``event`` has the exception, ``title`` and ``description`` say in words what is
        wrong and what is asked.
    """
    if not row["is_needed"]:
        return _event(row, CLEARED_EVENT, NO_LONGER_NEEDED_TITLE, NO_LONGER_NEEDED, {})
    kind = KINDS.get(row["exception_type"])
    return _event(
        row,
        EXCEPTION_EVENT,
        title_of(row["exception_type"]),
        kind.request if kind else "",
        {"line": row["service_number"], "expected": row["expected"], "found": row["found"]},
    )


def instruction_event(row: Row) -> dict[str, Any]:
    """The event that tells the platform of an order what to do with it.

    Args:
        row: of the query of ``PLATFORM_INSTRUCTIONS``.

    Returns:
        The body: ``event.instruction`` is hold, withdraw or release, ``event.order`` the
        platform's own order; where ``event.passThrough`` names a message, it is the order that
        was passed on with it, and what the platform made of that is meant.
    """
    word = row["instruction"]
    passed_on = row["passed_on_as"]
    return _event(
        row,
        INSTRUCTION_EVENTS[word],
        INSTRUCTION_TITLES[word],
        INSTRUCTIONS[word] if passed_on is None else CALLED_OFF,
        {
            "instruction": word,
            "otherCarrier": row["other_carrier_id"],
            "passThrough": None if passed_on is None else {"externalId": passed_on},
        },
    )


def _event(
    row: Row, event_type: str, title: str, description: str, more: dict[str, Any]
) -> dict[str, Any]:
    at = row["ordered_at"].astimezone(UTC).isoformat().replace("+00:00", "Z")
    order = {"id": row["order_id"], "carrier": row["order_carrier_id"]}
    content = {
        "exceptionId": row["exception_id"],
        "exceptionType": row["exception_type"],
        "order": order if row["order_id"] is not None else None,
        **more,
    }
    return {
        "@type": "Event",
        "eventId": row["message_id"],
        "externalId": row["message_id"],
        "correlationId": row["exception_id"] or row["passed_on_as"] or row["message_id"],
        "eventType": event_type,
        "eventTime": at,
        "domain": DOMAIN,
        "title": title,
        "description": description,
        "relatedParty": [
            {"id": row["account_id"], "role": "customer", "@referredType": "Customer"}
        ],
        "event": {name: value for name, value in content.items() if value is not None},
    }


# What was told of an order that has been withdrawn since is in no mart any more: only the outbox
# knows who is still at work on it.
NOTIFICATIONS = Source(
    kind="notification",
    query=f"""
        select notification_id as message_id, carrier_id, account_id, opened_at as ordered_at,
            exception_id, exception_type, order_carrier_id, order_id, service_number, expected,
            found, true as is_needed
        from integrity.carrier_notifications
        where is_open and not awaits_account and opened_at <= now()
        union all
        select md5('cleared|' || told.message_id), told.carrier_id, told.account_id,
            greatest(gone.status_at, told.ordered_at + interval '1 microsecond'),
            told.exception_id, told.body #>> '{{event,exceptionType}}',
            told.order_carrier_id, told.order_id, null, null, null, false
        from (
            select message_id, carrier_id, account_id, ordered_at, body,
                body #>> '{{event,exceptionId}}' as exception_id,
                body #>> '{{event,order,carrier}}' as order_carrier_id,
                body #>> '{{event,order,id}}' as order_id
            from outbox.messages
            where kind = 'notification' and body ->> 'eventType' = '{EXCEPTION_EVENT}'
                and sent_at is not null and state <> 'refused'
        ) as told
        cross join lateral (
            {ended("told.account_id", "told.order_carrier_id", "told.order_id")}
        ) as gone
        where gone.status_at <= now()
            and not exists (
                select from integrity.bundle_exceptions as exceptions
                where exceptions.exception_id = told.exception_id
                    and exceptions.account_id = told.account_id
            )
    """,  # noqa: S608  (constants of this package)
    body=exception_event,
    feeds=EXCEPTION_FEEDS,
)

# Three things that the marts do not say, as only the outbox knows what a platform was told:
# an order whose platform was told to hold or withdraw it goes on as soon as all carriers are in
# sync; one that the other platform refused is withdrawn, and not held; and what came of an order
# that was passed on is withdrawn with it.
PLATFORM_INSTRUCTIONS = Source(
    kind="instruction",
    query=f"""
        with passed_on as materialized ({PASSED_ON}),
        refused as materialized (
            select * from passed_on
            where state = 'refused'
                and message_id in (
                    select wanted.message_id from ({PASS_THROUGH.query}) as wanted
                )
        )
        select instructions.instruction_id as message_id, instructions.carrier_id,
            instructions.account_id, instructions.opened_at as ordered_at,
            instructions.instruction, instructions.exception_id, exceptions.exception_type,
            instructions.carrier_id as order_carrier_id, instructions.order_id,
            instructions.other_carrier_id, null as passed_on_as
        from integrity.order_instructions as instructions
        inner join integrity.bundle_exceptions as exceptions
            on exceptions.exception_id = instructions.exception_id
                and exceptions.account_id = instructions.account_id
        where instructions.resolved_at is null and instructions.opened_at <= now()
            and not (
                instructions.instruction = 'hold'
                and exists (
                    select from refused
                    where refused.account_id = instructions.account_id
                        and refused.from_carrier_id = instructions.carrier_id
                        and refused.order_id = instructions.order_id
                        and refused.to_carrier_id = instructions.other_carrier_id
                )
            )
        union all
        select md5('withdraw|' || refused.message_id), refused.from_carrier_id,
            refused.account_id, refused.answered_at, 'withdraw', exceptions.exception_id,
            exceptions.exception_type, refused.from_carrier_id, refused.order_id,
            refused.to_carrier_id, null
        from refused
        left join integrity.bundle_exceptions as exceptions
            on exceptions.account_id = refused.account_id
                and exceptions.carrier_id = refused.from_carrier_id
                and exceptions.order_id = refused.order_id
                and exceptions.other_carrier_id = refused.to_carrier_id
                and exceptions.resolved_at is null
        union all
        select md5('called_off|' || passed_on.message_id), passed_on.to_carrier_id,
            passed_on.account_id,
            greatest(gone.status_at, passed_on.ordered_at + interval '1 microsecond'),
            'withdraw', null, null, passed_on.from_carrier_id, passed_on.order_id,
            passed_on.from_carrier_id, passed_on.message_id
        from passed_on
        cross join lateral (
            {ended("passed_on.account_id", "passed_on.from_carrier_id", "passed_on.order_id")}
        ) as gone
        where gone.status_at <= now() and passed_on.state <> 'refused'
            and exists (
                select from outbox.attempts
                where attempts.message_id = passed_on.message_id
                    and coalesce(attempts.outcome, 'interrupted') in (
                        'accepted', 'failed', 'interrupted'
                    )
            )
            and not exists (
                select from raw.orders as theirs
                where theirs.account_id = passed_on.account_id
                    and theirs.carrier_id = passed_on.to_carrier_id
                    and theirs.counterpart_order_id = passed_on.order_id
                    and theirs.status in ('failed', 'withdrawn')
            )
        union all
        select md5('release|' || told.message_id), told.carrier_id, told.account_id,
            greatest(
                coalesce(exceptions.resolved_at, here.as_of),
                told.ordered_at + interval '1 microsecond'
            ),
            'release', told.exception_id, told.exception_type, told.carrier_id, told.order_id,
            told.other_carrier_id, null
        from (
            select distinct on (carrier_id, account_id, body #>> '{{event,order,id}}')
                message_id, carrier_id, account_id, ordered_at,
                body #>> '{{event,order,id}}' as order_id,
                body #>> '{{event,exceptionId}}' as exception_id,
                body #>> '{{event,exceptionType}}' as exception_type,
                body #>> '{{event,otherCarrier}}' as other_carrier_id
            from outbox.messages
            where kind = 'instruction' and body #>> '{{event,instruction}}' <> 'release'
                and body #>> '{{event,order,carrier}}' = carrier_id
                and sent_at is not null and state <> 'refused'
            order by carrier_id, account_id, body #>> '{{event,order,id}}', ordered_at desc,
                message_id
        ) as told
        inner join (
            select carrier_id, order_id, account_id
            from integrity.order_sync
            group by carrier_id, order_id, account_id
            having bool_and(sync_status = 'in_sync')
        ) as agreed
            on agreed.carrier_id = told.carrier_id and agreed.order_id = told.order_id
                and agreed.account_id = told.account_id
        left join integrity.bundle_exceptions as exceptions
            on exceptions.exception_id = told.exception_id
                and exceptions.account_id = told.account_id
        cross join control.run_values as here
    """,  # noqa: S608
    body=instruction_event,
)
