"""Orders that were passed on, as the outbox has them, and what became of them where they began."""

from __future__ import annotations

# A row per pass-through message: which order of whom it passed on. No placeholders.
PASSED_ON = """
    select message_id, account_id, carrier_id as to_carrier_id, state, last_error, ordered_at,
        answered_at,
        body #>> '{relatedParty,1,id}' as from_carrier_id,
        (
            select said ->> 'value'
            from jsonb_array_elements(
                body #> '{productOrderItem,0,product,productCharacteristic}'
            ) as said
            where said ->> 'name' = 'originatingOrder'
        ) as order_id
    from outbox.messages
    where kind = 'pass_through'
"""


def ended(account: str, carrier: str, order: str) -> str:
    """SQL: the row (``status``, ``status_at``) of an order that has failed or was withdrawn.

    It goes by what was loaded: no build needs to have seen it.

    Args:
        account: expression of the account.
        carrier: expression of the order's carrier.
        order: expression of the order.
    """
    return f"""
        select status, status_at
        from (
            select status, status_at from raw.orders
            where account_id = {account} and carrier_id = {carrier} and order_id = {order}
            order by load_id desc, row_number desc
            limit 1
        ) as newest
        where status in ('failed', 'withdrawn')
    """  # noqa: S608  (expressions of this package)


# ids of messages whose order was called off
CALLED_OFF = f"""
    select passed.message_id
    from ({PASSED_ON}) as passed
    cross join lateral (
        {ended("passed.account_id", "passed.from_carrier_id", "passed.order_id")}
    ) as gone
    where passed.state = 'pending'
"""  # noqa: S608

# of those, the ones that did not get through
REFUSALS = f"select * from ({PASSED_ON}) as passed where state in ('refused', 'given_up')"  # noqa: S608
