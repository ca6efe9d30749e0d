"""Commands on a database: what they print where, how they end, what they leave."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from tandem import database
from tandem.database import exclusive
from tandem.server import EmbeddedServer
from tests.cli.running import Done, assert_one_sentence, environment, tandem
from tests.cli.samples import ACCOUNT, CDR, ORDER, SUBSCRIBER, csv_text, write
from tests.cli.town import THROUGH, assert_same, issued, marts
from tests.support.warehouse import Databases, Warehouse

pytestmark = pytest.mark.xdist_group("town")

Run = Callable[..., Done]


@pytest.fixture(scope="module")
def run(june_closed: Warehouse) -> Run:
    """Run a command on the town with June closed; only commands that change nothing."""
    return lambda *arguments: tandem(*arguments, env=environment(june_closed))


@pytest.fixture(scope="module")
def bill_id(june_closed: Warehouse) -> str:
    return str(june_closed.rows("select min(bill_id) as id from billing.bills")[0]["id"])


# what is shown

SHOWING = {
    "loads": ["loads"],
    "loads --limit 3": ["loads", "--limit", "3"],
    "rejects": ["rejects"],
    "suspense": ["suspense"],
    "suspense --records": ["suspense", "--records"],
    "settlement": ["settlement"],
    "settlement of a carrier": ["settlement", "--close", "1", "--carrier", "wireless"],
    "unbilled": ["unbilled", "A000001"],
    "unbilled --detail": ["unbilled", "A000001", "--detail"],
    "bills show": ["bills", "show", "BILL"],
}


@pytest.mark.parametrize("name", SHOWING)
def test_results_go_to_stdout_and_fit_the_page(run: Run, bill_id: str, name: str) -> None:
    arguments = [bill_id if word == "BILL" else word for word in SHOWING[name]]
    done = run(*arguments)
    assert done.code == 0, done.err
    assert bool(done.out) != bool(done.err)  # a result, or a sentence that there is none
    assert max((len(line) for line in done.out.splitlines()), default=0) <= 100
    as_json = run(*arguments, "--json")
    assert (as_json.code, as_json.err) == (0, "")
    parsed = json.loads(as_json.out)
    assert isinstance(parsed, list | dict)
    assert bool(parsed) == bool(done.out)


def test_loads_and_rejects_tell_all_that_is_there(run: Run, june_closed: Warehouse) -> None:
    loads = json.loads(run("loads", "--json").out)
    assert [row["load_id"] for row in loads] == list(range(1, len(loads) + 1))
    assert all(
        row["rows_read"] == row["accepted"] + row["duplicate"] + row["rejected"] for row in loads
    )
    assert len(json.loads(run("loads", "--json").out)) == len(
        june_closed.rows("select 1 from raw.loads")
    )
    rejected = [row for row in loads if row["rejected"]]
    assert rejected
    of_one = json.loads(run("rejects", "--load", rejected[0]["load_id"], "--json").out)
    assert len(of_one) == rejected[0]["rejected"]
    assert {row["load_id"] for row in of_one} == {rejected[0]["load_id"]}
    assert all(row["raw_text"] and row["reason"] for row in of_one)


def test_a_list_that_is_cut_says_so(run: Run, june_closed: Warehouse) -> None:
    for arguments, table, which in (
        (["loads"], "raw.loads", "latest"),
        (["rejects"], "raw.rejects", "first"),
        (["suspense", "--records"], "rating.suspended_usage", "first"),
    ):
        total = june_closed.rows(f"select count(*) as n from {table}")[0]["n"]
        assert total > 1, table
        text = run(*arguments, "--limit", "1").out
        assert f"These are the {which} 1 of {total:,}; --limit {total} shows all" in text
        assert "These are" not in run(*arguments, "--limit", total).out


@pytest.mark.parametrize(
    "arguments",
    [
        ["rejects", "--load", "999"],
        ["unbilled", "NOBODY"],
        ["unbilled", "'; drop table raw.loads; --"],
        ["settlement", "--close", "99"],
        ["settlement", "--carrier", "nobody"],
        ["settlement", "--out", "x.xlsx"],
        ["bills", "show", "NOBODY-20250701"],
        ["bills", "render", "--account", "NOBODY", "--out", "OUT"],
        ["bills", "render", "--format", "docx", "--out", "OUT"],
        ["bills", "render", "--format", ",", "--out", "OUT"],
        ["export", "nonsense", "--out", "OUT.csv"],
        ["export", "raw.cdrs", "--out", "OUT.csv"],
        ["export", "billing.int_open_cycles", "--out", "OUT.csv"],
        ["export", "bills", "--out", "OUT.xlsx"],
        ["export", "bills", "--out", "OUT"],
        ["export", "bills", "--out", "OUT/none/bills.csv"],
        ["close", "--through", "2999-01-01"],
        ["close", "--through", "2999-01-01", "--dry-run"],
        ["load", "cdrs", "none.csv", "--carrier", "wireless"],
        ["load", "cdrs", "none.csv"],
        ["run", "OUT", "--through", "2025-07-01"],
        ["build", "--select", "no_such_model"],
    ],
    ids=" ".join,
)
def test_refusals_are_one_sentence(
    run: Run, june_closed: Warehouse, tmp_path: Path, arguments: list[str]
) -> None:
    before = issued(june_closed)
    done = run(*(word.replace("OUT", str(tmp_path / "out")) for word in arguments))
    assert done.code == 1, done
    assert done.out == ""
    assert_one_sentence(done.err)
    assert list(tmp_path.iterdir()) == []
    assert_same(issued(june_closed), before)


def test_a_missing_account_in_json_is_refused_too(run: Run) -> None:
    done = run("bills", "render", "--account", "NOBODY", "--out", "/nonexistent/x", "--json")
    assert done.code == 0 and json.loads(done.out) == []


# load


def test_load_says_what_became_of_each_file(clean: Warehouse, tmp_path: Path) -> None:
    env = environment(clean)
    good = write(tmp_path / "good.csv", [CDR | {"zone": "north"}, CDR | {"quantity": "62"}])
    bad = write(tmp_path / "bad.csv", [{"cdr_id": "c1"}])
    other = write(tmp_path / "other.jsonl", [CDR, CDR | {"cdr_id": "c2"}])
    done = tandem(
        "load",
        "cdrs",
        good,
        bad,
        other,
        good,
        "--carrier",
        "wireless",
        "--max-rejects",
        "50%",
        env=env,
    )
    # the files are loaded one by one; what is refused does not stop the others, but is told
    assert done.code == 1
    assert done.out == ""
    lines = done.err.splitlines()
    assert len(lines) == 4
    assert (
        "load 1, 2 rows: 1 accepted, 0 duplicate, 1 rejected (1 conflicting_duplicate)" in lines[0]
    )
    assert "unknown columns ignored: zone" in lines[0]
    assert "lacks" in lines[1] and str(bad) in lines[1]
    assert "load 2, 2 rows: 1 accepted, 1 duplicate, 0 rejected" in lines[2]
    assert "was loaded before (load 1); skipped" in lines[3]
    again = tandem("load", "cdrs", other, "--carrier", "wireless", "--json", env=env)
    assert (again.code, again.err) == (0, "")
    assert json.loads(again.out)[0]["skipped"] is True


def test_load_of_subscribers_takes_an_as_of(clean: Warehouse, tmp_path: Path) -> None:
    env = environment(clean)
    path = write(tmp_path / "s.csv", [SUBSCRIBER])
    for as_of in ("2025-06-01T00:00:00Z", "20250602T000000Z", "2025-06-03T00:00:00+02:00"):
        done = tandem(
            "load",
            "subscribers",
            path,
            "--carrier",
            "wireless",
            "--as-of",
            as_of,
            "--json",
            env=env,
        )
        assert done.code == 0, done.err
        assert json.loads(done.out)[0]["accepted"] == 1
    ahead = (datetime.now(UTC) + timedelta(hours=25)).isoformat()
    done = tandem("load", "subscribers", path, "--carrier", "wireless", "--as-of", ahead, env=env)
    assert done.code == 1
    assert_one_sentence(done.err)


# export


def test_export_in_every_format(run: Run, june_closed: Warehouse, tmp_path: Path) -> None:
    bills = june_closed.mart("billing.bills")
    for name in ("bills.csv", "bills.json", "bills.parquet"):
        done = run("export", "billing.bills", "--out", tmp_path / name)
        assert (done.code, done.out) == (0, ""), done.err
        assert f"{len(bills)} rows" in done.err
    total = sum(bill["total_amount"] for bill in bills)
    with (tmp_path / "bills.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert sum(type(total)(row["total_amount"]) for row in rows) == total
    table = pq.read_table(tmp_path / "bills.parquet")
    assert sum(table.column("total_amount").to_pylist()) == total
    assert len(json.loads((tmp_path / "bills.json").read_text())) == len(bills)
    assert {path.name for path in tmp_path.iterdir()} == {
        "bills.csv",
        "bills.json",
        "bills.parquet",
    }


def test_export_neutralises_formulas_but_not_numbers(
    june_closed: Warehouse, copy_of: Callable[[Warehouse], Warehouse], tmp_path: Path
) -> None:
    warehouse = copy_of(june_closed)
    for place, text in enumerate(("=1+1", "+1 800", "-1", "@SUM(A1)", "a=b", "+14045550123")):
        warehouse.execute(
            f"update issued.bill_lines set description = %s where line_number = {place + 1}", text
        )
    env = environment(warehouse)
    out = tmp_path / "lines.csv"
    assert tandem("export", "bill_lines", "--out", out, env=env).code == 0
    with out.open(newline="", encoding="utf-8") as handle:
        found = {int(r["line_number"]): r["description"] for r in csv.DictReader(handle)}
    wanted = ["'=1+1", "'+1 800", "'-1", "'@SUM(A1)", "a=b", "'+14045550123"]
    assert [found[place + 1] for place in range(len(wanted))] == wanted
    usage = tmp_path / "usage.csv"
    assert tandem("export", "rating.rated_usage", "--out", usage, env=env).code == 0
    with usage.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert rows and all(row["service_number"].startswith("+1") for row in rows)
    others = {row["other_number"][:1] for row in rows}
    assert "+" in others and "'" not in others


# the close


def test_dry_run_shows_everything_and_changes_nothing(
    june: Warehouse, copy_of: Callable[[Warehouse], Warehouse], june_closed: Warehouse
) -> None:
    warehouse = copy_of(june)
    env = environment(warehouse)
    warehouse.build()
    before, shown = issued(warehouse), marts(warehouse)
    done = tandem("close", "--through", THROUGH, "--dry-run", env=env)
    assert done.code == 0, done.err
    assert max(len(line) for line in done.out.splitlines()) <= 100
    for words in (
        "Would close",
        "Nothing was issued",
        "On the bills",
        "Settlement before tax",
        "Suspended, not on these bills",
    ):
        assert words in done.out
    (sums,) = june_closed.rows(
        "select count(*) as bills, sum(total_amount) as total from issued.bills"
    )
    text = " ".join(done.out.split())
    assert f"issue {sums['bills']} bills, in all {sums['total']:,.2f} USD" in text
    assert_same(issued(warehouse), before)
    assert warehouse.rows("select * from control.run_requests") == []
    warehouse.build()
    assert_same(marts(warehouse), shown)


def test_closing_twice_is_closing_once(
    june_closed: Warehouse, copy_of: Callable[[Warehouse], Warehouse]
) -> None:
    warehouse = copy_of(june_closed)
    before = issued(warehouse)
    done = tandem("close", "--through", THROUGH, env=environment(warehouse))
    assert (done.code, done.out) == (0, "")
    assert done.err == "There is nothing to close.\n"
    assert_same(issued(warehouse), before)
    assert warehouse.rows("select * from control.run_requests") == []


def test_unknown_jurisdictions_are_named(make_warehouse: Callable[[], Warehouse]) -> None:
    warehouse = make_warehouse()
    warehouse.load(
        "accounts",
        [
            ACCOUNT | {"account_id": "A1"},
            ACCOUNT | {"account_id": "A2", "tax_jurisdiction_id": "XX-LOST", "holder_name": "Ann"},
            ACCOUNT
            | {"account_id": "A3", "tax_jurisdiction_id": "XX-GONE", "closed_on": "2025-01-01"},
        ],
    )
    order = ORDER | {"action": "subscribe", "plan_id": "WIRELESS500", "status": "completed"}
    warehouse.load("orders", [order | {"account_id": "A2"}], "wireless")
    done = tandem("close", "--through", "2025-07-01", env=environment(warehouse))
    assert (done.code, done.out) == (1, "")
    assert_one_sentence(done.err)
    assert "A2 Ann (XX-LOST)" in done.err
    assert "A1" not in done.err
    assert all(rows == [] for rows in issued(warehouse).values())


# others at work


@contextmanager
def busy(warehouse: Warehouse, purpose: str) -> Iterator[None]:
    with exclusive(warehouse.settings, purpose):
        yield


def test_second_command_says_who_is_at_work(
    clean: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "c.csv", [CDR])
    env = environment(clean) | {"TANDEM_LOCK_WAIT": "0.5"}
    with busy(clean, "close"):
        done = tandem("load", "cdrs", path, "--carrier", "wireless", env=env)
        assert done.code == 1
        waiting, gave_up = done.err.splitlines()
        assert "'tandem close'" in waiting and "waiting for it" in waiting
        assert "'tandem close'" in gave_up and "try again" in gave_up
        # reading takes no lock
        assert tandem("loads", env=env).code == 0
    assert tandem("load", "cdrs", path, "--carrier", "wireless", env=env).code == 0


def test_second_command_waits_its_turn(clean: Warehouse, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [CDR])
    free = threading.Event()

    def hold() -> None:
        with busy(clean, "build"):
            free.set()
            time.sleep(1)

    holder = threading.Thread(target=hold)
    holder.start()
    assert free.wait(30)
    done = tandem("load", "cdrs", path, "--carrier", "wireless", env=environment(clean))
    holder.join()
    assert done.code == 0
    assert "waiting for it" in done.err.splitlines()[0]
    assert "1 accepted" in done.err.splitlines()[1]


def test_plain_dbt_and_commands_keep_apart(clean: Warehouse, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [CDR])
    env = environment(clean)
    with psycopg.connect(clean.url, application_name=database.PLAIN_DBT_APPLICATION):
        done = tandem("load", "cdrs", path, "--carrier", "wireless", env=env)
        assert done.code == 1
        assert_one_sentence(done.err)
        assert "dbt" in done.err
    with busy(clean, "load"):
        plain = subprocess.run(
            [
                str(Path(sys.executable).with_name("dbt")),
                "run",
                "--select",
                "run_values",
                "--no-use-colors",
            ],
            cwd=clean.settings.project_dir,
            env=os.environ | env | {"DBT_LOG_PATH": str(tmp_path / "logs")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert plain.returncode != 0
        assert "tandem load" in plain.stdout


# databases that cannot be used


def test_old_server_is_refused(clean: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "OLDEST_VERSION", 99)
    done = tandem("loads", env=environment(clean))
    assert done.code == 1
    assert_one_sentence(done.err)
    assert "needs 99 or newer" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["loads"],
        ["suspense"],
        ["settlement"],
        ["unbilled", "A1"],
        ["bills", "show", "B1"],
        ["bills", "render", "--out", "x"],
        ["export", "bills", "--out", "x.csv"],
        ["rejects"],
        ["load", "accounts", "FILE"],
        ["load", "cdrs", "FILE", "--carrier", "wireless"],
        ["build"],
        ["close", "--through", "2025-07-01"],
        ["check"],
    ],
    ids=" ".join,
)
def test_empty_database_says_what_to_do(
    bare: Warehouse, tmp_path: Path, arguments: list[str]
) -> None:
    path = write(tmp_path / "a.csv", [ACCOUNT | CDR])
    done = tandem(*(word.replace("FILE", str(path)) for word in arguments), env=environment(bare))
    assert done.code == 1
    assert_one_sentence(done.err)
    assert "tandem init" in done.err or "no mart" in done.err


@pytest.fixture(scope="module")
def bare(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A database in which nothing has been set up."""
    with databases.warehouse(tmp_path_factory.mktemp("bare")) as warehouse:
        yield warehouse


# the embedded server


def test_embedded_server_up_and_down() -> None:
    home = Path("/tmp") / f"tandem-own-{os.getpid()}"  # noqa: S108  (a socket's path must be short)
    env = {"TANDEM_HOME": str(home)}
    try:
        first, second = tandem("up", env=env), tandem("up", env=env)
        assert (first.code, second.code) == (0, 0), first.err + second.err
        assert "is up" in first.err and "was up already" in second.err
        state: dict[str, Any] = json.loads(tandem("status", "--json", env=env).out)
        assert state["running"] is True and state["bytes"] > 1_000_000
        assert "is running" in tandem("status", env=env).out
        url = tandem("url", env=env).out.strip()
        with psycopg.connect(url) as session:
            session.execute("create table kept (x int)")
        down = tandem("down", env=env)
        assert (down.code, down.err) == (0, "The embedded Postgres is down.\n")
        assert "was not running" in tandem("down", env=env).err
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        # any command starts it, and what was there is there
        done = tandem("loads", env=env)
        assert done.code == 1 and "tandem init" in done.err
        with psycopg.connect(url) as session:
            assert session.execute("select count(*) from kept").fetchone() == (0,)
    finally:
        EmbeddedServer(home).down()
        shutil.rmtree(home, ignore_errors=True)


# a whole cycle


def test_run_is_a_whole_cycle_and_twice_is_once(
    make_warehouse: Callable[[], Warehouse], june_closed: Warehouse, town: Path, tmp_path: Path
) -> None:
    warehouse = make_warehouse()
    env = environment(warehouse)
    arguments = [
        "run",
        town / "2025-06",
        "--through",
        THROUGH,
        "--out",
        tmp_path / "bills",
        "--format",
        "html,json",
    ]
    done = tandem(*arguments, env=env)
    assert done.code == 0, done.err
    assert done.out == ""
    assert_same(issued(warehouse, lineage=False), issued(june_closed, lineage=False))
    files = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "bills").iterdir()}
    assert len(files) == 2 * len(warehouse.mart("billing.bills"))
    before = issued(warehouse)
    again = tandem(*arguments, "--json", env=env)
    assert again.code == 0, again.err
    result = json.loads(again.out)
    # of the accounts the older file is taken again, and then the newer one that replaces it
    assert all(load["skipped"] for load in result["loads"] if "accounts" not in load["file"])
    assert result["close"]["close_id"] is None
    assert_same(issued(warehouse), before)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "bills").iterdir()}
    assert after == files
    checked = tandem("check", "--json", env=env)
    assert checked.code == 0, checked.out[-2000:]
    results = json.loads(checked.out)
    assert results and all(result["passed"] for result in results)
    # a check that fails says so with its exit code
    warehouse.execute("update issued.bill_lines set amount = amount + 1 where line_number = 1")
    failed = tandem("check", env=env)
    assert failed.code == 1
    assert "FAIL" in failed.out
    assert max(len(line) for line in failed.out.splitlines()) <= 100


def test_run_refuses_a_folder_with_a_file_that_says_nothing(
    clean: Warehouse, tmp_path: Path
) -> None:
    env = environment(clean)
    write(tmp_path / "accounts.csv", [ACCOUNT])
    for name in ("calls.csv", "cdrs.csv", "subscribers.wireless.june.csv", "cdrs.wireless.doc"):
        (tmp_path / name).write_text(csv_text([CDR]))
        done = tandem("run", tmp_path, "--through", "2025-07-01", env=env)
        assert done.code == 1
        assert_one_sentence(done.err)
        assert name in done.err
        (tmp_path / name).unlink()
    assert clean.rows("select 1 from raw.loads") == []
