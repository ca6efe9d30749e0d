"""Orders at several carriers, told as one change."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tandem.serve.portal.changes import Change, changes

TODAY = date(2026, 6, 20)
NAMES = {"wireless": "Peachtree Wireless", "wireline": "Piedmont Telephone", "internet": "Net"}


def order(carrier: str, order_id: str, status: str = "completed", **more: Any) -> dict[str, Any]:
    return {
        "carrier_id": carrier,
        "order_id": order_id,
        "action": "change_plan",
        "plan_id": "SHARE800",
        "plan_name": "Share 800",
        "status": status,
        "effective_on": date(2026, 7, 1),
        "requested_at": datetime(2026, 6, 3, 9, tzinfo=UTC),
        "status_at": datetime(2026, 6, 4, 9, tzinfo=UTC),
    } | more


def sync(one: dict[str, Any], status: str, carrier: str, other: str | None) -> dict[str, Any]:
    return {
        "carrier_id": one["carrier_id"],
        "order_id": one["order_id"],
        "sync_status": status,
        "counterpart_carrier_id": carrier,
        "counterpart_order_id": other,
    }


def only(found: list[Change]) -> Change:
    assert len(found) == 1, found
    return found[0]


def test_both_have_confirmed_it() -> None:
    one, other = order("wireless", "W1"), order("wireline", "L1")
    syncs = [sync(one, "in_sync", "wireline", "L1"), sync(other, "in_sync", "wireless", "W1")]
    found = only(changes([one, other], syncs, NAMES, TODAY))
    assert (found.tone, found.words) == ("done", "Both carriers have confirmed it.")
    assert found.title == "Change to Share 800"
    assert {part.carrier for part in found.parts} == {"Peachtree Wireless", "Piedmont Telephone"}
    assert all(part.is_done for part in found.parts)


@pytest.mark.parametrize("status", ["awaiting_counterpart", "missing_counterpart"])
def test_one_lacks_it(status: str) -> None:
    one = order("wireless", "W1")
    found = only(changes([one], [sync(one, status, "wireline", None)], NAMES, TODAY))
    assert found.tone == "waiting"
    assert found.words == "Held back until Piedmont Telephone has confirmed it too."
    assert [part.is_done for part in found.parts] == [True, False]


@pytest.mark.parametrize(
    ("status", "words"), [("mismatched", "differ"), ("counterpart_failed", "nothing has changed")]
)
def test_they_do_not_agree(status: str, words: str) -> None:
    one, other = order("wireless", "W1"), order("wireline", "L1", "failed")
    found = only(changes([one, other], [sync(one, status, "wireline", "L1")], NAMES, TODAY))
    assert found.tone == "trouble" and words in found.words


def test_a_carrier_sees_that_the_other_agrees_though_not_its_order() -> None:
    one = order("wireless", "W1")
    found = only(changes([one], [sync(one, "in_sync", "wireline", "L1")], NAMES, TODAY))
    assert found.words == "Both carriers have confirmed it."


def test_three_carriers_and_two_changes() -> None:
    """Orders that answer each other are one change, also if not each answers each."""
    trio = [order("wireless", "W1"), order("wireline", "L1"), order("internet", "I1")]
    syncs = [
        sync(trio[0], "in_sync", "wireline", "L1"),
        sync(trio[1], "in_sync", "internet", "I1"),
    ]
    later = order("wireless", "W2", "submitted", requested_at=datetime(2026, 6, 9, tzinfo=UTC))
    line = order("wireless", "W3", action="add_line")
    newest, oldest = changes([*trio, later, line], syncs, NAMES, TODAY)
    assert oldest.words == "All 3 carriers have confirmed it."
    assert newest.tone == "waiting" and newest.words.startswith("On its way")


def test_single_carrier_plans() -> None:
    assert only(changes([order("wireline", "L1")], [], NAMES, TODAY)).words == "Confirmed."
    gone = only(changes([order("wireline", "L1", "withdrawn")], [], NAMES, TODAY))
    assert (gone.tone, gone.words) == ("trouble", "It was not carried out.")


def test_its_day_has_come() -> None:
    """What nobody has confirmed by then is overdue; the tone says that something is wrong."""
    one = order("wireless", "W1")
    lacking = [sync(one, "missing_counterpart", "wireline", None)]
    found = only(changes([one], lacking, NAMES, date(2026, 7, 1)))
    assert (found.tone, found.words) == (
        "trouble",
        "Overdue: it was to count from 1 July 2026, but Piedmont Telephone has not confirmed it"
        " yet. Until then nothing changes for you.",
    )
    assert only(changes([one], lacking, NAMES, date(2026, 6, 30))).tone == "waiting"
    late = [order("wireless", "W2", "submitted"), order("wireline", "L2", "submitted")]
    syncs = [sync(late[0], "in_sync", "wireline", "L2")]
    (both,) = changes(late, syncs, NAMES, date(2026, 8, 1))
    assert "Peachtree Wireless and Piedmont Telephone have not confirmed it" in both.words
    done = only(changes([order("wireless", "W1")], [], NAMES, date(2027, 1, 1)))
    assert done.tone == "done"
