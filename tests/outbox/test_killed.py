"""A dispatch that is killed, really, leaves nothing that the next one does not finish."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.running import start
from tests.outbox import platform
from tests.outbox.platform import Platform
from tests.outbox.support import (
    add_order,
    add_orders,
    message,
    messages,
    outcomes,
    queue,
    send,
    states,
)
from tests.support.warehouse import Warehouse

WAITS = """
[outbox]
first_wait_seconds = 0.01
first_pause_seconds = 0
"""


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """A platform that `tandem orders dispatch` is configured for."""
    path = tmp_path / "tandem.toml"
    with platform.running(platform.hang) as made:
        path.write_text(f'[carriers.wireline]\nordering_url = "{made.url}"\n{WAITS}')
        monkeypatch.setenv("TANDEM_CONFIG", str(path))
        yield made


def kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def wait_for_calls(there: Platform, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while len(there.calls) < count:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def finish(outbox: Warehouse, there: Platform, accepted: int) -> None:
    """Dispatch until all is done: the database may need a moment to see that somebody went."""
    deadline = time.monotonic() + 30
    while states(outbox) != [("accepted", accepted)]:
        assert time.monotonic() < deadline, states(outbox)
        send(outbox, ("wireline", there.url))


def test_killed_while_the_answer_is_awaited(outbox: Warehouse, there: Platform) -> None:
    key = add_order(outbox, "W1")
    process = start(outbox, "orders", "dispatch")
    wait_for_calls(there, 1, process)
    kill(process)
    row = message(outbox, key)
    assert (row["state"], row["attempts"], row["answered_at"]) == ("pending", 1, None)
    assert row["sent_at"] is not None
    assert outcomes(outbox, key) == [None]
    # the platform had taken it; what it answers now is not heard by anybody
    there.go_on.set()
    assert list(there.orders) == [key]
    there.behave = platform.accept
    finish(outbox, there, 1)
    assert there.keys() == [key, key]
    assert list(there.orders) == [key]
    assert outcomes(outbox, key) == ["interrupted", "accepted"]


def test_killed_again_and_again(outbox: Warehouse, there: Platform) -> None:
    there.behave = platform.then(platform.drop_after, platform.accept)
    add_orders(outbox, accounts=15, each=4)
    for calls in (10, 40):
        process = start(outbox, "orders", "dispatch")
        wait_for_calls(there, calls, process)
        kill(process)
    queue(outbox)
    finish(outbox, there, 60)
    by_key = {row["message_id"]: row for row in messages(outbox)}
    assert set(there.orders) == set(by_key)
    made = [(by_key[key]["account_id"], by_key[key]["ordered_at"]) for key in there.orders]
    for account in {account for account, _ in made}:
        times = [time for of, time in made if of == account]
        assert times == sorted(times)
    for key in by_key:
        came = outcomes(outbox, key)
        assert came.count("accepted") == 1 and came[-1] == "accepted"
        # what was recorded as begun and had not been sent yet is no call
        assert there.keys().count(key) <= len(came)
        assert None not in came
