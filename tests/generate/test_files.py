"""Files: the same town is the same bytes, every row is what the summary says it is."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tandem.generate import Summary, Town, generate

from .conftest import TROUBLED
from .reading import Warehouse, read_rows

ADJUSTMENTS = "2026-07/rollover_adjustments.2026-07.csv"
SMALL = Town(accounts=45, months=2, seed=5, calls_per_account_per_day=4.0)


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    "changes",
    [{}, {"format": "parquet"}, {"compression": "gzip"}, {"compression": "zstd", "split": "day"}],
    ids=str,
)
def test_same_town_same_bytes(tmp_path: Path, changes: dict[str, str]) -> None:
    town = replace(SMALL, **changes)
    generate(town, tmp_path / "one")
    generate(town, tmp_path / "two")
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")


def test_same_bytes_in_a_process_with_another_hash_seed(tmp_path: Path) -> None:
    generate(SMALL, tmp_path / "one")
    program = (
        "from pathlib import Path; from tandem.generate import Town, generate; "
        "generate(Town(accounts=45, months=2, seed=5, calls_per_account_per_day=4.0), "
        f"Path({str(tmp_path / 'two')!r}))"
    )
    other_seed = {"PYTHONHASHSEED": "77", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=other_seed)
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")


def test_another_seed_is_another_town(tmp_path: Path) -> None:
    generate(SMALL, tmp_path / "one")
    generate(replace(SMALL, seed=6), tmp_path / "two")
    one, two = fingerprint(tmp_path / "one"), fingerprint(tmp_path / "two")
    assert not set(one.values()) & set(two.values())


def judged(load: Warehouse, summary: Summary) -> list[tuple[object, ...]]:
    return [
        (path, loaded.rows, loaded.duplicates, dict(sorted(loaded.rejects.items())))
        for path, loaded in ((file.path, load.files[file.path]) for file in summary.files)
    ]


def announced(summary: Summary) -> list[tuple[object, ...]]:
    return [(f.path, f.rows, f.duplicates, dict(f.rejects)) for f in summary.files]


def test_every_row_is_judged_as_the_summary_says(
    troubled: Summary, troubled_load: Warehouse
) -> None:
    assert judged(troubled_load, troubled) == announced(troubled)


def test_clean_town_has_nothing_to_refuse(clean: Summary, clean_load: Warehouse) -> None:
    assert judged(clean_load, clean) == announced(clean)
    assert all(file.accepted == file.rows for file in clean.files)
    assert clean.trouble == {}
    assert not any(file.folder.endswith("-late") for file in clean.files)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "jsonl"},
        {"format": "jsonl", "compression": "gzip"},
        {"format": "parquet", "compression": "zstd"},
        {"split": "day", "compression": "zstd"},
    ],
    ids=str,
)
def test_every_format_is_judged_as_the_summary_says(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    summary = generate(replace(SMALL, **changes), tmp_path / "town")
    assert judged(Warehouse(summary), summary) == announced(summary)
    assert sum(f.rejected for f in summary.files if f.feed == "cdrs") > 0


def test_adjustments_are_spoilt_and_repeated_in_a_large_town(tmp_path: Path) -> None:
    town = Town(accounts=8000, months=2, seed=4, calls_per_account_per_day=0.01)
    summary = generate(town, tmp_path / "town")
    assert judged(Warehouse(summary), summary) == announced(summary)
    (july,) = (f for f in summary.files if f.path == ADJUSTMENTS)
    assert july.duplicates == july.rejects["conflicting_duplicate"] == 1
    assert july.rejected > 1


def test_no_file_comes_near_the_limit_of_refused_rows(tmp_path: Path, troubled: Summary) -> None:
    daily = generate(replace(SMALL, accounts=12, split="day"), tmp_path / "town")
    for file in (*troubled.files, *daily.files):
        assert file.rejected <= 0.05 * file.rows, file


def test_every_file_is_in_the_summary_and_named_for_a_run(troubled: Summary) -> None:
    on_disk = {
        path.relative_to(troubled.out).as_posix()
        for path in troubled.out.rglob("*")
        if path.is_file() and path.name != "README.txt"
    }
    assert on_disk == {file.path for file in troubled.files}
    for file in troubled.files:
        folder, name = file.path.split("/")
        parts = name.split(".")
        assert parts[0] == file.feed
        if file.carrier:
            assert parts[1] == file.carrier
        if file.feed == "subscribers":
            datetime.strptime(parts[2], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert folder in troubled.folders
    assert troubled.folders == ("2026-06", "2026-06-late", "2026-07", "2026-07-late")
    assert [f.path for f in troubled.files] == sorted(
        (f.path for f in troubled.files), key=lambda path: path.split("/")
    )


def test_names_sort_in_the_order_of_time(troubled: Summary, troubled_load: Warehouse) -> None:
    """A run takes the files of a folder by name: no older state may come after a newer one."""
    mover = troubled.stories["mover"].account_ids[0]
    zones = [
        row["time_zone"] for _, row in troubled_load.feed("accounts") if row["account_id"] == mover
    ]
    assert zones == ["America/New_York", "America/Denver"]
    for carrier in ("wireless", "wireline", "internet"):
        days = [
            [row["status_at"] or row["requested_at"] for row in troubled_load.files[file].accepted]
            for file in troubled_load.files
            if f"/orders.{carrier}." in file
        ]
        assert all(max(one) < min(two) for one, two in pairwise(days))


def test_counts_of_trouble_are_in_the_files(troubled: Summary, troubled_load: Warehouse) -> None:
    counts = Counter[str]()
    for file in troubled.files:
        loaded = troubled_load.files[file.path]
        counts.update({f"{file.feed}.{r}": n for r, n in loaded.rejects.items()})
        if file.feed in ("orders", "subscriber_changes", "rollover_adjustments"):
            counts[f"{file.feed}.duplicate"] += loaded.duplicates
    kinds = {
        kind: n
        for kind, n in troubled.trouble.items()
        if kind in counts or kind.endswith("duplicate")
    }
    assert kinds == {kind: n for kind, n in counts.items() if n}
    cdr_duplicates = sum(f.duplicates for f in troubled.files if f.feed == "cdrs")
    assert cdr_duplicates == (
        troubled.trouble["cdrs.duplicate_in_file"]
        + troubled.trouble["cdrs.duplicate_in_another_file"]
    )
    for reason in (
        "bad_shape",
        "missing_value",
        "too_long",
        "bad_type",
        "bad_value",
        "bad_number",
        "future_time",
        "conflicting_duplicate",
    ):
        assert troubled.trouble[f"cdrs.{reason}"] > 0


def test_awkward_text_survives_quoting(troubled: Summary) -> None:
    _, rows = read_rows(troubled.out / "2026-06" / "accounts.csv")
    good = [row for row in rows if row]
    assert any("\n" in row["address_line2"] for row in good)
    assert any("," in row["address_line2"] for row in good)
    assert any(row["holder_name"].startswith(("=", "<", "@", "Robert'")) for row in good)
    assert b"\r\n" in (troubled.out / "2026-06" / "accounts.csv").read_bytes()


def test_readme_says_what_is_there(troubled: Summary) -> None:
    text = (troubled.out / "README.txt").read_text(encoding="utf-8")
    for file in troubled.files:
        assert file.path in text
    for name, story in troubled.stories.items():
        assert name in text
        assert all(account in text for account in story.account_ids)
    assert "tandem run 2026-06-late --through 2026-07-01" in text


def test_refuses_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(FileExistsError, match="not an empty folder"):
        generate(SMALL, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_interrupted_run_leaves_nothing_and_the_next_one_succeeds(tmp_path: Path) -> None:
    town, out = replace(SMALL, accounts=5, months=1), tmp_path / "town"

    def stop(stage: str, done: int, _total: int) -> None:
        if stage == "cdrs" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(town, out, stop)
    assert not out.exists()
    generate(town, out)
    generate(town, tmp_path / "again")
    assert fingerprint(out) == fingerprint(tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "town"]


def test_progress_reaches_its_total(tmp_path: Path) -> None:
    last: dict[str, tuple[int, int]] = {}
    generate(
        replace(SMALL, accounts=3, months=1),
        tmp_path / "town",
        lambda stage, done, total: last.update({stage: (done, total)}),
    )
    assert list(last) == ["accounts", "feeds", "cdrs"]
    assert all(done == total for done, total in last.values())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"accounts": 0}, "accounts"),
        ({"months": 0}, "months"),
        ({"seed": -1}, "seed"),
        ({"first_month": TROUBLED.first_month.replace(day=2)}, "first day"),
        ({"calls_per_account_per_day": 0.0}, "calls_per_account_per_day"),
        ({"format": "xml"}, "format"),
        ({"compression": "bzip2"}, "compression"),
        ({"split": "week"}, "split"),
        ({"bill_cycle_days": (29,)}, "bill_cycle_days"),
        ({"bill_cycle_days": ()}, "bill_cycle_days"),
        ({"batches_per_month": 0}, "batches_per_month"),
    ],
)
def test_impossible_towns_are_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(SMALL, **changes)
