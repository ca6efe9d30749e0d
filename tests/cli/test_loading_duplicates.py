"""The same record twice is one record; another one under its id is told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tandem.loading import LoadResult
from tests.cli.samples import (
    ACCOUNT,
    ADJUSTMENT,
    AS_OF,
    CDR,
    CHANGE,
    NASTY,
    OPENING,
    ORDER,
    REPORT,
    SUBSCRIBER,
    Row,
    carrier_of,
    stored,
    write,
)
from tests.support.warehouse import Warehouse

pytestmark = pytest.mark.xdist_group("loading")

OTHER_CONTENT: dict[str, list[Row]] = {
    "cdrs": [
        {"quantity": "62"},
        {"started_at": "2025-05-01T12:00:01Z"},
        {"called_number": None},
        {"calling_number": "+14045550124"},
        {"direction": "terminated"},
        {"service": "video"},
        {"call_type": "roaming"},
        {"other_party_type": "unknown"},
        {"other_party_carrier_id": "wireline"},
    ],
    "subscriber_changes": [
        {"changed_at": "2025-05-01T12:00:00Z"},
        {"account_id": "A2"},
        {"service_number": "+14045550124"},
        {"plan_id": None},
        {"status": "suspended"},
        {"activated_at": "2025-01-01T00:00:01-05:00"},
        {"deactivated_at": "2025-01-01T00:00:00-05:00"},
        {"subscriber_name": "Zoe"},
        {"email": None},
    ],
    "orders": [
        {"account_id": "A2"},
        {"action": "change_plan"},
        {"plan_id": "SHARE800"},
        {"service_number": "+14045550124"},
        {"requested_at": "2025-05-01T12:00:01Z"},
        {"effective_on": "2025-05-03"},
        {"counterpart_order_id": "o9"},
        {"status": "completed", "plan_id": "SHARE800"},
    ],
    "rollover_adjustments": [
        {"account_id": "A2"},
        {"pool_id": "data"},
        {"action": "debit"},
        {"quantity": "60.5"},
        {"reason_code": "error_correction"},
        {"adjusted_at": "2025-05-01T12:00:01Z"},
        {"adjusted_by": "agent.lopez"},
        {"bucket_cycle_start": "2025-05-01"},
        {"extend_cycles": "0"},
        {"note": "n"},
    ],
    "rollover_opening": [
        {"expires_on": "2025-08-02"},
        {"quantity": "121"},
        {"deferred_amount": "2.51"},
        {"deferred_amount": None},
        {"as_of": "2025-05-31"},
    ],
    "rollover_results": [
        {"cycle_end": "2025-06-02"},
        {"allowance": "1001"},
        {"plan_used": "699"},
        {"overage": "31"},
        {"rollover_used": "21"},
        {"accumulated": "299"},
        {"expired": "1"},
        {"reported_at": "2025-06-01T04:00:01Z"},
        {"plan_fee": "50.01"},
        {"plan_fee": None},
        {"request_id": "r1"},
    ],
}
FIRST = {
    "cdrs": CDR,
    "subscriber_changes": CHANGE,
    "orders": ORDER,
    "rollover_adjustments": ADJUSTMENT,
    "rollover_opening": OPENING,
    "rollover_results": REPORT,
}
SAME_CONTENT: dict[str, list[Row]] = {
    "cdrs": [
        {},
        {"started_at": "2025-05-01T08:00:00-04:00"},
        {"started_at": "2025-05-01T17:45:00.000+05:45"},
        {"call_type": "local"},
        {"action": "new"},
        {"quantity": "0061"},
    ],
    "subscriber_changes": [
        {},
        {"changed_at": "2025-05-01T10:00:00Z"},
        {"activated_at": "2025-01-01T05:00:00+00:00"},
    ],
    "orders": [
        {},
        {"requested_at": "2025-05-01T14:00:00+02:00"},
        {"status_at": "2025-05-09T00:00:00Z"},
    ],
    "rollover_adjustments": [
        {},
        {"adjusted_at": "2025-05-01T14:00:00+02:00"},
        {"quantity": "60.000"},
        {"quantity": "0060"},
    ],
    "rollover_opening": [
        {},
        {"as_of": "2025-06-01T02:00:00Z"},
        {"quantity": "120.0"},
        {"deferred_amount": "2.5"},
    ],
    "rollover_results": [
        {},
        {"reported_at": "2025-06-01T00:00:00-04:00"},
        {"expired": "-0"},
        {"plan_fee": "50"},
    ],
}


def counts(result: LoadResult) -> tuple[int, int, int]:
    assert result.read == result.accepted + result.duplicate + result.rejected
    return result.accepted, result.duplicate, result.rejected


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("feed", FIRST)
@pytest.mark.parametrize("within_one_file", [True, False])
def test_same_and_other_content(
    clean: Warehouse, tmp_path: Path, feed: str, ending: str, within_one_file: bool
) -> None:
    same = [FIRST[feed] | change for change in SAME_CONTENT[feed]]
    other = [FIRST[feed] | change for change in OTHER_CONTENT[feed]]
    if within_one_file:
        rows = [*other[:0], FIRST[feed], *other, *same]
        path = write(tmp_path / f"x{ending}", rows)
        result = clean.load_path(feed, path, carrier_of(feed), max_rejects=100)
        assert counts(result) == (1, len(same), len(other))
    else:
        clean.load_path(feed, write(tmp_path / f"1{ending}", [FIRST[feed]]), carrier_of(feed))
        kept = stored(clean, feed)
        path = write(tmp_path / f"2{ending}", other + same)
        result = clean.load_path(feed, path, carrier_of(feed), max_rejects=100)
        assert counts(result) == (0, len(same), len(other))
        assert stored(clean, feed) == kept
    assert set(result.reasons) == {"conflicting_duplicate"}
    first_other = 2 if within_one_file else 1
    rejects = clean.rows("select * from raw.rejects order by row_number")
    assert [row["row_number"] for row in rejects] == list(
        range(first_other, first_other + len(other))
    )
    assert all(row["raw_text"] for row in rejects)
    assert len(stored(clean, feed)) == 1


def test_first_loaded_stands_within_a_file(clean: Warehouse, tmp_path: Path) -> None:
    rows = [CDR | {"quantity": str(quantity)} for quantity in (5, 6, 5, 7)]
    result = clean.load_path("cdrs", write(tmp_path / "c.csv", rows), "wireless", max_rejects=100)
    assert counts(result) == (1, 1, 2)
    assert stored(clean, "cdrs")[0]["quantity"] == 5


def test_a_rejected_row_takes_no_id(clean: Warehouse, tmp_path: Path) -> None:
    rows = [CDR | {"quantity": "-1"}, CDR | {"quantity": "5"}]
    result = clean.load_path("cdrs", write(tmp_path / "c.csv", rows), "wireless", max_rejects=100)
    assert counts(result) == (1, 0, 1)
    assert stored(clean, "cdrs")[0]["row_number"] == 2


def test_a_bad_row_is_told_its_own_reason_before_the_conflict(
    clean: Warehouse, tmp_path: Path
) -> None:
    future = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    rows = [CDR, CDR | {"started_at": future}, CDR | {"quantity": "9"}]
    result = clean.load_path("cdrs", write(tmp_path / "c.csv", rows), "wireless", max_rejects=100)
    assert result.reasons == {"conflicting_duplicate": 1, "future_time": 1}


def test_ids_are_the_carriers_own_and_exact(clean: Warehouse, tmp_path: Path) -> None:
    rows = [CDR | {"cdr_id": text} for text in ("c1", "C1", " c1", "c1 ", "e\u0301", "é", NASTY)]
    path = write(tmp_path / "c.csv", rows)
    assert counts(clean.load_path("cdrs", path, "wireless")) == (7, 0, 0)
    # a file of another carrier is another file, and its ids are other ids
    assert counts(clean.load_path("cdrs", path, "wireline")) == (7, 0, 0)
    voids = write(tmp_path / "v.csv", [row | {"action": "void"} for row in rows])
    assert counts(clean.load_path("cdrs", voids, "wireless")) == (7, 0, 0)


def test_accounts_and_subscribers_are_never_duplicates(clean: Warehouse, tmp_path: Path) -> None:
    rows: list[Row] = [ACCOUNT, ACCOUNT, ACCOUNT | {"city": "Macon"}]
    assert counts(clean.load_path("accounts", write(tmp_path / "a.csv", rows))) == (3, 0, 0)
    again = write(tmp_path / "a.jsonl", rows)
    assert counts(clean.load_path("accounts", again)) == (3, 0, 0)
    rows = [SUBSCRIBER, SUBSCRIBER, SUBSCRIBER | {"plan_id": None}]
    path = write(tmp_path / "s.csv", rows)
    assert counts(clean.load_path("subscribers", path, "wireless", AS_OF)) == (3, 0, 0)


def test_ids_of_feeds_without_a_carrier_are_unique_overall(
    clean: Warehouse, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", [ADJUSTMENT])
    assert counts(clean.load_path("rollover_adjustments", path, "wireless")) == (1, 0, 0)
    # the carrier may be named, and makes no other file and no other record of it
    assert clean.load_path("rollover_adjustments", path, "wireline").skipped
    assert clean.load_path("rollover_adjustments", path).skipped
    again = write(tmp_path / "a.jsonl", [ADJUSTMENT])
    assert counts(clean.load_path("rollover_adjustments", again, "wireline")) == (0, 1, 0)
    assert clean.rows("select distinct carrier_id from raw.loads") == [{"carrier_id": None}]
    ids: list[Row] = [
        ADJUSTMENT | {"adjustment_id": text} for text in ("adj1 ", "ADJ1", "e\u0301", "é", NASTY)
    ]
    path = write(tmp_path / "b.csv", ids)
    assert counts(clean.load_path("rollover_adjustments", path)) == (5, 0, 0)


def test_openings_and_reports_are_one_for_an_account_pool_and_cycle(
    clean: Warehouse, tmp_path: Path
) -> None:
    for feed, row, keys in (
        ("rollover_opening", OPENING, {"earned_cycle_start": "2025-03-31"}),
        ("rollover_results", REPORT, {"cycle_start": "2025-05-02"}),
    ):
        others = [{name: value} for name, value in keys.items()]
        others += [{"account_id": "A9"}, {"pool_id": "data"}]
        rows = [row, *(row | other for other in others)]
        assert counts(clean.load_path(feed, write(tmp_path / f"{feed}.csv", rows))) == (4, 0, 0)


# order statuses: (status rows in order of loading, those accepted)
TRANSITIONS = [
    ("submitted", "submitted"),
    ("submitted completed", "submitted completed"),
    ("submitted completed withdrawn", "submitted completed withdrawn"),
    ("submitted withdrawn", "submitted withdrawn"),
    ("submitted failed", "submitted failed"),
    ("submitted failed completed", "submitted failed"),
    ("submitted failed withdrawn", "submitted failed"),
    ("completed", "completed"),
    ("completed submitted", "completed"),
    ("completed failed", "completed"),
    ("completed completed", "completed"),
    ("completed failed withdrawn completed", "completed withdrawn"),
    ("failed submitted completed withdrawn", "failed"),
    ("withdrawn completed", "withdrawn"),
    ("withdrawn submitted failed withdrawn", "withdrawn"),
    (
        "submitted submitted completed submitted withdrawn withdrawn",
        "submitted completed withdrawn",
    ),
]


@pytest.mark.parametrize("files", ["one", "one each", "first apart"])
def test_order_statuses(clean: Warehouse, tmp_path: Path, files: str) -> None:
    histories = {f"o{n}": given.split() for n, (given, _) in enumerate(TRANSITIONS)}
    longest = max(len(statuses) for statuses in histories.values())
    rounds: list[list[Row]] = []
    for place in range(longest):
        rounds.append(
            [
                ORDER
                | {
                    "order_id": order_id,
                    "status": statuses[place],
                    "status_at": f"2025-05-{place + 1:02}T00:00:00Z",
                }
                for order_id, statuses in histories.items()
                if place < len(statuses)
            ]
        )
    every = [row for rows in rounds for row in rows]
    batches = {
        "one": [every],
        "one each": rounds,
        "first apart": [rounds[0], [row for rows in rounds[1:] for row in rows]],
    }
    accepted = duplicate = 0
    for number, rows in enumerate(batches[files]):
        path = write(tmp_path / f"{number}.csv", rows)
        result = clean.load_path("orders", path, "wireless")
        assert result.rejected == 0
        accepted += result.accepted
        duplicate += result.duplicate
    found: dict[str, list[dict[str, Any]]] = {}
    for row in stored(clean, "orders"):
        found.setdefault(row["order_id"], []).append(row)
    assert {key: " ".join(row["status"] for row in rows) for key, rows in found.items()} == {
        f"o{n}": standing for n, (_, standing) in enumerate(TRANSITIONS)
    }
    assert accepted == sum(len(standing.split()) for _, standing in TRANSITIONS)
    assert duplicate == len(every) - accepted
    # each with the time of the first row that brought it
    for order_id, rows in found.items():
        for row in rows:
            assert row["status_at"].day == histories[order_id].index(row["status"]) + 1


def test_the_same_bytes_are_skipped(clean: Warehouse, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [CDR])
    first = clean.load_path("cdrs", path, "wireless")
    renamed = tmp_path / "other.csv"
    path.rename(renamed)
    again = clean.load_path("cdrs", renamed, "wireless")
    assert again.skipped and again.load_id == first.load_id
    assert len(clean.rows("select 1 from raw.loads")) == 1
    # the same rows in another file are duplicates
    other = clean.load_path("cdrs", write(tmp_path / "c.jsonl", [CDR]), "wireless")
    assert counts(other) == (0, 1, 0)


def test_subscribers_are_skipped_for_the_same_as_of_only(clean: Warehouse, tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", [SUBSCRIBER])
    assert not clean.load_path("subscribers", path, "wireless", AS_OF).skipped
    assert clean.load_path("subscribers", path, "wireless", AS_OF).skipped
    same_instant = datetime.fromisoformat("2025-05-31T20:00:00-04:00")
    assert clean.load_path("subscribers", path, "wireless", same_instant).skipped
    assert not clean.load_path("subscribers", path, "wireline", AS_OF).skipped
    later = AS_OF + timedelta(days=1)
    assert not clean.load_path("subscribers", path, "wireless", later).skipped
    assert [row["batch_as_of"] for row in stored(clean, "subscribers")] == [AS_OF, AS_OF, later]


def test_accounts_are_skipped_unless_others_came_in_between(
    clean: Warehouse, tmp_path: Path
) -> None:
    old = write(tmp_path / "old.csv", [ACCOUNT])
    new = write(tmp_path / "new.csv", [ACCOUNT | {"bill_cycle_day": "5"}])
    assert not clean.load_path("accounts", old).skipped
    assert clean.load_path("accounts", old).skipped
    clean.load_path("cdrs", write(tmp_path / "c.csv", [CDR]), "wireless")
    assert clean.load_path("accounts", old).skipped
    assert not clean.load_path("accounts", new).skipped
    assert not clean.load_path("accounts", old).skipped
    assert clean.load_path("accounts", old).skipped
    # the carrier may be named, and makes no other file of it
    assert clean.load_path("accounts", old, "wireline").skipped
    assert [row["bill_cycle_day"] for row in stored(clean, "accounts")] == [1, 5, 1]
