"""Nothing is queued twice, and nothing is sent whose reason is gone."""

from __future__ import annotations

import pytest

from tandem.database import exclusive
from tandem.errors import Refused
from tandem.outbox.message import State
from tandem.outbox.queueing import PASS_THROUGH, Queued, enqueue, queue_again
from tests.cli import made_up
from tests.outbox import platform
from tests.outbox.support import (
    add_order,
    add_orders,
    message,
    messages,
    outcomes,
    queue,
    send,
    session,
    states,
)
from tests.support.warehouse import Warehouse


def forget(outbox: Warehouse, message_id: str) -> None:
    """As if the counterpart had arrived."""
    outbox.execute("delete from integrity.pass_through_orders where message_id = %s", message_id)


def test_queued_once(outbox: Warehouse) -> None:
    add_orders(outbox, accounts=700, each=2)
    assert queue(outbox) == Queued(1400, 0, 0)
    before = messages(outbox)
    assert queue(outbox) == Queued(0, 0, 0)
    assert messages(outbox) == before
    assert {(row["kind"], row["channel"], row["carrier_id"]) for row in before} == {
        ("pass_through", "ordering", "wireline")
    }


def test_answered_ones_are_not_queued_again(outbox: Warehouse) -> None:
    good, bad = add_order(outbox, "W1"), add_order(outbox, "W2", "A2")
    queue(outbox)
    refuse = platform.status(400, {"code": "1", "reason": "no"})
    with platform.running() as there:
        there.behave = lambda p, h, call: (platform.accept if call.key == good else refuse)(
            p, h, call
        )
        send(outbox, ("wireline", there.url))
        assert queue(outbox) == Queued(0, 0, 0)
        send(outbox, ("wireline", there.url))
    assert sorted(there.keys()) == sorted([good, bad])
    assert states(outbox) == [("accepted", 1), ("refused", 1)]


def test_cancelled_when_its_reason_is_gone(outbox: Warehouse) -> None:
    gone, stays = add_order(outbox, "W1"), add_order(outbox, "W2", "A2")
    queue(outbox)
    forget(outbox, gone)
    assert queue(outbox) == Queued(0, 0, 1)
    with platform.running() as there:
        send(outbox, ("wireline", there.url))
    assert there.keys() == [stays]
    assert message(outbox, gone)["state"] == "cancelled"
    # withdrawn over there: the reason is back, and the message with it
    add_order(outbox, "W1")
    assert queue(outbox) == Queued(0, 1, 0)
    with platform.running() as there:
        send(outbox, ("wireline", there.url))
    assert there.keys() == [gone]


def test_attempts_that_found_nobody_do_not_keep_it(outbox: Warehouse) -> None:
    gone = add_order(outbox, "W1")
    queue(outbox)
    send(outbox, ("wireline", platform.closed_port()))
    assert set(outcomes(outbox, gone)) == {"unreached"}
    forget(outbox, gone)
    assert queue(outbox) == Queued(0, 0, 1)


def test_what_may_have_arrived_is_not_cancelled(outbox: Warehouse) -> None:
    # the counterpart may be what our own message has made
    sent = add_order(outbox, "W1")
    queue(outbox)
    with platform.running(platform.drop_after) as there:
        send(outbox, ("wireline", there.url))
        # and later attempts that find nobody do not change that
        send(outbox, ("wireline", platform.closed_port()))
        forget(outbox, sent)
        assert queue(outbox) == Queued(0, 0, 0)
        there.behave = platform.accept
        send(outbox, ("wireline", there.url))
    assert message(outbox, sent)["state"] == "accepted"


def test_worded_anew_until_it_is_sent(outbox: Warehouse) -> None:
    key = add_order(outbox, "W1")
    queue(outbox)
    outbox.execute("update integrity.pass_through_orders set plan_id = 'SHARE1000'")
    assert queue(outbox) == Queued(0, 1, 0)
    with platform.running(platform.drop_after) as there:
        send(outbox, ("wireline", there.url), attempts=1)
        outbox.execute("update integrity.pass_through_orders set plan_id = 'SHARE2000'")
        assert queue(outbox) == Queued(0, 0, 0)
        there.behave = platform.accept
        send(outbox, ("wireline", there.url))
    # one key stands for one body
    assert there.keys() == [key, key]
    assert there.calls[0].body == there.calls[1].body
    (item,) = there.calls[0].body["productOrderItem"]
    assert item["productOffering"] == {"id": "SHARE1000"}


def test_an_id_of_another_kind_is_refused(outbox: Warehouse) -> None:
    key = add_order(outbox, "W1")
    queue(outbox)
    outbox.execute("update outbox.messages set kind = 'notification', channel = 'notification'")
    add_order(outbox, "W2")
    with pytest.raises(Refused, match=f"{key} has the id of a notification"):
        queue(outbox)
    assert len(messages(outbox)) == 1


LOAD = "insert into raw.loads select %s, %s, null, null, 'f', 's', 0, 0, 0, 0, 0, null, now(), 'me'"


def load_order(
    outbox: Warehouse,
    load_id: int,
    order_id: str,
    status: str,
    account_id: str = "A1",
    carrier_id: str = "wireless",
    counterpart_order_id: str | None = None,
) -> None:
    """A row of an order, with its load."""
    outbox.execute(LOAD, load_id, "orders")
    made_up.fill(
        outbox,
        "raw.orders",
        [
            {
                "load_id": load_id,
                "row_number": 1,
                "carrier_id": carrier_id,
                "order_id": order_id,
                "account_id": account_id,
                "action": "subscribe",
                "plan_id": "SHARE800",
                "requested_at": "2025-06-01T10:00:00Z",
                "effective_on": "2025-06-01",
                "status": status,
                "status_at": "2025-06-02T10:00:00Z",
                "counterpart_order_id": counterpart_order_id,
            }
        ],
    )


def test_accounts_that_wait_for_a_build_are_left_alone(outbox: Warehouse) -> None:
    gone, stays, new = (add_order(outbox, f"W{n}", f"A{n}") for n in (1, 2, 3))
    queue_only = (gone, stays)
    with exclusive(outbox.settings, "test") as connection:
        assert enqueue(connection, PASS_THROUGH, queue_only) == Queued(2, 0, 0, 0)
    # a counterpart came, and no build has seen it: neither is queued nor cancelled for it
    for number, account in enumerate(("A1", "A3"), 1):
        load_order(outbox, number, f"L{number}", "completed", account, "wireline")
    forget(outbox, gone)
    other = add_order(outbox, "W4", "A4")
    assert queue(outbox) == Queued(1, 0, 0, 2)
    assert {row["message_id"] for row in messages(outbox)} == {gone, stays, other}
    # call records change no order
    outbox.execute(LOAD, 9, "cdrs")
    outbox.execute("update control.build_state set cutoff_load_id = 2")
    assert queue(outbox) == Queued(1, 0, 1, 0)
    assert message(outbox, new)["state"] == "pending"


def test_nothing_is_queued_from_half_a_build(outbox: Warehouse) -> None:
    add_order(outbox, "W1")
    for change in (
        "update control.run_values set build_id = 8",
        "delete from control.build_state",
    ):
        outbox.execute(change)
        with pytest.raises(Refused, match="run 'tandem build' first"):
            queue(outbox)
    assert messages(outbox) == []


def test_an_order_that_was_called_off_is_not_sent(outbox: Warehouse) -> None:
    """Though it may have arrived, and with whatever the marts know."""
    sent, stays = add_order(outbox, "W1"), add_order(outbox, "W2", "A2")
    load_order(outbox, 1, "W1", "completed")
    outbox.execute("update control.build_state set cutoff_load_id = 1")
    queue(outbox)
    with platform.running(platform.status(503)) as there:
        send(outbox, ("wireline", there.url), attempts=1)
        assert sorted(there.keys()) == sorted([sent, stays])
        load_order(outbox, 2, "W1", "withdrawn")
        # another carrier's order of that name is another one
        load_order(outbox, 3, "W2", "withdrawn", "A2", "wireline")
        there.behave = platform.accept
        there.calls.clear()
        # the mart still has it
        assert queue(outbox) == Queued(0, 0, 1, 2)
        send(outbox, ("wireline", there.url))
        assert there.keys() == [stays]
        forget(outbox, sent)
        outbox.execute("update control.build_state set cutoff_load_id = 3")
        assert queue(outbox) == Queued(0, 0, 0, 0)
    assert message(outbox, sent)["state"] == "cancelled"


def test_called_off_also_with_half_a_build(outbox: Warehouse) -> None:
    sent = add_order(outbox, "W1")
    queue(outbox)
    load_order(outbox, 1, "W1", "withdrawn")
    outbox.execute("delete from control.build_state")
    with pytest.raises(Refused):
        queue(outbox)
    assert message(outbox, sent)["state"] == "cancelled"


def test_what_the_platform_has_under_way_is_not_sent(outbox: Warehouse) -> None:
    key = add_order(outbox, "W1")
    here = {"carrier_id": "wireless", "order_id": "W1", "account_id": "A1"}
    there = {"counterpart_carrier_id": "wireline", "counterpart_order_id": "L1"}
    rows = [here | there | {"counterpart_status": "submitted"}]
    made_up.fill(outbox, "integrity.order_sync", rows)
    assert queue(outbox) == Queued(0, 0, 0, 0)
    outbox.execute("update integrity.order_sync set counterpart_carrier_id = 'internet'")
    assert queue(outbox) == Queued(1, 0, 0, 0)
    assert message(outbox, key)["state"] == "pending"


def test_queued_again_by_hand(outbox: Warehouse) -> None:
    one, other = add_order(outbox, "W1"), add_order(outbox, "W2", "A2")
    queue(outbox)
    with platform.running(platform.status(404, {"code": "7"})) as there:
        send(outbox, ("wireline", there.url))
        assert states(outbox) == [("refused", 2)]
        with session(outbox) as connection:
            (row,) = queue_again(connection, [one[:8]])
            assert row["message_id"] == one
            for wrong in (one[:3], "ffffffffffffff", one):
                with pytest.raises(Refused):
                    queue_again(connection, [wrong])
            assert queue_again(connection, state=State.REFUSED, carrier_id="wireless") == []
            assert len(queue_again(connection, state=State.REFUSED)) == 1
        there.behave = platform.accept
        send(outbox, ("wireline", there.url))
    assert states(outbox) == [("accepted", 2)]
    assert outcomes(outbox, one) == outcomes(outbox, other) == ["refused", "accepted"]


def test_dbt_reads_the_outbox_and_does_not_write_it(outbox: Warehouse) -> None:
    (row,) = outbox.rows(
        """
        select has_table_privilege('tandem_engineer', 'outbox.messages', 'select') as reads,
            has_table_privilege('tandem_engineer', 'outbox.messages', 'insert') as writes,
            has_table_privilege('tandem_finance', 'outbox.attempts', 'select') as finance_reads
        """
    )
    assert row == {"reads": True, "writes": False, "finance_reads": False}
