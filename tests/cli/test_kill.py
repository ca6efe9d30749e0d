"""Interrupted is not broken: kill a command at any moment, run it again, and all is well."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tandem.database import LOCK_KEY
from tests.cli.running import environment, start, tandem
from tests.cli.samples import CDR, csv_text, rows_in_raw, stored
from tests.cli.town import THROUGH, assert_same, closed_marts, issued, marts, rendered
from tests.support.warehouse import Databases, Warehouse

pytestmark = pytest.mark.xdist_group("town")


@contextmanager
def in_the_way(warehouse: Warehouse, table: str) -> Iterator[None]:
    """Keep everybody from writing a table, so that a command stops right before it does."""
    with psycopg.connect(warehouse.url, application_name="in the way") as session:
        session.execute(f"lock table {table} in share mode".encode())
        yield
        session.rollback()


def wait_for(warehouse: Warehouse, condition: str, process: subprocess.Popen[str]) -> None:
    """Wait until a session of the command is seen in some state."""
    query = f"""
        select 1 from pg_stat_activity
        where datname = current_database() and application_name like 'tandem%' and {condition}
    """
    deadline = time.monotonic() + 60
    with psycopg.connect(warehouse.url, autocommit=True, application_name="watch") as session:
        while session.execute(query.encode()).fetchone() is None:
            assert process.poll() is None, process.communicate()[0]
            if time.monotonic() > deadline:
                kill(process)
                pytest.fail(f"never: {condition}")
            time.sleep(0.02)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command and whatever it has started."""
    assert process.poll() is None, process.communicate()[0]
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


WRITES_MANIFEST = "wait_event_type = 'Lock' and query like 'insert into raw.loads%'"
WRITES_ISSUED = "wait_event_type = 'Lock' and query ~ '^\\s*insert into issued'"


@pytest.mark.parametrize(
    ("table", "moment"),
    [
        ("raw.loads", WRITES_MANIFEST),  # all but the last row is written
        ("raw.cdrs", "wait_event_type = 'Lock' and query ~ '^insert into raw.\"?cdrs'"),
    ],
)
def test_load_killed(clean: Warehouse, tmp_path: Path, table: str, moment: str) -> None:
    rows = [CDR | {"cdr_id": f"c{i}", "quantity": "-1" if i == 5 else "1"} for i in range(3_000)]
    path = tmp_path / "c.csv"
    path.write_text(csv_text(rows))
    before = rows_in_raw(clean)
    with in_the_way(clean, table):
        process = start(clean, "load", "cdrs", path, "--carrier", "wireless")
        wait_for(clean, moment, process)
        kill(process)
    again = tandem("load", "cdrs", path, "--carrier", "wireless", env=environment(clean))
    assert again.code == 0, again.err
    assert "load 1, 3,000 rows: 2,999 accepted, 0 duplicate, 1 rejected" in again.err
    counts = rows_in_raw(clean)
    assert counts == before | {"loads": 1, "cdrs": 2_999, "rejects": 1}
    assert [row["cdr_id"] for row in stored(clean, "cdrs")] == [
        f"c{i}" for i in range(3_000) if i != 5
    ]


def test_build_killed(
    june: Warehouse, june_closed: Warehouse, copy_of: Callable[[Warehouse], Warehouse]
) -> None:
    warehouse, twin = copy_of(june), copy_of(june)
    twin.build()
    for seconds in (0.0, 1.5, 3.5):
        process = start(warehouse, "build")
        wait_for(warehouse, "application_name = 'tandem dbt' and state = 'active'", process)
        time.sleep(seconds)
        kill(process)
    warehouse.build()
    assert_same(marts(warehouse), marts(twin))
    assert warehouse.rows("select * from control.run_requests") == []


def test_close_killed(
    june: Warehouse, june_closed: Warehouse, copy_of: Callable[[Warehouse], Warehouse]
) -> None:
    warehouse = copy_of(june)
    nothing = issued(warehouse)
    # while it works out what to issue
    process = start(warehouse, "close", "--through", THROUGH)
    wait_for(warehouse, "application_name = 'tandem dbt' and state = 'active'", process)
    time.sleep(3)
    kill(process)
    assert_same(issued(warehouse), nothing)
    # while it issues, with some tables written and the others not
    with in_the_way(warehouse, "issued.journal"):
        process = start(warehouse, "close", "--through", THROUGH)
        wait_for(warehouse, WRITES_ISSUED, process)
        kill(process)
    done = tandem("close", "--through", THROUGH, env=environment(warehouse))
    assert done.code == 0, done.err
    assert done.err.splitlines()[-1].startswith("Close 1: ")
    assert_same(issued(warehouse, lineage=False), issued(june_closed, lineage=False))
    assert len(warehouse.rows("select * from issued.closes")) == 1
    assert warehouse.rows("select * from control.run_requests") == []


def test_render_killed(june_closed: Warehouse, tmp_path: Path) -> None:
    wanted = rendered(june_closed, tmp_path / "wanted")
    out = tmp_path / "bills"
    for enough in (1, len(wanted) // 2):
        process = start(june_closed, "bills", "render", "--out", out, "--workers", 2)
        while not out.exists() or len(list(out.iterdir())) < enough:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.005)
        kill(process)
        # whatever is there under a bill's name is whole
        for path in out.iterdir():
            if path.name in wanted:
                assert path.read_bytes() == wanted[path.name]
        if len(list(out.iterdir())) < len(wanted):
            (out / ".unfinished~999999999~x").write_bytes(b"half of a bill")
    done = tandem("bills", "render", "--out", out, env=environment(june_closed))
    assert done.code == 0, done.err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == wanted


def test_lock_is_free_after_a_kill(clean: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(csv_text([CDR]))
    with in_the_way(clean, "raw.loads"):
        process = start(clean, "load", "cdrs", path, "--carrier", "wireless")
        wait_for(clean, WRITES_MANIFEST, process)
        held = f"select 1 from pg_locks where locktype = 'advisory' and objid = {LOCK_KEY % 2**32}"
        assert clean.rows(held)
        kill(process)
        # soon after, although the statement of the killed command still waits
        deadline = time.monotonic() + 20
        while clean.rows(held):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_server_killed_right_after_a_close(databases: Databases, june_closed: Warehouse) -> None:
    kept, shown = issued(june_closed), closed_marts(june_closed)
    server = databases.server
    # as if the machine had failed while somebody was at work
    session = psycopg.connect(june_closed.url)
    session.execute("delete from issued.journal")
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(psycopg.OperationalError):
        while True:
            session.execute("select 1")
    session.close()
    assert server.up()
    assert_same(issued(june_closed), kept)
    assert_same(closed_marts(june_closed), shown)
