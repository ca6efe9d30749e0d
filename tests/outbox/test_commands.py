"""orders dispatch, outbox and retry, as an operator runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import Done, assert_one_sentence, environment, tandem
from tests.outbox import platform
from tests.outbox.platform import Platform, accept, running, status
from tests.outbox.support import add_order, message, states
from tests.support.warehouse import Warehouse


@pytest.fixture
def there() -> Iterator[Platform]:
    with running() as made:
        yield made


@pytest.fixture
def config(tmp_path: Path, there: Platform) -> Path:
    path = tmp_path / "my.toml"
    path.write_text(
        f'[carriers.wireline]\nordering_url = "{there.url}"\ntoken_env = "WIRELINE_TOKEN"\n'
        "[outbox]\nfirst_wait_seconds = 0.01\n"
    )
    return path


def run(outbox: Warehouse, config: Path, *arguments: object) -> Done:
    env = environment(outbox) | {"TANDEM_CONFIG": str(config), "WIRELINE_TOKEN": "s3cret"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIRELINE_TOKEN", "s3cret")
        done = tandem("orders", *arguments, env=env)
    assert "s3cret" not in done.out + done.err
    assert "--json" in arguments or all(len(line) <= 100 for line in done.out.splitlines())
    return done


def test_a_run_without_trouble(outbox: Warehouse, config: Path, there: Platform) -> None:
    nothing = run(outbox, config, "dispatch")
    assert nothing.code == 0
    add_order(outbox, "W1")
    add_order(outbox, "L1", to="wireless")
    done = run(outbox, config, "dispatch")
    assert done.code == 0, done.err
    assert "Queued 2 messages." in done.err
    assert "my.toml has no ordering_url for wireless: its messages wait." in done.err
    assert [line.split() for line in done.out.splitlines()][-2:] == [
        ["wireless", *"000010"],
        ["wireline", *"100000"],
    ]
    (call,) = there.calls
    assert call.headers["Authorization"] == "Bearer s3cret"
    again = json.loads(run(outbox, config, "dispatch", "--json").out)
    assert again["queued"] == {"added": 0, "renewed": 0, "cancelled": 0, "behind": 0}
    assert [row["accepted"] for row in again["sent"]] == [0, 0]
    assert len(there.calls) == 1


def test_only_one_carrier(outbox: Warehouse, config: Path, there: Platform) -> None:
    key = add_order(outbox, "W1")
    other = add_order(outbox, "L1", to="wireless")
    done = run(outbox, config, "dispatch", "--carrier", "wireless")
    assert done.code == 0 and "wireline" not in done.out
    # both are queued, one is asked for
    assert (message(outbox, key)["attempts"], message(outbox, other)["attempts"]) == (0, 0)
    unknown = run(outbox, config, "dispatch", "--carrier", "nobody")
    assert unknown.code == 1
    assert_one_sentence(unknown.err)
    assert there.calls == []


def test_refused_and_sent_again(outbox: Warehouse, config: Path, there: Platform) -> None:
    key = add_order(outbox, "W1")
    there.behave = status(400, {"code": "7", "reason": "Account \x1b[31munknown"})
    done = run(outbox, config, "dispatch")
    assert done.code == 1
    assert f"wireline, message {key[:12]}: 400 Bad Request: 7: Account" in done.err
    assert "tandem orders retry" in done.err
    listed = run(outbox, config, "outbox", "--state", "refused")
    assert key[:12] in listed.out and "Account" in listed.out
    assert "add SHARE800, order W1 of wireless" in listed.out
    assert "\x1b" not in listed.out + done.err
    there.behave = accept
    assert run(outbox, config, "retry", key[:12]).err.startswith("Queued 1 message again")
    assert run(outbox, config, "dispatch").code == 0
    assert states(outbox) == [("accepted", 1)]
    (row,) = json.loads(run(outbox, config, "outbox", "--json").out)
    assert (row["message_id"], row["state"], row["attempts"]) == (key, "accepted", 2)


def test_a_dead_endpoint(outbox: Warehouse, config: Path) -> None:
    key = add_order(outbox, "W1")
    config.write_text(
        f'[carriers.wireline]\nordering_url = "{platform.closed_port()}"\nattempts = 2\n'
        "[outbox]\nfirst_wait_seconds = 0.01\n"
    )
    done = run(outbox, config, "dispatch")
    assert done.code == 1
    assert "no connection" in done.err
    assert states(outbox) == [("pending", 1)]
    # it waits for its time, unless told otherwise
    assert run(outbox, config, "dispatch").code == 0
    assert run(outbox, config, "dispatch", "--now").code == 1
    assert message(outbox, key)["attempts"] == 4
    listed = run(outbox, config, "outbox")
    assert "next attempt not before" in listed.out
    assert run(outbox, config, "outbox", "--carrier", "wireless").out == ""


def test_no_file_no_endpoint(outbox: Warehouse, tmp_path: Path) -> None:
    add_order(outbox, "W1")
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    done = run(outbox, empty, "dispatch")
    assert done.code == 0
    assert "empty.toml has no ordering_url for wireline: its messages wait." in done.err
    missing = run(outbox, tmp_path / "none.toml", "dispatch")
    assert missing.code == 1
    assert_one_sentence(missing.err)


def test_a_token_that_is_not_set(outbox: Warehouse, config: Path) -> None:
    add_order(outbox, "W1")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WIRELINE_TOKEN", raising=False)
        done = tandem(
            "orders", "dispatch", env=environment(outbox) | {"TANDEM_CONFIG": str(config)}
        )
    assert done.code == 1
    assert_one_sentence(done.err)
    assert "WIRELINE_TOKEN" in done.err


@pytest.mark.parametrize(
    "arguments",
    [["outbox", "--state", "lost"], ["retry"], ["retry", "--state", "accepted"]],
    ids=" ".join,
)
def test_wrong_usage(outbox: Warehouse, config: Path, arguments: list[str]) -> None:
    assert run(outbox, config, *arguments).code == 2


def test_the_list_says_when_there_is_more(outbox: Warehouse, config: Path) -> None:
    for number in range(3):
        add_order(outbox, f"L{number}", to="wireless", account_id=f"A{number}" * 10)
    run(outbox, config, "dispatch")
    done = run(outbox, config, "outbox", "--limit", "2", "--state", "pending")
    assert len(done.out.splitlines()) >= 3
    assert "the latest 2 of 3" in done.err
