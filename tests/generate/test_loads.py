"""The loader itself, not our reading of its rules: it makes of a town what the summary says."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tandem import running
from tandem.database import exclusive
from tandem.feeds import FEEDS
from tandem.generate import Town, generate
from tandem.generate.feeds import HEADERS
from tandem.generate.files import write_sheet
from tandem.generate.spoil import spoil_sheet
from tests.support.warehouse import Warehouse

from .reading import reason_to_refuse

pytestmark = pytest.mark.xdist_group("loading")

TOWN = Town(
    accounts=45,
    months=2,
    seed=5,
    first_month=date(2025, 6, 1),
    calls_per_account_per_day=3.0,
    batches_per_month=4,
)


@pytest.fixture(scope="module")
def warehouse(make_warehouse: Callable[[], Warehouse]) -> Warehouse:
    """An initialised warehouse that the tests share; each loads ids of its own."""
    return make_warehouse()


def test_a_town_is_loaded_as_its_summary_says(warehouse: Warehouse, tmp_path: Path) -> None:
    summary = generate(TOWN, tmp_path / "town")
    assert {file.feed for file in summary.files} == set(FEEDS) - {"rollover_results"}
    found = {}
    with exclusive(warehouse.settings, "test") as connection:
        for folder in summary.folders:
            for result in running.load_folder(connection, summary.out / folder):
                path = f"{folder}/{result.file.name}"
                found[path] = (result.read, result.duplicate, result.reasons)
                assert result.unknown_columns == ()
    assert found == {
        file.path: (file.rows, file.duplicates, dict(file.rejects)) for file in summary.files
    }
    assert sum(file.rejected for file in summary.files) > 30


@pytest.fixture(scope="module")
def clean_town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Feeds without a bad row."""
    return generate(replace(TOWN, trouble=False), tmp_path_factory.mktemp("clean")).out


@pytest.mark.parametrize("feed", HEADERS)
def test_every_mistake_is_refused_for_its_reason(
    warehouse: Warehouse, clean_town: Path, tmp_path: Path, feed: str
) -> None:
    path = min(clean_town.glob(f"*/{feed}.*csv"))
    with path.open(newline="", encoding="utf-8") as handle:
        header, good, *_ = (tuple(row) for row in csv.reader(handle))
    assert header == HEADERS[feed]
    spoilt = [spoil_sheet(feed, header, good, 0)]
    while spoilt[-1][0] != "bad_shape":  # the last of a round
        spoilt.append(spoil_sheet(feed, header, good, len(spoilt)))
    assert len(spoilt) > 5
    write_sheet(tmp_path, "spoilt.csv", header, [row for _, row in spoilt])
    parts = path.name.split(".")
    result = warehouse.load_path(
        feed,
        tmp_path / "spoilt.csv",
        parts[1] if FEEDS[feed].has_carrier else None,
        datetime(2025, 6, 1, tzinfo=UTC) if FEEDS[feed].has_as_of else None,
        max_rejects=100,
    )
    assert result.accepted == 0
    rejects = warehouse.rows(
        "select reason_code from raw.rejects where load_id = %s order by row_number",
        result.load_id,
    )
    wanted = [reason for reason, _ in spoilt]
    assert [row["reason_code"] for row in rejects] == wanted
    # and so our own reading of the rules has it
    assert wanted == [
        reason_to_refuse(
            feed, dict(zip(header, row, strict=True)) if len(row) == len(header) else None
        )
        for _, row in spoilt
    ]
