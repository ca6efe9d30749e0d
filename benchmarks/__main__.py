"""``make bench``: load, build, close and render a month, and the nightly case.

    python -m benchmarks [ACCOUNTSxCDRS] [--only floor,month,nights] [--home DIR]

Prints a table and writes benchmarks/results.json under the home.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.floor import measure
from tandem import building, closing, initialising, rendering
from tandem.database import connect, exclusive
from tandem.feeds import FEEDS
from tandem.generate import Town, generate
from tandem.loading import load_file
from tandem.running import feed_files
from tandem.server import EmbeddedServer
from tandem.settings import Settings

MONTH = date(2026, 6, 1)
AFTER = date(2026, 7, 1)
RENDERED = 200  # bills, to tell the speed of rendering


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("size", nargs="?", default="60000x3000000", metavar="ACCOUNTSxCDRS")
    parser.add_argument("--only", default="floor,month,nights")
    parser.add_argument("--home", type=Path, default=Path(".tandem/bench"))
    parser.add_argument("--keep", action="store_true", help="leave the databases there")
    options = parser.parse_args()
    accounts, cdrs = (int(part) for part in options.size.lower().split("x"))
    bench = Bench(options.home.absolute(), accounts, cdrs)
    wanted = options.only.split(",")
    results: dict[str, Any] = {"accounts": accounts, "cdrs": cdrs, "cores": os.cpu_count()}
    if "floor" in wanted:
        results["floor"] = asdict(bench.floor())
        show("floor", results["floor"])
    if "month" in wanted:
        results["month"] = bench.month()
    if "nights" in wanted:
        results["nights"] = bench.nights()
    if "floor" in results and "month" in results:
        floor = results["floor"]["copy_seconds"] + results["floor"]["window_seconds"]
        results["ratio"] = round(results["month"]["pipeline_seconds"] / floor, 2)
        show("pipeline / floor", results["ratio"])
    bench.home.joinpath("results.json").write_text(json.dumps(results, indent=2, default=str))
    if not options.keep:
        bench.drop()


def show(name: str, value: Any) -> None:
    sys.stdout.write(f"{name}: {json.dumps(value, default=str)}\n")
    sys.stdout.flush()


class Bench:
    """Databases of their own on an embedded server of its own."""

    def __init__(self, home: Path, accounts: int, cdrs: int) -> None:
        self.home = home
        self.accounts = accounts
        self.cdrs = cdrs
        home.mkdir(parents=True, exist_ok=True)
        self.server = EmbeddedServer(home)
        self.server.up()

    def town(self, split: str) -> Path:
        """The month's feeds, generated once per size."""
        out = self.home / f"town-{self.accounts}-{self.cdrs}-{split}"
        if not out.exists():
            begun = time.monotonic()
            generate(
                Town(
                    accounts=self.accounts,
                    months=1,
                    seed=1,
                    first_month=MONTH,
                    calls_per_account_per_day=self.cdrs / self.accounts / 30,
                    bill_cycle_days=(1,),
                    trouble=False,
                    split=split,  # type: ignore[arg-type]
                ),
                out,
            )
            show(f"generated {split}", round(time.monotonic() - begun, 1))
        folders = sorted(path for path in out.iterdir() if path.is_dir())
        return folders[0]

    def database(self, name: str) -> Settings:
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as session:
            session.execute(f"drop database if exists {name} with (force)")
            session.execute(f"create database {name}")
        return Settings(Path.cwd(), self.home, self.server.url(name))

    def drop(self) -> None:
        self.server.down()
        shutil.rmtree(self.server.root)

    def floor(self) -> Any:
        folder = self.town("month")
        files = feed_files(folder)
        settings = self.database("bench_floor")
        assert settings.database_url
        return measure(
            settings.database_url,
            [(f.carrier_id or "", f.path) for f in files if f.feed.name == "cdrs"],
            [(f.carrier_id or "", f.path) for f in files if f.feed.name == "subscribers"],
        )

    def month(self) -> dict[str, Any]:
        """Load + build + close of a whole month, from an empty database."""
        settings = self.database("bench_month")
        phases: dict[str, float] = {}
        with exclusive(settings, "bench") as connection:
            initialising.initialise(settings, connection)
        files = feed_files(self.town("month"))
        reference = [file for file in files if file.feed.name != "cdrs"]
        calls = [file for file in files if file.feed.name == "cdrs"]
        result: dict[str, Any] = {"phases": phases}
        with watched_memory(self.server) as peak:  # noqa: SIM117
            with exclusive(settings, "bench") as connection:
                phases["load_reference"] = timed_load(connection, reference)
                phases["load_cdrs"] = timed_load(connection, calls)
                build, startup, slowest = timed_build(settings, connection)
                phases["build"] = build
                result["dbt_startup_build"] = startup
                result["slowest_build"] = slowest
                begun = time.monotonic()
                closed = closing.prepare(settings, connection, AFTER)
                prepared = time.monotonic()
                nodes, startup, slowest = dbt_seconds(closed)
                result["dbt_startup_close"] = round(prepared - begun - nodes, 1)
                result["slowest_close"] = slowest
                issued = closing.issue(connection, AFTER)
                phases["close_prepare"] = nodes
                phases["close_issue"] = round(time.monotonic() - prepared, 1)
        show("phases", phases)
        result["memory"] = dict(peak)
        result["records"] = issued.records
        result["bills"] = issued.bills
        result["pipeline_seconds"] = round(sum(phases.values()), 1)
        result["cdrs_per_second"] = round(issued.records / result["pipeline_seconds"])
        begun = time.monotonic()
        with connect(settings, "bench") as connection:
            accounts = [
                r[0]
                for r in connection.execute(
                    "select account_id from issued.bills order by account_id limit %s", (RENDERED,)
                )
            ]
            for formats in (("html",), ("pdf",), ("json",)):
                begun = time.monotonic()
                out = self.home / "rendered"
                shutil.rmtree(out, ignore_errors=True)
                files_written = rendering.render(
                    connection,
                    out,
                    formats,
                    accounts=accounts,  # type: ignore[arg-type]
                )
                result[f"render_{formats[0]}_per_second"] = round(
                    len(files_written) / (time.monotonic() - begun), 1
                )
        show("month", result)
        return result

    def nights(self) -> dict[str, Any]:
        """Day 30's file on top of 29 days, against day 1's."""
        settings = self.database("bench_nights")
        with exclusive(settings, "bench") as connection:
            initialising.initialise(settings, connection)
            files = feed_files(self.town("day"))
            reference = [file for file in files if file.feed.name != "cdrs"]
            days: dict[str, list[Any]] = {}
            for file in files:
                if file.feed.name == "cdrs":
                    days.setdefault(file.path.name.split(".")[2], []).append(file)
            timed_load(connection, reference)
            timed_build(settings, connection)
            ordered = sorted(days)[:30]
            result: dict[str, Any] = {}
            for label, chosen in (
                ("day_1", ordered[:1]),
                ("days_2_to_28", ordered[1:28]),
                ("day_29", ordered[28:29]),
                ("day_30", ordered[29:30]),
            ):
                load = timed_load(connection, [file for day in chosen for file in days[day]])
                build, startup, slowest = timed_build(settings, connection)
                row = connection.execute(
                    "select sum(accepted) from raw.loads where feed = 'cdrs'"
                ).fetchone()
                result[label] = {
                    "load": load,
                    "build": build,
                    "startup": startup,
                    "slowest": slowest,
                    "records_so_far": row[0] if row else 0,
                }
                show(label, result[label])
        for key in ("day_1", "day_30"):
            result[f"{key}_seconds"] = round(result[key]["load"] + result[key]["build"], 1)
        result["ratio"] = round(result["day_30_seconds"] / result["day_1_seconds"], 2)
        show("nights", {k: v for k, v in result.items() if not isinstance(v, dict)})
        return result


def timed_load(connection: Any, files: list[Any]) -> float:
    begun = time.monotonic()
    for file in files:
        load_file(
            connection,
            FEEDS[file.feed.name],
            file.path,
            carrier_id=file.carrier_id,
            as_of=file.as_of,
        )
    return round(time.monotonic() - begun, 1)


def timed_build(settings: Settings, connection: Any) -> tuple[float, float, Any]:
    begun = time.monotonic()
    run = building.build(settings, connection)
    wall = time.monotonic() - begun
    nodes, _, slowest = dbt_seconds(run)
    return nodes, round(wall - nodes, 1), slowest


def dbt_seconds(run: Any) -> tuple[float, float, Any]:
    """Seconds from the first node's start to the last node's end, and the slowest nodes."""
    slowest = sorted(run.seconds_by_node.items(), key=lambda item: -item[1])[:12]
    return round(run.node_seconds, 1), 0.0, {name: round(value, 1) for name, value in slowest}


@contextmanager
def watched_memory(server: EmbeddedServer) -> Iterator[dict[str, float]]:
    """Peak resident memory, in MB: of this process, and of the server's, without shared pages."""
    peak = {"python_mb": 0.0, "postgres_mb": 0.0}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.5):
            peak["postgres_mb"] = max(peak["postgres_mb"], private_memory(server))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()
        peak["python_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def private_memory(server: EmbeddedServer) -> float:
    status = server.status().pid
    total = 0.0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = dict(
                line.split(":", 1)
                for line in (folder / "status").read_text().splitlines()
                if ":" in line
            )
            if int(fields["PPid"]) == status or int(folder.name) == status:
                total += int(fields["RssAnon"].split()[0]) / 1024
        except (OSError, KeyError, ValueError):
            continue
    return round(total, 1)


if __name__ == "__main__":
    main()
