"""A load reads a file of any size in bounded memory."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.samples import CDR
from tests.support.warehouse import PROJECT, Warehouse

pytestmark = pytest.mark.xdist_group("loading")

ROWS = 600_000
LIMIT = 200_000_000  # bytes

# Runs the command and tells its peak on stderr, in kB: of this program alone, while the figure of
# getrusage begins with that of the process that started it.
MEASURED = """
import pathlib, sys
from tandem.app import app
try:
    app(sys.argv[1:])
finally:
    status = pathlib.Path("/proc/self/status").read_text()
    print("peak", status.partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""


def big_file(path: Path) -> Path:
    """Many calls, and here and there a row that is rejected."""
    with gzip.open(path, "wt", compresslevel=1, newline="") as handle:
        handle.write(",".join(CDR) + "\n")
        for block in range(ROWS // 1000):
            handle.write(
                "".join(
                    f"big-{block}-{i},+1404555{i:04},+1404556{block:04},originated,"
                    f"{'fax' if i == 7 else 'voice'},,2025-05-01T12:00:00Z,{i},,,\n"
                    for i in range(1000)
                )
            )
    return path


def test_big_file_in_bounded_memory(clean: Warehouse, tmp_path: Path) -> None:
    path = big_file(tmp_path / "big.csv.gz")
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "load", "cdrs", str(path), "--carrier", "wireless"],
        cwd=PROJECT,
        env=os.environ | {"TANDEM_DATABASE_URL": clean.url, "TANDEM_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "600,000 rows: 599,400 accepted, 0 duplicate, 600 rejected" in done.stderr
    peak = int(done.stderr.rsplit("peak ", 1)[1]) * 1024
    assert peak < LIMIT, f"{peak / 1e6:.0f} MB"
