"""Nothing is queued twice, and nothing is sent whose reason is gone."""

from __future__ import annotations

import pytest

from tandem.errors import Refused
from tandem.outbox.message import State
from tandem.outbox.queueing import Queued, queue_again
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


LOAD = """
    insert into raw.loads
    select 1, %s, null, null, 'f', 's', 0, 0, 0, 0, 0, null, now(), 'me'
"""


def test_nothing_is_queued_from_marts_that_are_behind(outbox: Warehouse) -> None:
    add_order(outbox, "W1")
    try:
        # the counterpart may be in it
        outbox.execute(LOAD, "orders")
        with pytest.raises(Refused, match="run 'tandem build' first"):
            queue(outbox)
        outbox.execute("update raw.loads set feed = 'cdrs'")
        assert queue(outbox) == Queued(1, 0, 0)
        # a build that was killed, or made only a part
        for change in (
            "update control.run_values set build_id = 8",
            "delete from control.build_state",
        ):
            outbox.execute(change)
            with pytest.raises(Refused, match="run 'tandem build' first"):
                queue(outbox)
    finally:
        outbox.execute("truncate raw.loads, control.run_values, control.build_state cascade")
        outbox.execute("insert into control.run_values values (7)")
        outbox.execute("insert into control.build_state values (7, 0)")
    assert states(outbox) == [("pending", 1)]


def test_queued_again_by_hand(outbox: Warehouse) -> None:
    one, other = add_order(outbox, "W1"), add_order(outbox, "W2", "A2")
    queue(outbox)
    with platform.running(platform.status(404)) as there:
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
