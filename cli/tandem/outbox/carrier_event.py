"""What carriers are told of exceptions, as events in the words of TMF688 (Event, version 4)."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from tandem.integrity.words import INSTRUCTION_TITLES, INSTRUCTIONS, KINDS, title_of
from tandem.outbox.queueing import Source
from tandem.queries import Row

EXCEPTION_EVENT = "BundleExceptionEvent"
# instruction -> eventType
INSTRUCTION_EVENTS = {
    "hold": "OrderHoldEvent",
    "withdraw": "OrderWithdrawEvent",
    "release": "OrderReleaseEvent",
}
DOMAIN = "bundleIntegrity"


def exception_event(row: Row) -> dict[str, Any]:
    """The event that asks a carrier to mend something.

    Args:
        row: of the query of ``NOTIFICATIONS``.

    Returns:
        The body: ``event`` has the exception, ``title`` and ``description`` say in words what is
        wrong and what is asked.
    """
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
        platform's own order.
    """
    word = row["instruction"]
    return _event(
        row,
        INSTRUCTION_EVENTS[word],
        INSTRUCTION_TITLES[word],
        INSTRUCTIONS[word],
        {"instruction": word, "otherCarrier": row["other_carrier_id"]},
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
        "correlationId": row["exception_id"],
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


NOTIFICATIONS = Source(
    kind="notification",
    query="""
        select notification_id as message_id, carrier_id, account_id, opened_at as ordered_at,
            exception_id, exception_type, order_carrier_id, order_id, service_number, expected,
            found
        from integrity.carrier_notifications
        where is_open and not awaits_account
    """,
    body=exception_event,
)

# An order whose platform was told to hold or withdraw it goes on as soon as all carriers are in
# sync. Only the outbox knows what a platform was told, so a release is made of its last message.
PLATFORM_INSTRUCTIONS = Source(
    kind="instruction",
    query="""
        select instructions.instruction_id as message_id, instructions.carrier_id,
            instructions.account_id, instructions.opened_at as ordered_at,
            instructions.instruction, instructions.exception_id, exceptions.exception_type,
            instructions.carrier_id as order_carrier_id, instructions.order_id,
            instructions.other_carrier_id
        from integrity.order_instructions as instructions
        inner join integrity.bundle_exceptions as exceptions
            on exceptions.exception_id = instructions.exception_id
                and exceptions.account_id = instructions.account_id
        where instructions.resolved_at is null
        union all
        select md5('release|' || told.message_id), told.carrier_id, told.account_id,
            greatest(
                coalesce(exceptions.resolved_at, here.as_of),
                told.ordered_at + interval '1 microsecond'
            ),
            'release', told.exception_id, told.exception_type, told.carrier_id, told.order_id,
            told.other_carrier_id
        from (
            select distinct on (carrier_id, account_id, body #>> '{event,order,id}')
                message_id, carrier_id, account_id, ordered_at,
                body #>> '{event,order,id}' as order_id,
                body #>> '{event,exceptionId}' as exception_id,
                body #>> '{event,exceptionType}' as exception_type,
                body #>> '{event,otherCarrier}' as other_carrier_id
            from outbox.messages
            where kind = 'instruction' and body #>> '{event,instruction}' <> 'release'
                and sent_at is not null and state <> 'refused'
            order by carrier_id, account_id, body #>> '{event,order,id}', ordered_at desc,
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
    """,
    body=instruction_event,
)
