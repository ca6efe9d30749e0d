"""At least once, always under the same key, one result, in order: whatever the platforms do."""

from __future__ import annotations

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tandem.database import LOCK_KEY
from tandem.outbox.dispatching import Endpoint, dispatch
from tandem.outbox.message import ORDERING, Answer, Message, Outcome
from tests.outbox import platform
from tests.outbox.platform import Platform, accept, running, status, then
from tests.outbox.support import (
    QUICK,
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


@pytest.mark.parametrize(
    ("behave", "outcome"),
    [
        (platform.drop_before, "failed"),
        (platform.drop_after, "failed"),
        (platform.babble, "failed"),
        (status(500, "oh"), "failed"),
        (status(502), "failed"),
        (status(408), "failed"),
        (status(425), "failed"),
        (status(429, headers={"Retry-After": "0"}), "failed"),
        (status(503, headers={"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}), "failed"),
        (status(200, "<html>Please log in</html>", kind="text/html"), "failed"),
        (status(200, {"externalId": "another"}), "failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "__name__", ""),
)
def test_tried_again_until_it_is_taken(
    outbox: Warehouse, behave: platform.Behaviour, outcome: str
) -> None:
    key = add_order(outbox, "W1")
    queue(outbox)
    with running(then(behave, behave, accept)) as there:
        (done,) = send(outbox, ("wireline", there.url))
    assert (done.accepted, done.failed) == (1, False)
    assert there.keys() == [key] * 3
    assert list(there.orders) == [key]
    assert outcomes(outbox, key) == [outcome, outcome, "accepted"]
    row = message(outbox, key)
    assert (row["state"], row["attempts"]) == ("accepted", 3)


@pytest.mark.parametrize("behave", [platform.break_off, platform.trickle], ids=["cut", "endless"])
def test_the_status_says_it_all(outbox: Warehouse, behave: platform.Behaviour) -> None:
    key = add_order(outbox, "W1")
    queue(outbox)
    with running(behave) as there:
        send(outbox, ("wireline", there.url), timeout=0.3)
        there.go_on.set()
    assert outcomes(outbox, key) == ["accepted"]


def test_an_answer_that_does_not_come(outbox: Warehouse) -> None:
    key = add_order(outbox, "W1")
    queue(outbox)
    with running(then(platform.hang, accept)) as there:
        (done,) = send(outbox, ("wireline", there.url), timeout=0.2)
        assert done.accepted == 1
    # it had been made by the first attempt: the second one was told so
    assert outcomes(outbox, key) == ["failed", "accepted"]
    assert message(outbox, key)["answer_code"] == 409


def test_a_run_ends_and_the_next_goes_on(outbox: Warehouse) -> None:
    key = add_order(outbox, "W1")
    queue(outbox)
    patient = replace(QUICK, first_pause_seconds=3600.0, longest_pause_seconds=3600.0)
    with running(status(500)) as there:
        (done,) = send(outbox, ("wireline", there.url), policy=patient, attempts=2)
        assert (done.postponed, done.failed) == (1, True)
        assert done.errors == {key: "500 Internal Server Error"}
        assert len(there.calls) == 2
        there.behave = accept
        # not due yet
        (done,) = send(outbox, ("wireline", there.url), policy=patient)
        assert (done.accepted, done.failed) == (0, False)
        assert len(there.calls) == 2
        (done,) = send(outbox, ("wireline", there.url), policy=patient, also_later=True)
        assert done.accepted == 1
    assert outcomes(outbox, key) == ["failed", "failed", "accepted"]


def test_refused_with_its_reason(outbox: Warehouse) -> None:
    key = add_order(outbox, "W1")
    after = add_order(outbox, "W2", requested_at="2025-06-02T10:00:00Z")
    queue(outbox)
    error = {"code": "21", "reason": "Unknown offering", "message": "SHARE800\x00 is not sold"}
    with running() as there:
        there.behave = lambda p, h, call: (
            status(422, error)(p, h, call) if call.key == key else accept(p, h, call)
        )
        (done,) = send(outbox, ("wireline", there.url))
    assert (done.refused, done.accepted, done.failed) == (1, 1, True)
    row = message(outbox, key)
    assert (row["state"], row["answer_code"], row["attempts"]) == ("refused", 422, 1)
    assert row["last_error"].endswith(": 21: Unknown offering: SHARE800\ufffd is not sold")
    assert message(outbox, after)["state"] == "accepted"


def test_a_conflict_is_ours_or_not(outbox: Warehouse) -> None:
    plain, known, told = (add_order(outbox, f"W{n}", f"A{n}") for n in (1, 2, 3))
    queue(outbox)
    conflict = status(409, {"code": "409", "reason": "is there"})
    with running() as there:
        ways = {
            plain: conflict,
            # an attempt of ours may have made it: only an answer that says so is believed
            known: then(platform.drop_after, conflict, accept),
            told: status(409, {"code": "409", "referenceError": {"externalId": told}}),
        }
        there.behave = lambda p, h, call: ways[call.key](p, h, call)
        send(outbox, ("wireline", there.url))
    assert outcomes(outbox, plain) == ["refused"]
    assert outcomes(outbox, known) == ["failed", "failed", "accepted"]
    assert outcomes(outbox, told) == ["accepted"]


def test_given_up_after_a_while(outbox: Warehouse) -> None:
    first = add_order(outbox, "W1")
    after = add_order(outbox, "W2", requested_at="2025-06-02T10:00:00Z")
    queue(outbox)
    with running() as there:
        there.behave = lambda p, h, call: (
            status(500)(p, h, call) if call.key == first else accept(p, h, call)
        )
        # while it may still arrive, what comes after it waits
        send(outbox, ("wireline", there.url))
        assert states(outbox) == [("pending", 2)]
        (done,) = send(outbox, ("wireline", there.url), policy=replace(QUICK, give_up_hours=0.0))
    assert (done.given_up, done.accepted, done.failed) == (1, 1, True)
    assert message(outbox, first)["state"] == "given_up"
    assert message(outbox, after)["state"] == "accepted"


@pytest.mark.parametrize("code", [401, 302, 307])
def test_a_platform_that_turns_us_away(outbox: Warehouse, code: int) -> None:
    add_orders(outbox, accounts=20, each=1)
    queue(outbox)
    with running(status(code, headers={"Location": "/elsewhere"})) as there:
        (done,) = send(outbox, ("wireline", there.url), policy=replace(QUICK, workers=2))
    # it is not the messages that it does not want
    assert states(outbox) == [("pending", 20)]
    assert len(there.calls) <= 2
    assert done.failed and done.stopped is not None and str(code) in done.stopped
    assert {call.path for call in there.calls} == {"/productOrder"}


def test_a_platform_that_is_down_is_left_alone(outbox: Warehouse) -> None:
    add_orders(outbox, accounts=30, each=1, to="wireless")
    add_orders(outbox, accounts=30, each=1, to="wireline")
    queue(outbox)
    policy = replace(QUICK, failures_in_a_row=3, workers=1)
    with running() as there:
        down, up = send(
            outbox, ("wireless", platform.closed_port()), ("wireline", there.url), policy=policy
        )
    assert down.stopped is not None and "3 messages in a row" in down.stopped
    assert (down.postponed, down.failed) == (3, True)
    assert (up.accepted, up.failed) == (30, False)


def test_what_failed_keeps_nothing_new_from_leaving(outbox: Warehouse) -> None:
    bad = {add_order(outbox, f"W{n}", f"A{n}") for n in (1, 2)}
    queue(outbox)
    policy = replace(QUICK, failures_in_a_row=2, workers=1)
    with running() as there:
        there.behave = lambda p, h, call: (
            status(500)(p, h, call) if call.key in bad else accept(p, h, call)
        )
        send(outbox, ("wireline", there.url), policy=policy)
        good = add_order(outbox, "W3", "A3", requested_at="2025-07-01T00:00:00Z")
        queue(outbox)
        send(outbox, ("wireline", there.url), policy=policy)
    assert message(outbox, good)["state"] == "accepted"


def test_asked_for_a_long_rest(outbox: Warehouse) -> None:
    add_orders(outbox, accounts=10, each=1)
    queue(outbox)
    busy = status(429, headers={"Retry-After": "7200"})
    with running(busy) as there:
        (done,) = send(outbox, ("wireline", there.url), policy=replace(QUICK, workers=1))
        assert len(there.calls) == 1
    assert done.stopped == "it asks to be left alone for 7,200 seconds"
    (row,) = outbox.rows(
        """
        select count(*) as n from outbox.messages
        where next_attempt_at > now() + interval '1 hour'
        """
    )
    assert row["n"] == 1


def test_other_carriers_wait_for_their_endpoint(outbox: Warehouse) -> None:
    here, elsewhere = add_order(outbox, "W1"), add_order(outbox, "L1", to="wireless")
    queue(outbox)
    with running() as there:
        send(outbox, ("wireline", there.url))
    assert there.keys() == [here]
    assert message(outbox, elsewhere)["attempts"] == 0


def test_what_is_sent(outbox: Warehouse) -> None:
    key = add_order(outbox, "W1", "Änne 1", plan_id="SHARE800")
    queue(outbox)
    with running() as there:
        send(outbox, ("wireline", there.url))
    (call,) = there.calls
    assert call.headers["Authorization"] == "Bearer s3cret"
    assert call.headers["Content-Type"] == "application/json"
    assert call.key == call.body["externalId"] == key
    assert call.account == "Änne 1"
    assert call.body == message(outbox, key)["body"]


def test_no_load_or_build_waits_for_a_dispatch(outbox: Warehouse) -> None:
    add_order(outbox, "W1")
    queue(outbox)
    with running(platform.hang) as there, ThreadPoolExecutor(1) as pool:
        url = outbox.url
        sending = pool.submit(send, outbox, ("wireline", there.url))
        assert there.called.wait(20)
        held = outbox.rows(
            """
            select 1 from pg_locks
            where locktype = 'advisory' and classid = %s and objid = %s
            """,
            LOCK_KEY >> 32,
            LOCK_KEY & (2**32 - 1),
        )
        # nor does anybody wait for a row, or for a snapshot to end
        open_transactions = outbox.rows(
            "select 1 from pg_stat_activity where application_name = 'tandem test'"
            " and state <> 'idle'"
        )
        queue(outbox)
        there.go_on.set()
        (done,) = sending.result()
    assert (url, held, open_transactions) == (outbox.url, [], [])
    assert done.accepted == 1


def test_two_dispatches_share_the_work(outbox: Warehouse) -> None:
    add_orders(outbox, accounts=25, each=4)
    queue(outbox)
    with running(platform.moody(7)) as there, ThreadPoolExecutor(3) as pool:
        url = there.url
        assert outbox.url
        runs = [pool.submit(send, outbox, ("wireline", url), attempts=1000) for _ in range(3)]
        accepted = sum(run.result()[0].accepted for run in runs)
    assert accepted == 100
    assert_delivered(outbox, there, 100)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_the_platforms_do(outbox: Warehouse, seed: int) -> None:
    add_orders(outbox, accounts=8, each=4, to="wireless")
    add_orders(outbox, accounts=8, each=4, to="wireline")
    queue(outbox)
    with running(platform.moody(seed)) as one, running(platform.moody(seed + 100)) as other:
        for run in range(200):
            send(outbox, ("wireless", one.url), ("wireline", other.url), attempts=2)
            if states(outbox) == [("accepted", 64)]:
                break
            assert run < 199, states(outbox)
    assert_delivered(outbox, one, 32)
    assert_delivered(outbox, other, 32)


def assert_delivered(outbox: Warehouse, there: Platform, expected: int) -> None:
    """Each at least once and made once, under its own key, in order, with one result."""
    by_key = {row["message_id"]: row for row in messages(outbox)}
    assert len(there.orders) == expected
    assert {call.body["externalId"] for call in there.calls} == set(there.orders)
    for call in there.calls:
        assert call.key == call.body["externalId"]
        assert call.body == by_key[call.key]["body"]
    # in the order in which they were asked for, and one at a time
    assert there.at_once == 1
    made: dict[str, list[object]] = defaultdict(list)
    for key in there.orders:
        made[by_key[key]["account_id"]].append(by_key[key]["ordered_at"])
    for times in made.values():
        assert times == sorted(times)
    called: dict[str, list[object]] = defaultdict(list)
    for call in there.calls:
        called[call.account].append(by_key[call.key]["ordered_at"])
    for times in called.values():
        assert times == sorted(times)
    # one result each, and every call is an attempt on record
    ended = outbox.rows(
        """
        select message_id, count(*) as attempts,
            count(*) filter (where outcome in ('accepted', 'refused')) as results,
            count(*) filter (where ended_at is null) as unfinished
        from outbox.attempts group by message_id
        """
    )
    calls: dict[str, int] = defaultdict(int)
    for call in there.calls:
        calls[call.key] += 1
    for row in ended:
        if row["message_id"] in there.orders:
            assert (row["results"], row["unfinished"]) == (1, 0)
            assert row["attempts"] == calls[row["message_id"]]
            assert by_key[row["message_id"]]["attempts"] == row["attempts"]


class Clumsy:
    """A transport that one message breaks."""

    def __init__(self, breaks: str) -> None:
        self.breaks = breaks

    def send(self, message: Message) -> Answer:
        if message.message_id == self.breaks:
            raise KeyError("street")
        return Answer(Outcome.ACCEPTED)

    def close(self) -> None:
        """Nothing is open."""


def test_a_message_that_breaks_its_transport_stops_no_other(outbox: Warehouse) -> None:
    bad, good = add_order(outbox, "W1"), add_order(outbox, "W2", "A2")
    queue(outbox)
    with session(outbox) as connection:
        (done,) = dispatch(connection, [Endpoint(ORDERING, "wireline", Clumsy(bad), 2)], QUICK)
    assert (done.accepted, done.postponed) == (1, 1)
    assert message(outbox, good)["state"] == "accepted"
    assert message(outbox, bad)["last_error"] == "KeyError: 'street'"


def test_interrupted_between_messages(outbox: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    # Ctrl-C while a message is under way: it is recorded, and nothing begins after it
    add_orders(outbox, accounts=1, each=5)
    queue(outbox)
    interrupted = threading.Event()

    def interrupt(*_: object, **__: object) -> None:
        assert there.called.wait(20)
        threading.Timer(0.1, there.go_on.set).start()
        interrupted.set()
        raise KeyboardInterrupt

    with running(platform.hang) as there:
        monkeypatch.setattr("tandem.outbox.dispatching.wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            send(outbox, ("wireline", there.url))
    assert interrupted.is_set()
    assert states(outbox) == [("accepted", 1), ("pending", 4)]
    assert outbox.rows("select 1 from outbox.attempts where ended_at is null") == []
