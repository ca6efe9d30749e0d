"""Plans by their names, where the books have ids."""

from __future__ import annotations

from typing import Any

import pytest

from tandem.serve.portal.naming import other_lines, told, with_names

NAMES = {"SHARE800": "Share 800", "SHARE": "Share", "ANY 9/5%": "Any", "cancel": "Odd"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("change_plan SHARE800 effective 2026-07-01", "change to Share 800 effective 2026-07-01"),
        (
            "WN-O-1: subscribe SHARE800 2026-07-01 completed",
            "WN-O-1: start with Share 800 2026-07-01 completed",
        ),
        ("SHARE", "Share"),
        ("ANY 9/5%", "Any"),
        ("SHARE8000", "SHARE8000"),
        ("XSHARE and SHARE-2", "XSHARE and SHARE-2"),
        ("no order", "no order"),
        (None, ""),
    ],
)
def test_names_instead_of_ids(text: str | None, words: str) -> None:
    assert with_names(text, NAMES) == words


def test_accounts_that_there_are_not() -> None:
    row = {"account_id": "X1", "expected": "an account of the accounts feed", "found": "X1"}
    assert [one["has_account"] for one in told([row], NAMES, {"A1"})] == [False]
    assert [one["has_account"] for one in told([row], NAMES, {"X1"})] == [True]


def test_lines_on_another_plan() -> None:
    lines: list[dict[str, Any]] = [
        {"service_number": "1", "plan_id": "SHARE", "status": "active"},
        {"service_number": "2", "plan_id": "SHARE800", "status": "active"},
        {"service_number": "3", "plan_id": "SHARE", "status": "disconnected"},
        {"service_number": "4", "plan_id": "GONE", "status": "active"},
        {"service_number": "5", "plan_id": None, "status": "active"},
    ]
    found = other_lines(lines, [{"plan_id": "SHARE800"}], NAMES)
    assert [(one["service_number"], one["plan_name"]) for one in found] == [
        ("1", "Share"),
        ("4", "GONE"),
    ]
    assert not other_lines(lines, [], NAMES)
