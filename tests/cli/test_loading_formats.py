"""The same rows give the same records, whatever the file that brings them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tandem.errors import Refused
from tandem.feeds import FEEDS
from tests.cli.samples import (
    ACCOUNT,
    ADJUSTMENT,
    CDR,
    ENDINGS,
    FEED_NAMES,
    GOOD,
    NASTY,
    ORDER,
    REPORT,
    ROWS,
    Row,
    as_of_of,
    carrier_of,
    compressed,
    csv_lines,
    csv_text,
    parsed,
    stored,
    write,
)
from tests.support.warehouse import Warehouse

pytestmark = pytest.mark.xdist_group("loading")


def expected(feed: str, rows: list[Row]) -> list[dict[str, object]]:
    given: dict[str, object] = {}
    if FEEDS[feed].has_carrier:
        given["carrier_id"] = carrier_of(feed)
    if feed == "subscribers":
        given["batch_as_of"] = as_of_of(feed)
    return [
        parsed(feed, row) | given | {"row_number": number} for number, row in enumerate(rows, 1)
    ]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("feed", FEED_NAMES)
def test_every_feed_in_every_format(
    clean: Warehouse, tmp_path: Path, feed: str, ending: str
) -> None:
    path = write(tmp_path / f"{feed}{ending}", ROWS[feed])
    result = clean.load_path(feed, path, carrier_of(feed), as_of_of(feed))
    rows = len(ROWS[feed])
    assert (result.read, result.accepted, result.duplicate, result.rejected) == (rows, rows, 0, 0)
    assert stored(clean, feed) == expected(feed, ROWS[feed])
    manifest = clean.rows("select * from raw.loads")[0]
    assert manifest["bytes"] == path.stat().st_size
    assert (manifest["feed"], manifest["file_name"]) == (feed, path.name)
    assert (manifest["rows_read"], manifest["accepted"]) == (rows, rows)
    assert manifest["carrier_id"] == carrier_of(feed)
    assert manifest["as_of"] == as_of_of(feed)


def test_samples_have_every_column_of_their_feed() -> None:
    assert {name: list(row) for name, row in GOOD.items()} == {
        name: [column.name for column in feed.columns] for name, feed in FEEDS.items()
    }


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_column_order_and_unknown_columns(clean: Warehouse, tmp_path: Path, ending: str) -> None:
    rows = [
        dict(reversed((row | {"zone": "north", "Weird, Column": "=1"}).items()))
        for row in ROWS["cdrs"]
    ]
    result = clean.load_path("cdrs", write(tmp_path / f"c{ending}", rows), "wireless")
    assert sorted(result.unknown_columns) == ["Weird, Column", "zone"]
    assert stored(clean, "cdrs") == expected("cdrs", ROWS["cdrs"])


def test_unknown_columns_may_repeat_or_have_no_name(clean: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    header, line = csv_text([CDR]).splitlines()
    path.write_text(f"note,{header},note,\nx,{line},y,z\n")
    result = clean.load_path("cdrs", path, "wireless")
    assert result.accepted == 1
    assert stored(clean, "cdrs") == expected("cdrs", [CDR])


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_optional_columns_may_be_left_out(clean: Warehouse, tmp_path: Path, ending: str) -> None:
    rows = [{name: value for name, value in CDR.items() if value is not None}]
    assert clean.load_path("cdrs", write(tmp_path / f"c{ending}", rows), "wireless").accepted == 1
    assert stored(clean, "cdrs") == expected("cdrs", [CDR])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("\ufeff" + csv_text([ACCOUNT]), id="byte order mark"),
        pytest.param(csv_text([ACCOUNT], end="\r\n"), id="crlf"),
        pytest.param(csv_text([ACCOUNT]).removesuffix("\n"), id="no line end at the end"),
        pytest.param("\n\n" + csv_text([ACCOUNT]).replace("\n", "\n\n"), id="blank lines"),
        pytest.param(
            "\n".join(
                ",".join(f'"{field}"' for field in (row.values() if i else row))
                for i, row in enumerate(
                    [ACCOUNT, {name: value or "" for name, value in ACCOUNT.items()}]
                )
            ),
            id="all quoted, the header and empty fields too",
        ),
        pytest.param(
            csv_text([{name.join("  "): value for name, value in ACCOUNT.items()}]),
            id="spaces around names in the header",
        ),
    ],
)
def test_ways_to_write_a_csv(clean: Warehouse, tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode())
    result = clean.load_path("accounts", path)
    assert (result.read, result.accepted) == (1, 1)
    assert stored(clean, "accounts") == expected("accounts", [ACCOUNT])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_quoted_line_ends_quotes_and_separators(clean: Warehouse, tmp_path: Path, end: str) -> None:
    values = ['say ""', '"', ",", "a\nb\n\nc", "\n", ' "x" ', "tab\tand ; semicolon", "-"]
    rows = [ACCOUNT | {"account_id": f"A{i}", "city": value} for i, value in enumerate(values)]
    path = tmp_path / "a.csv"
    path.write_bytes(csv_text(rows, end).encode())
    assert clean.load_path("accounts", path).accepted == len(values)
    assert [row["city"] for row in stored(clean, "accounts")] == values


def test_blocks_do_not_cut_rows(clean: Warehouse, tmp_path: Path) -> None:
    # several mebibytes with line ends in quotes and letters of many bytes, so that some are cut
    rows = [
        ACCOUNT | {"account_id": f"A{i:05}", "holder_name": f"näme {i}\n" + "€" * (i % 331)}
        for i in range(9_000)
    ]
    path = tmp_path / "a.csv"
    path.write_bytes(csv_text(rows, "\r\n").encode())
    assert path.stat().st_size > 3 << 20
    result = clean.load_path("accounts", path)
    assert (result.read, result.accepted) == (9_000, 9_000)
    found = {row["account_id"]: row["holder_name"] for row in stored(clean, "accounts")}
    assert found == {row["account_id"]: row["holder_name"] for row in rows}


def test_only_a_header_is_a_file_of_no_rows(clean: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(",".join(CDR) + "\n")
    result = clean.load_path("cdrs", path, "wireless")
    assert (result.read, result.accepted, result.rejected) == (0, 0, 0)
    assert clean.load_path("cdrs", path, "wireless").skipped


def test_json_values_of_other_types(clean: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    lines = [
        CDR | {"quantity": 61, "call_type": "", "other_party_type": None},
        CDR | {"cdr_id": 17, "ignored": {"a": [1]}},
        CDR | {"cdr_id": "c3", "quantity": "60.0"},
        CDR | {"cdr_id": "c4", "quantity": True},
        CDR | {"cdr_id": ["c5"]},
    ]
    text = "\ufeff" + "\r\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    path.write_bytes(text.encode())
    result = clean.load_path("cdrs", path, "wireless", max_rejects=100)
    assert (result.read, result.accepted) == (5, 2)
    assert result.reasons == {"bad_shape": 1, "bad_type": 2}
    assert result.unknown_columns == ("ignored",)
    assert [row["cdr_id"] for row in stored(clean, "cdrs")] == ["c1", "17"]
    assert stored(clean, "cdrs")[0] == expected("cdrs", [CDR])[0]


def test_parquet_columns_of_other_types(clean: Warehouse, tmp_path: Path) -> None:
    at = datetime(2025, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    table = pa.table(
        {
            "order_id": pa.array(["p1", "p2"], pa.large_string()),
            "account_id": pa.array(["A1", "A1"]).dictionary_encode(),
            "action": pa.array(["cancel", "add_line"], pa.string_view()),
            "plan_id": pa.array(["SHARE1000", ""], pa.large_string()),
            "service_number": pa.array(["", "+14045550123"]).dictionary_encode(),
            "requested_at": pa.array([at, at], pa.timestamp("ns", "America/New_York")),
            "effective_on": pa.array([date(2025, 5, 2)] * 2, pa.date32()),
            "status": pa.array(["failed", "failed"]),
            "status_at": pa.array([at, None], pa.timestamp("us", "UTC")),
            "counterpart_order_id": pa.array([17, None], pa.int64()),
        }
    )
    path = tmp_path / "o.parquet"
    pq.write_table(table, path)
    assert clean.load_path("orders", path, "wireless").accepted == 2
    moment = at.isoformat()
    base = ORDER | {"requested_at": moment, "status": "failed"}
    assert stored(clean, "orders") == expected(
        "orders",
        [
            base | {"order_id": "p1", "action": "cancel", "counterpart_order_id": "17"},
            base
            | {
                "order_id": "p2",
                "action": "add_line",
                "plan_id": None,
                "service_number": "+14045550123",
            },
        ],
    )


def test_json_numbers_are_decimals(clean: Warehouse, tmp_path: Path) -> None:
    # a number has a value, however it is written
    texts = ["60", "60.0", "6e1", "600E-1", "60.00000000000000000000000000000000000001"]
    wanted = [Decimal(60)] * 4 + [Decimal(texts[-1])]
    path = tmp_path / "a.jsonl"
    path.write_text(
        "".join(
            json.dumps(ADJUSTMENT | {"adjustment_id": text, "pool_id": "unknown"}).replace(
                '"quantity": "60"', f'"quantity": {text}'
            )
            + "\n"
            for text in texts
        )
    )
    assert clean.load_path("rollover_adjustments", path).accepted == len(texts)
    assert [row["quantity"] for row in stored(clean, "rollover_adjustments")] == wanted


@pytest.mark.parametrize(
    "type_",
    [
        pa.decimal128(20, 6),
        pa.decimal128(30, 10),
        pa.decimal256(60, 30),
        pa.float64(),
        pa.int32(),
    ],
    ids=str,
)
def test_parquet_decimals(clean: Warehouse, tmp_path: Path, type_: pa.DataType) -> None:
    names = list(REPORT)
    columns = {name: pa.array([REPORT[name]] * 2, pa.string()) for name in names}
    columns["account_id"] = pa.array(["X1", "X2"])
    for name in ("allowance", "plan_used", "overage", "rollover_used", "accumulated", "expired"):
        values = [0, 0] if name == "expired" else [int(REPORT[name] or 0), 0]
        columns[name] = pa.array([Decimal(v) for v in values]).cast(pa.decimal128(9)).cast(type_)
    columns["cycle_start"] = pa.array([date(2025, 5, 1)] * 2, pa.date32())
    columns["plan_fee"] = pa.array([Decimal(50), None], pa.decimal128(30, 12))
    path = tmp_path / "r.parquet"
    pq.write_table(pa.table(columns), path)
    result = clean.load_path("rollover_results", path, max_rejects=100)
    assert (result.accepted, result.reasons) == (2, {})
    zeros = dict.fromkeys(
        ("allowance", "plan_used", "overage", "rollover_used", "accumulated", "expired"), "0"
    )
    assert stored(clean, "rollover_results") == expected(
        "rollover_results", [REPORT, REPORT | zeros | {"account_id": "X2", "plan_fee": None}]
    )


def test_parquet_time_without_zone_has_no_offset(clean: Warehouse, tmp_path: Path) -> None:
    names = list(CDR)
    columns = {name: pa.array([CDR[name]], pa.string()) for name in names}
    columns["started_at"] = pa.array([datetime(2025, 5, 1, 12)], pa.timestamp("us"))  # noqa: DTZ001
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table(columns), path)
    result = clean.load_path("cdrs", path, "wireless", max_rejects=100)
    assert result.reasons == {"bad_type": 1}


def test_format_option_for_a_name_that_hides_it(clean: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "delivery.dat"
    path.write_text(csv_text([CDR]))
    with pytest.raises(Refused, match="does not tell the format"):
        clean.load_path("cdrs", path, "wireless")
    assert clean.load_path("cdrs", path, "wireless", format_name="csv").accepted == 1
    zipped = compressed(tmp_path / "delivery.gz", csv_text([CDR | {"cdr_id": "z"}]).encode())
    assert clean.load_path("cdrs", zipped, "wireless", format_name="csv").accepted == 1


def test_hostile_values_stay_data(clean: Warehouse, tmp_path: Path) -> None:
    values = [
        NASTY,
        "=cmd|' /C calc'!A0",
        "@SUM(1)",
        "<script>alert(1)</script>",
        "\\N",
        "\\.",
        "null",
        "NULL",
        "{{ env_var('HOME') }}",
        "%s %(x)s {0}",
        "\u202eright to left",
        "back\\slash\\t",
        "\x1b[31mred",
        "e\u0301 not é",
        "😀" * 1000,
    ]
    for ending in (".csv", ".jsonl", ".parquet"):
        prefix = ending[1:]
        rows = [
            ACCOUNT | {"account_id": f"{prefix}{i}", "holder_name": value}
            for i, value in enumerate(values)
        ]
        result = clean.load_path("accounts", write(tmp_path / f"a{ending}", rows))
        assert result.accepted == len(values), ending
    names = [row["holder_name"] for row in stored(clean, "accounts")]
    assert names == values * 3


def test_raw_text_of_a_quoted_row(clean: Warehouse, tmp_path: Path) -> None:
    rows = [ACCOUNT | {"holder_name": NASTY, "time_zone": "Mars/Olympus"}, ACCOUNT]
    path = write(tmp_path / "a.csv", rows)
    clean.load_path("accounts", path, max_rejects=100)
    reject = clean.rows("select row_number, raw_text from raw.rejects")
    assert reject == [{"row_number": 1, "raw_text": csv_lines(rows)[0]}]
