"""Exceptions and notices sent: one story on a real warehouse, corners on made-up marts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tests.cli import made_up
from tests.cli.made_up import account, ago, exception, notice
from tests.cli.running import Done, assert_one_sentence, environment, tandem
from tests.outbox.platform import Platform, accept, closed_port, drop_after, running, status, then
from tests.outbox.test_mail import OnAnyPort
from tests.support.warehouse import Warehouse

pytestmark = pytest.mark.xdist_group("telling")

SINCE = ("--since", "2025-05-01")


class Mailbox:
    """Keeps what it took, to the byte; answers once each as it is told to, then 250."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.to: list[str] = []
        self.answers: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.raw.append(envelope.content)
            self.to += envelope.rcpt_tos
        return answer

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.raw]


@dataclass
class Outside:
    """Platforms of both carriers, a mail server, and the file that names them."""

    config: Path
    wireless: Platform
    wireline: Platform
    mailbox: Mailbox
    controller: Controller
    warehouse: Warehouse | None = None
    more: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: object) -> Done:
        assert self.warehouse is not None
        env = environment(self.warehouse) | {"TANDEM_CONFIG": str(self.config)} | self.more
        return tandem(*arguments, env=env)

    def send(self, *arguments: object) -> dict[str, int]:
        """Figures of what was queued; everything that was due was delivered."""
        done = self.run(*arguments, "--send", "--json")
        assert (done.code, done.err) == (0, "")
        queued = json.loads(done.out)["queued"]
        assert isinstance(queued, dict)
        return queued

    def events(self) -> list[tuple[str, str, str]]:
        """What the platforms were told: carrier, type, account."""
        return [
            (name, call.body["eventType"], call.account)
            for name, there in (("wireless", self.wireless), ("wireline", self.wireline))
            for call in there.calls
        ]


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    mailbox = Mailbox()
    controller = OnAnyPort(mailbox, hostname="127.0.0.1", port=0)
    with ExitStack() as stack:
        wireless, wireline = (stack.enter_context(running()) for _ in range(2))
        controller.start()
        stack.callback(controller.stop)
        path = tmp_path / "my.toml"
        path.write_text(
            f'[carriers.wireless]\nnotification_url = "{wireless.url}"\n'
            f'[carriers.wireline]\nnotification_url = "{wireline.url}"\n'
            f'[smtp]\nhost = "127.0.0.1"\nport = {controller.port}\nstarttls = false\n'
            'from = "Tandem <notices@mail.example>"\n'
            "[outbox]\nfirst_wait_seconds = 0.01\n"
        )
        yield Outside(path, wireless, wireline, mailbox, controller)


NOTHING = {"added": 0, "renewed": 0, "cancelled": 0, "behind": 0}


def queued(**figures: int) -> dict[str, int]:
    return NOTHING | figures


# --- one story ----------------------------------------------------------------------------------


def test_from_one_order_to_one_mail(warehouse: Warehouse, outside: Outside, tmp_path: Path) -> None:
    outside.warehouse = warehouse
    order = {
        "order_id": "W1",
        "account_id": "ALONE",
        "action": "subscribe",
        "plan_id": "SHARE1000",
        "requested_at": "2025-06-02T10:00:00Z",
        "effective_on": "2025-06-05",
        "status": "completed",
    }
    warehouse.load(
        "accounts",
        [
            {
                "account_id": name,
                "holder_name": f"{name.title()} Example",
                "email": f"{name.lower()}@example.com",
                "bill_cycle_day": "1",
                "time_zone": "America/New_York",
                "tax_jurisdiction_id": "US",
                "opened_on": "2025-01-01",
            }
            for name in ("ALONE", "CLOCK")
        ],
    )
    late = {"order_id": "W2", "account_id": "CLOCK", "requested_at": "2025-06-10T10:00:00Z"}
    warehouse.load("orders", [order, order | late], "wireless")
    warehouse.build()

    # the other carrier is asked for its order, the platform of this one is told to hold back
    assert outside.send("notifications") == queued(added=2)
    (asked,), (held,) = outside.wireline.calls, outside.wireless.calls
    assert (asked.body["eventType"], asked.account) == ("BundleExceptionEvent", "ALONE")
    assert asked.body["event"] | {"exceptionId": ""} == {
        "exceptionId": "",
        "exceptionType": "missing_counterpart",
        "order": {"id": "W1", "carrier": "wireless"},
        "expected": "subscribe SHARE1000 effective 2025-06-05",
        "found": "no order",
    }
    assert (held.body["eventType"], held.account) == ("OrderHoldEvent", "ALONE")
    assert held.body["event"]["order"] == {"id": "W1", "carrier": "wireless"}
    assert held.body["event"]["instruction"] == "hold"
    assert held.body["correlationId"] == asked.body["correlationId"] == asked.key
    # once
    assert outside.send("notifications") == NOTHING
    warehouse.build()
    assert outside.send("notifications") == NOTHING
    assert outside.send("notices") == NOTHING
    assert len(outside.events()) == 2

    # healed: the platform goes on, and that is all that the carriers hear of it
    counterpart = {"order_id": "L1", "counterpart_order_id": "W1"}
    done_at = {"status_at": "2025-06-10T11:00:00Z"}
    warehouse.load("orders", [order | counterpart | done_at], "wireline")
    waits = outside.run("notifications", "--send")
    assert waits.code == 0
    assert "1 account waits for 'tandem build'" in waits.err
    warehouse.build()
    assert outside.send("notifications") == queued(added=1)
    assert outside.events() == [
        ("wireless", "OrderHoldEvent", "ALONE"),
        ("wireless", "OrderReleaseEvent", "ALONE"),
        ("wireline", "BundleExceptionEvent", "ALONE"),
    ]
    release = outside.wireless.calls[1]
    assert release.body["eventTime"] == "2025-06-10T11:00:00Z"
    assert release.body["event"]["order"] == {"id": "W1", "carrier": "wireless"}
    assert outside.send("notifications") == NOTHING

    # and the subscriber is told once; what is mailed is what would be written
    unsaid = outside.run("notices", "--send")
    assert unsaid.code == 1
    assert_one_sentence(unsaid.err)
    assert "--since" in unsaid.err
    assert outside.send("notices", *SINCE) == queued(added=1)
    (mail,) = outside.mailbox.mails
    assert mail["To"] == "alone@example.com"
    assert mail["Subject"] == "Share 1000 is yours from 5 June 2025"
    assert outside.send("notices") == NOTHING
    assert outside.send("notices", *SINCE) == NOTHING
    written = outside.run("notices", "--out", tmp_path / "n", "--from", "notices@mail.example")
    assert written.code == 0
    (file,) = (tmp_path / "n").iterdir()
    assert outside.mailbox.raw == [file.read_bytes()]
    assert len(outside.events()) == 3
    # one more order joins the change and gives it another name: it is told already
    names = "select notice_id, order_keys from integrity.fulfillment_notices"
    (before,) = warehouse.rows(names)
    joins = {"order_id": "W0", "counterpart_order_id": "L1", "status_at": "2025-06-10T12:00:00Z"}
    warehouse.load("orders", [order | joins], "wireless")
    warehouse.build()
    (after,) = warehouse.rows(names)
    assert after["notice_id"] != before["notice_id"]
    assert set(after["order_keys"]) & set(before["order_keys"])
    assert outside.send("notices") == NOTHING
    assert len(outside.mailbox.raw) == 1


# --- corners ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(make_warehouse: Callable[[], Warehouse]) -> Warehouse:
    warehouse = make_warehouse()
    made_up.make(warehouse)
    warehouse.execute("grant usage on schema integrity, control, catalog to public")
    warehouse.execute("grant select on all tables in schema integrity, control, catalog to public")
    return warehouse


@pytest.fixture
def marts(made: Warehouse, outside: Outside) -> Warehouse:
    """Empty marts, an empty outbox."""
    made.execute(
        "truncate integrity.bundle_exceptions, integrity.carrier_notifications,"
        " integrity.order_instructions, integrity.order_sync, integrity.int_accounts,"
        " integrity.fulfillment_notices, integrity.pass_through_orders, raw.loads, raw.orders,"
        " raw.accounts, outbox.attempts, outbox.messages, outbox.notices_begin cascade"
    )
    made.execute("delete from control.build_state")
    made_up.fill(made, "control.build_state", [{"build_id": 1, "cutoff_load_id": made_up.BUILT}])
    made.execute("update control.run_values set build_id = 1")
    outside.warehouse = made
    return made


def open_exception(
    marts: Warehouse, name: str, kind: str = "missing_counterpart", **more: Any
) -> dict[str, Any]:
    """An exception of an order, what follows from it, and how the order stands."""
    row = exception(kind, name, more.pop("opened_at", ago(days=3)), **more)
    made_up.fill(marts, "integrity.bundle_exceptions", [row])
    made_up.fill(marts, "integrity.carrier_notifications", [made_up.notification(row)])
    word = "withdraw" if kind == "counterpart_failed" else "hold"
    made_up.fill(marts, "integrity.order_instructions", [made_up.instruction(word, row)])
    stands(marts, row, kind)
    return row


def stands(marts: Warehouse, row: dict[str, Any], word: str) -> None:
    """The order stands so with the other carrier."""
    marts.execute(
        "delete from integrity.order_sync where order_id = %s and counterpart_carrier_id = %s",
        row["order_id"],
        row["other_carrier_id"],
    )
    order = made_up.status(
        "wireless", row["order_id"], "completed", row["opened_at"], account_id=row["account_id"]
    )
    synced = made_up.sync(order, word, row["other_carrier_id"], None)
    made_up.fill(marts, "integrity.order_sync", [synced])


def resolve(marts: Warehouse, row: dict[str, Any]) -> None:
    at = ago(hours=1)
    for mart in ("bundle_exceptions", "carrier_notifications"):
        marts.execute(
            f"update integrity.{mart} set resolved_at = %s, is_open = false"
            " where exception_id = %s",
            at,
            row["exception_id"],
        )
    marts.execute(
        "update integrity.order_instructions set resolved_at = %s where exception_id = %s",
        at,
        row["exception_id"],
    )
    stands(marts, row, "in_sync")


def kinds(marts: Warehouse) -> list[tuple[str, str]]:
    """Type and state of every message to carriers."""
    rows = marts.rows(
        "select body ->> 'eventType' as type, state from outbox.messages order by 1, 2"
    )
    return [(row["type"], row["state"]) for row in rows]


def test_healed_before_anybody_was_told(marts: Warehouse, outside: Outside) -> None:
    row = open_exception(marts, "A1")
    dead = outside.config.read_text().replace(outside.wireless.url, closed_port())
    outside.config.write_text(dead.replace(outside.wireline.url, closed_port()))
    done = outside.run("notifications", "--send")
    assert done.code == 1
    assert "no connection" in done.err
    resolve(marts, row)
    assert outside.send("notifications") == queued(cancelled=2)
    assert kinds(marts) == [("BundleExceptionEvent", "cancelled"), ("OrderHoldEvent", "cancelled")]


def test_a_hold_that_may_have_arrived_is_released_after_it(
    marts: Warehouse, outside: Outside
) -> None:
    row = open_exception(marts, "A1")
    outside.wireless.behave = drop_after
    assert outside.run("notifications", "--send").code == 1
    outside.wireless.behave = accept
    resolve(marts, row)
    done = outside.run("notifications", "--send", "--now")
    assert done.code == 0, done.err
    # the hold under its one key until it was answered, only then the release
    types = [call.body["eventType"] for call in outside.wireless.calls]
    assert types == [*["OrderHoldEvent"] * 5, "OrderReleaseEvent"]
    assert len(set(outside.wireless.keys())) == 2


def test_a_hold_that_was_refused_needs_no_release(marts: Warehouse, outside: Outside) -> None:
    row = open_exception(marts, "A1")
    outside.wireless.behave = status(404, {"code": "7", "reason": "no such order"})
    assert outside.run("notifications", "--send").code == 1
    resolve(marts, row)
    assert outside.send("notifications") == NOTHING


def test_released_when_all_carriers_agree_and_not_before(
    marts: Warehouse, outside: Outside
) -> None:
    one = open_exception(marts, "A1")
    other = open_exception(
        marts, "A1", other_carrier_id="internet", exception_id="f" * 32, found="no order, too"
    )
    outside.send("notifications", "--carrier", "wireless")
    resolve(marts, one)
    assert outside.send("notifications", "--carrier", "wireless") == queued(cancelled=1)
    resolve(marts, other)
    assert outside.send("notifications", "--carrier", "wireless")["added"] == 1
    assert [kind for _, kind, _ in outside.events()].count("OrderReleaseEvent") == 1


def test_a_withdrawal_that_was_obeyed_is_no_release(marts: Warehouse, outside: Outside) -> None:
    row = open_exception(marts, "A1", "counterpart_failed")
    outside.send("notifications")
    assert ("wireless", "OrderWithdrawEvent", "A1") in outside.events()
    # the order is withdrawn: there is no exception any more, nor anything to go on with
    for mart in ("order_instructions", "carrier_notifications", "bundle_exceptions"):
        marts.execute(f"truncate integrity.{mart}")
    marts.execute("truncate integrity.order_sync")
    assert outside.send("notifications") == NOTHING
    # but what was never out of sync, as we know now, goes on
    stands(marts, row, "in_sync")
    assert outside.send("notifications") == queued(added=1)
    assert outside.events()[-2][:2] == ("wireless", "OrderReleaseEvent")


def test_a_refusal_after_the_grace_period_is_told_after_the_hold(
    marts: Warehouse, outside: Outside
) -> None:
    row = open_exception(marts, "A1")
    outside.wireless.behave = drop_after
    assert outside.run("notifications", "--send", "--carrier", "wireless").code == 1
    outside.wireless.behave = accept
    refused_at = ago(hours=5)
    marts.execute("update integrity.order_instructions set resolved_at = %s", refused_at)
    withdrawal = made_up.instruction("withdraw", row | {"opened_at": refused_at})
    made_up.fill(marts, "integrity.order_instructions", [withdrawal])
    stands(marts, row, "counterpart_failed")
    assert outside.run("notifications", "--send", "--carrier", "wireless", "--now").code == 0
    # the hold may have arrived, so it goes first, and does once
    types = [call.body["eventType"] for call in outside.wireless.calls]
    assert types[-2:] == ["OrderHoldEvent", "OrderWithdrawEvent"]
    assert len(set(outside.wireless.keys())) == 2
    # what stands now is what is shown
    order = made_up.status("wireless", "W-A1", "completed", ago(days=4))
    made_up.fill(marts, "integrity.order_history", [order])
    marts.execute("update integrity.bundle_exceptions set refused_at = %s", refused_at)
    shown = " ".join(outside.run("orders", "show", "A1").out.split())
    assert "Since 2025-06-20 07:00 for" in shown
    assert "W-A1: Withdraw the order; the other carrier will not carry it out." in shown
    assert "Hold the change back" not in shown
    assert "refused by wireline on 2025-06-20 07:00" in outside.run("exceptions", "--open").out
    # it is made after all: one release, of both
    resolve(marts, row)
    outside.send("notifications", "--carrier", "wireless")
    assert outside.send("notifications", "--carrier", "wireless") == NOTHING
    types = [call.body["eventType"] for call in outside.wireless.calls]
    assert types[-3:] == ["OrderHoldEvent", "OrderWithdrawEvent", "OrderReleaseEvent"]


def test_a_hold_that_nobody_was_sent_gives_way_to_the_withdrawal(
    marts: Warehouse, outside: Outside
) -> None:
    row = open_exception(marts, "A1")
    refused_at = ago(hours=5)
    marts.execute("update integrity.order_instructions set resolved_at = %s", refused_at)
    withdrawal = made_up.instruction("withdraw", row | {"opened_at": refused_at})
    made_up.fill(marts, "integrity.order_instructions", [withdrawal])
    outside.send("notifications", "--carrier", "wireless")
    types = [call.body["eventType"] for call in outside.wireless.calls]
    assert types == ["OrderWithdrawEvent"]


def test_nobody_is_asked_for_an_order_of_an_unknown_account(
    marts: Warehouse, outside: Outside
) -> None:
    open_exception(marts, "A1")
    marts.execute("update integrity.carrier_notifications set awaits_account = true")
    made_up.fill(marts, "integrity.pass_through_orders", [made_up.passed("A1", "wireline")])
    marts.execute("update integrity.pass_through_orders set awaits_account = true")
    # its own platform is told to hold it all the same
    assert outside.send("notifications") == queued(added=1)
    assert outside.wireline.calls == []

    def dispatched() -> dict[str, int]:
        done = outside.run("orders", "dispatch", "--json")
        assert done.code == 0, done.err
        said: dict[str, int] = json.loads(done.out)["queued"]
        return said

    assert dispatched() == NOTHING
    marts.execute("update integrity.pass_through_orders set awaits_account = false")
    assert dispatched() == queued(added=1)


def test_what_never_took_effect_or_is_yet_to_be_made_is_not_mailed(
    marts: Warehouse, outside: Outside
) -> None:
    add_notice(marts, "NOW", takes_effect_on=date(2025, 7, 1))
    add_notice(marts, "OVERTAKEN", takes_effect_on=None)
    add_notice(marts, "FUTURE", fulfilled_at=datetime.now(UTC) + timedelta(hours=2))
    done = outside.run("notices", "--send", *SINCE)
    assert done.code == 0, done.err
    assert addressees(outside) == ["now@example.com"]
    assert "Queued 1 message" in done.err
    assert "1 notice cannot be sent, as the change is not made yet by this" in done.err
    assert "1 change more never took effect" in done.err
    (body,) = marts.rows("select body ->> 'subject' as subject from outbox.messages")
    # not the date for which it was ordered
    assert body["subject"].endswith("from 1 July 2025")
    marts.execute("update integrity.fulfillment_notices set fulfilled_at = now()")
    assert outside.send("notices") == queued(added=1)


def test_what_comes_back_is_held_and_released_again(marts: Warehouse, outside: Outside) -> None:
    first = open_exception(marts, "A1")
    outside.send("notifications")
    resolve(marts, first)
    outside.send("notifications")
    again = open_exception(marts, "A1", opened_at=ago(minutes=30))
    assert outside.send("notifications") == queued(added=2)
    resolve(marts, again)
    outside.send("notifications")
    assert outside.send("notifications") == NOTHING
    types = [call.body["eventType"] for call in outside.wireless.calls]
    assert types == ["OrderHoldEvent", "OrderReleaseEvent"] * 2


def test_what_is_waived_is_told_nobody_and_stays_held(marts: Warehouse, outside: Outside) -> None:
    open_exception(marts, "A1")
    outside.send("notifications")
    marts.execute("truncate integrity.order_instructions, integrity.carrier_notifications")
    assert outside.send("notifications") == NOTHING
    assert len(outside.events()) == 2


def load_order(
    marts: Warehouse, name: str, word: str, load_id: int = 1, **more: Any
) -> dict[str, Any]:
    """A row of an order as it was loaded; no build need have seen it."""
    row = made_up.status("wireless", f"W-{name}", word, ago(hours=2), account_id=name, **more)
    del row["is_current"]
    made_up.fill(marts, "raw.orders", [row | {"load_id": load_id, "row_number": 1}])
    return row


def pass_on(outside: Outside, marts: Warehouse, name: str, *answers: Any, mart: bool = True) -> str:
    """Pass an order on to the wireline carrier, whose platform answers so; returns the message."""
    row = made_up.passed(name, "wireline")
    made_up.fill(marts, "integrity.pass_through_orders", [row])
    text = outside.config.read_text()
    with running(then(*answers)) as ordering:
        outside.config.write_text(
            text.replace(
                "[carriers.wireline]\n",
                f'[carriers.wireline]\nordering_url = "{ordering.url}"\nattempts = 1\n',
            )
        )
        outside.run("orders", "dispatch")
    outside.config.write_text(text)
    if not mart:
        marts.execute("truncate integrity.pass_through_orders")
    return str(row["message_id"])


REFUSAL = status(422, {"code": "creditHold", "reason": "The account is blocked"})


@pytest.mark.parametrize("answer", [accept, drop_after, status(503)])
def test_what_came_of_an_order_is_withdrawn_with_it(
    marts: Warehouse, outside: Outside, answer: Any
) -> None:
    passed = pass_on(outside, marts, "A1", answer, mart=False)
    assert outside.send("notifications") == NOTHING
    load_order(marts, "A1", "completed")
    assert outside.send("notifications") == NOTHING
    load_order(marts, "A1", "withdrawn", 2, is_current=True)
    assert outside.send("notifications") == queued(added=1)
    assert outside.send("notifications") == NOTHING
    (call,) = outside.wireline.calls
    assert call.body["eventType"] == "OrderWithdrawEvent"
    assert call.body["correlationId"] == passed
    assert call.body["description"].startswith("Withdraw what came of the order that was passed")
    assert call.body["event"] == {
        "order": {"id": "W-A1", "carrier": "wireless"},
        "instruction": "withdraw",
        "otherCarrier": "wireless",
        "passThrough": {"externalId": passed},
    }
    # the one that took the order has withdrawn it itself
    assert outside.wireless.calls == []


@pytest.mark.parametrize(
    "answer", [REFUSAL, status(401), None], ids=["refused", "turned away", "not sent"]
)
def test_what_has_made_nothing_is_not_withdrawn(
    marts: Warehouse, outside: Outside, answer: Any
) -> None:
    if answer is not None:
        pass_on(outside, marts, "A1", answer, mart=False)
    load_order(marts, "A1", "withdrawn")
    assert outside.send("notifications") == NOTHING


def test_what_is_withdrawn_there_already_is_left_alone(marts: Warehouse, outside: Outside) -> None:
    pass_on(outside, marts, "A1", accept, mart=False)
    load_order(marts, "A1", "withdrawn")
    theirs = made_up.status(
        "wireline",
        "L-A1",
        "withdrawn",
        ago(hours=1),
        account_id="A1",
        counterpart_order_id="W-A1",
    )
    del theirs["is_current"]
    made_up.fill(marts, "raw.orders", [theirs | {"row_number": 1}])
    assert outside.send("notifications") == NOTHING


def test_who_was_to_act_is_told_that_it_is_not_needed(marts: Warehouse, outside: Outside) -> None:
    row = open_exception(marts, "A1")
    other = open_exception(marts, "A2")
    outside.send("notifications")
    outside.wireless.calls.clear()
    outside.wireline.calls.clear()
    for mart in ("order_instructions", "carrier_notifications", "bundle_exceptions", "order_sync"):
        marts.execute(f"delete from integrity.{mart} where account_id = 'A1'")
    # an exception may also be gone as the order is in sync by a late row
    assert outside.send("notifications") == NOTHING
    load_order(marts, "A1", "withdrawn")
    load_order(marts, "A2", "completed")
    assert outside.send("notifications") == queued(added=1)
    assert outside.send("notifications") == NOTHING
    assert outside.events() == [("wireline", "BundleExceptionClearedEvent", "A1")]
    (call,) = outside.wireline.calls
    assert call.body["correlationId"] == row["exception_id"] != other["exception_id"]
    assert call.body["title"] == "No longer needed"
    assert call.body["event"] == {
        "exceptionId": row["exception_id"],
        "exceptionType": "missing_counterpart",
        "order": {"id": "W-A1", "carrier": "wireless"},
    }


def test_an_exception_that_nobody_was_told_of_is_not_taken_back(
    marts: Warehouse, outside: Outside
) -> None:
    open_exception(marts, "A1")
    text = outside.config.read_text()
    outside.config.write_text(text.replace(outside.wireline.url, closed_port()))
    assert outside.run("notifications", "--send").code == 1
    outside.config.write_text(text)
    marts.execute("truncate integrity.carrier_notifications, integrity.bundle_exceptions")
    load_order(marts, "A1", "withdrawn")
    assert outside.send("notifications", "--carrier", "wireline") == queued(cancelled=1)
    assert outside.wireline.calls == []


def test_a_refusal_is_told_to_who_took_the_order(marts: Warehouse, outside: Outside) -> None:
    open_exception(marts, "A1")
    passed = pass_on(outside, marts, "A1", REFUSAL)
    assert outside.send("notifications") == queued(added=2)
    assert outside.send("notifications") == NOTHING
    # withdrawn, and not held
    assert outside.events() == [
        ("wireless", "OrderWithdrawEvent", "A1"),
        ("wireline", "BundleExceptionEvent", "A1"),
    ]
    (call,) = outside.wireless.calls
    assert call.body["event"]["order"] == {"id": "W-A1", "carrier": "wireless"}
    assert (call.body["event"]["instruction"], call.body["event"]["otherCarrier"]) == (
        *("withdraw", "wireline"),
    )
    # a refusal that was made good is followed by a release, as a hold is
    marts.execute("update outbox.messages set state = 'accepted' where message_id = %s", passed)
    marts.execute("truncate integrity.pass_through_orders, integrity.carrier_notifications")
    marts.execute("update integrity.order_sync set sync_status = 'in_sync'")
    marts.execute("update integrity.order_instructions set resolved_at = now()")
    assert outside.send("notifications") == queued(added=1)
    assert outside.events()[1] == ("wireless", "OrderReleaseEvent", "A1")


def test_a_refusal_within_the_time_of_grace(marts: Warehouse, outside: Outside) -> None:
    passed = pass_on(outside, marts, "A1", REFUSAL)
    assert outside.send("notifications") == queued(added=1)
    (call,) = outside.wireless.calls
    assert call.body["eventType"] == "OrderWithdrawEvent"
    assert "exceptionId" not in call.body["event"] and call.body["correlationId"]
    # no longer wanted: nothing is told of it
    marts.execute("truncate outbox.attempts, outbox.messages")
    pass_on(outside, marts, "A2", REFUSAL, mart=False)
    assert outside.send("notifications") == NOTHING
    assert passed


def test_a_refusal_is_not_forgotten(marts: Warehouse, outside: Outside) -> None:
    row = open_exception(marts, "A1")
    passed = pass_on(outside, marts, "A1", REFUSAL)
    later = outside.run("orders", "dispatch")
    assert later.code == 0
    assert f"wireline, message {passed[:12]} (account A1): refused before" in later.err
    assert "The account is blocked" in later.err and "tandem orders retry" in later.err
    assert later.out.splitlines()[-1].split() == ["wireline", *"000001"]
    said = json.loads(outside.run("orders", "dispatch", "--json").out)["sent"]
    (there,) = (one for one in said if one["to"] == "wireline")
    assert [one["message_id"] for one in there["unsettled_messages"]] == [passed]
    shown = outside.run("exceptions", "--open")
    assert "wireline refused the order: 422" in " ".join(shown.out.split()), shown.out
    (found,) = json.loads(outside.run("exceptions", "--json").out)
    assert found["exception_id"] == row["exception_id"]
    assert (found["refusal_state"], "creditHold" in found["refusal"]) == ("refused", True)
    # as long as the mart wants it
    marts.execute("truncate integrity.pass_through_orders")
    assert "refused before" not in outside.run("orders", "dispatch").err


def test_nothing_is_told_before_its_time(marts: Warehouse, outside: Outside) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=20)
    open_exception(marts, "A1", opened_at=ahead)
    add_notice(marts, "A1", fulfilled_at=ahead)
    add_notice(marts, "A2")
    assert outside.send("notifications") == NOTHING
    assert outside.send("notices", *SINCE) == queued(added=1)
    assert addressees(outside) == ["a2@example.com"]


def test_what_is_pending_leaves_whatever_was_loaded(marts: Warehouse, outside: Outside) -> None:
    add_notice(marts, "A1")
    add_notice(marts, "A2")
    outside.mailbox.answers = ["451 Later"] * 20
    assert outside.run("notices", "--send", *SINCE).code == 1
    outside.mailbox.answers = []
    # a killed build: nothing can be queued, and what is queued leaves
    marts.execute("delete from control.build_state")
    done = outside.run("notices", "--send", "--now")
    assert done.code == 1
    assert "Nothing could be queued. The last build did not end; run 'tandem build'" in done.err
    assert addressees(outside) == ["a1@example.com", "a2@example.com"]


def test_accounts_that_wait_for_a_build_are_counted(marts: Warehouse, outside: Outside) -> None:
    for name in ("A1", "A2"):
        open_exception(marts, name)
    load_order(marts, "A1", "withdrawn", made_up.BUILT + 1)
    marts.execute(
        "insert into raw.loads select %s, 'orders', null, null, 'f', 's', 0, 0, 0, 0, 0, null,"
        " now(), 'me'",
        made_up.BUILT + 1,
    )
    done = outside.run("notifications", "--send")
    assert done.code == 0, done.err
    assert "1 account waits for 'tandem build'" in done.err
    assert {account for _, _, account in outside.events()} == {"A2"}


def test_a_line_has_no_order(marts: Warehouse, outside: Outside) -> None:
    row = exception(
        "plan_mismatch",
        "A4",
        ago(days=2),
        order_id=None,
        service_number="+14045550123",
        other_carrier_id=None,
        expected="SHARE1000",
        found=None,
    )
    made_up.fill(marts, "integrity.bundle_exceptions", [row])
    made_up.fill(marts, "integrity.carrier_notifications", [made_up.notification(row)])
    assert outside.send("notifications") == queued(added=1)
    (call,) = outside.wireline.calls
    assert call.body["event"] == {
        "exceptionId": row["exception_id"],
        "exceptionType": "plan_mismatch",
        "line": "+14045550123",
        "expected": "SHARE1000",
    }
    shown = outside.run("orders", "outbox")
    assert "Line on another plan" in shown.out


def add_notice(marts: Warehouse, name: str, **more: Any) -> dict[str, Any]:
    row = notice(name, **more)
    if not marts.rows("select from integrity.int_accounts where account_id = %s", name):
        made_up.fill(marts, "integrity.int_accounts", [account(name)])
    made_up.fill(marts, "integrity.fulfillment_notices", [row])
    return row


def addressees(outside: Outside) -> list[str]:
    return sorted(outside.mailbox.to)


def test_nobody_mails_the_past_by_accident(marts: Warehouse, outside: Outside) -> None:
    old = ago(days=300)
    add_notice(marts, "OLD", fulfilled_at=old)
    add_notice(marts, "NEW")
    refused = outside.run("notices", "--send")
    assert refused.code == 1
    assert_one_sentence(refused.err)
    # what is said of one account holds for that one
    assert outside.send("notices", "--account", "OLD", "--since", old.date()) == queued(added=1)
    assert outside.run("notices", "--send").code == 1
    assert outside.send("notices", *SINCE) == queued(added=1)
    assert addressees(outside) == ["new@example.com", "old@example.com"]
    add_notice(marts, "OLDER", fulfilled_at=old - timedelta(days=1))
    assert outside.send("notices") == NOTHING
    # what comes in late for a day that counts is told, also if a run looked at later days only
    assert outside.send("notices", "--since", "2025-06-10") == NOTHING
    add_notice(marts, "LATE", fulfilled_at=datetime(2025, 5, 2, 12, tzinfo=UTC))
    assert outside.send("notices") == queued(added=1)
    assert "older@example.com" not in addressees(outside)


def test_a_refused_beginning_is_not_kept(marts: Warehouse, outside: Outside) -> None:
    add_notice(marts, "NEW")
    marts.execute("delete from control.build_state")
    assert outside.run("notices", "--send", *SINCE).code == 1
    assert marts.rows("select * from outbox.notices_begin") == []


def test_narrower_runs_cancel_nothing(marts: Warehouse, outside: Outside) -> None:
    add_notice(marts, "A1")
    add_notice(marts, "A2")
    outside.mailbox.answers = ["451 Later"] * 20
    assert outside.run("notices", "--send", *SINCE).code == 1
    outside.mailbox.answers = []
    assert outside.send("notices", "--account", "A1", "--since", "2025-06-10", "--now") == NOTHING
    assert addressees(outside) == ["a1@example.com", "a2@example.com"]


def test_a_change_that_gets_another_name_is_told_once(marts: Warehouse, outside: Outside) -> None:
    row = add_notice(marts, "A1")
    outside.send("notices", *SINCE)
    marts.execute(
        "update integrity.fulfillment_notices set notice_id = %s, order_id = 'I-A1',"
        " carrier_id = 'internet', order_keys = array['internet:I-A1'] || order_keys",
        "0" * 32,
    )
    assert outside.send("notices") == NOTHING
    (mail,) = outside.mailbox.mails
    assert mail["Message-ID"] == f"<{row['notice_id']}@mail.example>"


def test_renamed_before_it_was_sent(marts: Warehouse, outside: Outside) -> None:
    add_notice(marts, "A1")
    text = outside.config.read_text()
    port = closed_port().split(":")[2].split("/")[0]
    outside.config.write_text(text.replace(f"port = {outside.controller.port}", f"port = {port}"))
    assert outside.run("notices", "--send", *SINCE).code == 1
    marts.execute(
        "update integrity.fulfillment_notices set notice_id = %s,"
        " order_keys = array['internet:I-A1'] || order_keys",
        "0" * 32,
    )
    outside.config.write_text(text)
    assert outside.send("notices") == queued(added=1, cancelled=1)
    (mail,) = outside.mailbox.mails
    assert mail["Message-ID"] == f"<{'0' * 32}@mail.example>"


def test_without_an_address_it_is_listed_and_never_queued(
    marts: Warehouse, outside: Outside
) -> None:
    made_up.fill(
        marts,
        "integrity.int_accounts",
        [
            account("NONE", email=None),
            account("EMPTY", email=""),
            account("EVIL", email="a@example.com\r\nBcc: eve@example.com"),
            account("PERCENT", email="100%o'k@example.com"),
            account("LONG", email=f"{'a' * 250}@example.com"),
        ],
    )
    for name in ("NONE", "EMPTY", "EVIL", "PERCENT", "LONG"):
        add_notice(marts, name)
    made_up.fill(marts, "integrity.fulfillment_notices", [notice("NOBODY")])
    done = outside.run("notices", "--send", *SINCE, "--json")
    assert done.code == 0
    said = json.loads(done.out)
    assert said["queued"] == queued(added=1)
    unreachable = sorted(row["account_id"] for row in said["unreachable"])
    assert unreachable == ["EMPTY", "EVIL", "LONG", "NOBODY", "NONE"]
    assert addressees(outside) == ["100%o'k@example.com"]
    shown = outside.run("notices", "--send")
    assert shown.code == 0
    assert "4 notices cannot be sent, for want of an e-mail address." in shown.err
    assert "1 notice cannot be sent, as the account is not known." in shown.err
    assert all(len(line) <= 100 for line in shown.out.splitlines())


def test_who_sends_is_said_by_file_or_option(marts: Warehouse, outside: Outside) -> None:
    add_notice(marts, "A1")
    outside.more = {"TANDEM_NOTICES_FROM": "bills@other.example"}
    outside.send("notices", *SINCE, "--contact", "call 611")
    (mail,) = outside.mailbox.mails
    assert mail["From"].addresses[0].addr_spec == "bills@other.example"
    assert b"call 611" in outside.mailbox.raw[0]
    outside.more = {}
    outside.config.write_text("")
    refused = outside.run("notices", "--send")
    assert refused.code == 1
    assert_one_sentence(refused.err)
    assert "[smtp]" in refused.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("notices", "--send", "--out", "here"),
        ("notifications", "--send", "--out", "here.csv"),
        ("notifications", "--send", "--all"),
        ("notices", "--now"),
        ("notifications", "--now"),
    ],
    ids=" ".join,
)
def test_wrong_usage(marts: Warehouse, outside: Outside, arguments: tuple[str, ...]) -> None:
    assert outside.run(*arguments).code == 2


def test_an_unknown_carrier(marts: Warehouse, outside: Outside) -> None:
    done = outside.run("notifications", "--send", "--carrier", "nobody")
    assert done.code == 1
    assert_one_sentence(done.err)
