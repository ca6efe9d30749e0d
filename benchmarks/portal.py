"""``make bench-portal``: how quickly the web services answer, with a cycle of 3 million calls open.

    python -m benchmarks.portal [ACCOUNTSxCDRS] [--rates 100,200,400] [--seconds 30] [--home DIR]

Loads and builds a month that stays open, runs `tandem serve` on it, and lets Locust ask for the
summary of another account with each request, at a fixed rate from 50 clients. Server, database and
clients share the machine's cores.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.__main__ import Bench, show, timed_build, timed_load
from tandem import initialising, tokens
from tandem.database import connect, exclusive
from tandem.running import feed_files
from tandem.settings import Settings
from tandem.tokens import Role

CLIENTS = 50
SUBSCRIBERS = 5000  # whose tokens the clients have
DATABASE = "bench_portal"
GOAL = {"rate": 100, "p50_ms": 20, "p99_ms": 50}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-portal")
    parser.add_argument("size", nargs="?", default="60000x3000000", metavar="ACCOUNTSxCDRS")
    parser.add_argument("--rates", default="100,200,300,400,600", help="requests a second")
    parser.add_argument("--seconds", type=int, default=30, help="at each rate")
    parser.add_argument("--home", type=Path, default=Path(".tandem/bench"))
    parser.add_argument("--again", action="store_true", help="use the database of the last run")
    parser.add_argument("--keep", action="store_true", help="leave the database there")
    options = parser.parse_args()
    accounts, cdrs = (int(part) for part in options.size.lower().split("x"))
    bench = Bench(options.home.absolute(), accounts, cdrs)
    settings = open_month(bench, again=options.again)
    secret = "benchmark " * 4
    people = bench.home / "tokens.json"
    people.write_text(json.dumps(subscribers(settings, secret)))
    results: list[dict[str, Any]] = []
    with serving(settings, secret) as url:
        attack(url, people, 50, 5, bench.home)  # sessions are opened, statements prepared
        for rate in (int(part) for part in options.rates.split(",")):
            results.append(attack(url, people, rate, options.seconds, bench.home))
            show(f"{rate} requests a second", results[-1])
            if results[-1]["answered_per_second"] < 0.9 * rate:
                show("saturated below", rate)
                break
    show("goal", GOAL)
    bench.home.joinpath("portal.json").write_text(json.dumps(results, indent=2))
    if not options.keep:
        bench.drop()


def open_month(bench: Bench, *, again: bool) -> Settings:
    """A month loaded and built, and not closed."""
    if again:
        return Settings(Path.cwd(), bench.home, bench.server.url(DATABASE))
    settings = bench.database(DATABASE)
    files = feed_files(bench.town("month"))
    with exclusive(settings, "bench") as connection:
        initialising.initialise(settings, connection)
        show("load", timed_load(connection, files))
        show("build", timed_build(settings, connection)[0])
    return settings


def subscribers(settings: Settings, secret: str) -> list[tuple[str, str]]:
    """Accounts at random, each with the token of its subscriber."""
    with connect(settings, "bench") as connection:
        rows = connection.execute("select account_id from integrity.accounts order by 1").fetchall()
    ids = [row[0] for row in rows]
    chosen = random.Random(1).sample(ids, min(SUBSCRIBERS, len(ids)))  # noqa: S311
    day = timedelta(days=1)
    return [(one, tokens.issue_token(secret, Role.SUBSCRIBER, one, day)) for one in chosen]


@contextmanager
def serving(settings: Settings, secret: str) -> Iterator[str]:
    """Run `tandem serve` on the database; yields where it answers."""
    assert settings.database_url
    process = subprocess.Popen(
        [
            Path(sys.executable).with_name("tandem"),
            "serve",
            "--port",
            "0",
            "--per-minute",
            "1000000",
        ],
        env=os.environ
        | {
            "TANDEM_DATABASE_URL": settings.database_url,
            "TANDEM_HOME": str(settings.home),
            "TANDEM_SECRET": secret,
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        found = None
        while found is None and (line := process.stderr.readline()):
            found = re.search(r"http://[0-9.]+:[0-9]+", line)
        if found is None:
            raise SystemExit("tandem serve does not start")
        yield found.group()
    finally:
        process.terminate()
        process.wait(30)


def attack(url: str, people: Path, rate: int, seconds: int, folder: Path) -> dict[str, Any]:
    """Let the clients ask at a rate for a while.

    Returns:
        Requests and failures, requests answered a second, and milliseconds of the median, the 95th
        and the 99th percentile.
    """
    prefix = folder / "locust"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("locustfile.py"))),
            *("--headless", "--host", url, "--users", str(CLIENTS), "--spawn-rate", "10"),
            "--reset-stats",  # what is measured begins when all clients are there
            *("--run-time", f"{seconds}s", "--csv", str(prefix), "--only-summary"),
            *("--loglevel", "ERROR", "--exit-code-on-error", "0"),
        ],
        env=os.environ
        | {"BENCH_TOKENS": str(people), "BENCH_RATE": str(rate), "BENCH_USERS": str(CLIENTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    with prefix.with_name("locust_stats.csv").open(newline="") as handle:
        (row,) = [one for one in csv.DictReader(handle) if one["Name"] == "Aggregated"]
    return {
        "rate": rate,
        "requests": int(row["Request Count"]),
        "failures": int(row["Failure Count"]),
        "answered_per_second": round(float(row["Requests/s"]), 1),
        "p50_ms": float(row["50%"]),
        "p95_ms": float(row["95%"]),
        "p99_ms": float(row["99%"]),
    }


if __name__ == "__main__":
    main()
