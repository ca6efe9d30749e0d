"""Bills as files: whole or not at all, and only what changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tandem.bills import BillError, file_name, render_files, render_html, render_json
from tandem.bills.files import UNFINISHED, write_atomically

from . import factory


def bills(count: int, calls: int = 2) -> Iterator[dict[str, Any]]:
    one = factory.document(calls)
    for index in range(count):
        yield one | {"bill_id": f"A{index:04d}-20260701", "account_id": f"A{index:04d}"}


def done() -> tuple[list[int], Any]:
    counts: list[int] = []
    return counts, counts.append


def test_one_file_per_bill_and_format(tmp_path: Path) -> None:
    counts, on_done = done()
    paths = render_files(bills(3), tmp_path / "new" / "out", ["json", "html", "pdf"], 1, on_done)
    assert [path.name for path in paths[:3]] == [
        "A0000-20260701.html",
        "A0000-20260701.pdf",
        "A0000-20260701.json",
    ]
    assert sum(counts) == 3
    assert sorted(paths) == sorted((tmp_path / "new" / "out").iterdir())
    (first,) = bills(1)
    assert paths[0].read_text(encoding="utf-8") == render_html(first)
    assert paths[2].read_text(encoding="utf-8") == render_json(first)


def test_many_at_once_give_the_same_files_in_the_same_order(tmp_path: Path) -> None:
    counts, on_done = done()
    paths = render_files(bills(30), tmp_path / "two", ["html", "json"], 2, on_done)
    assert sum(counts) == 30
    assert len(counts) > 1
    alone = render_files(bills(30), tmp_path / "one", ["html", "json"], 1, on_done)
    assert [path.name for path in paths] == [path.name for path in alone]
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in alone]


def test_documents_are_read_as_workers_get_on(tmp_path: Path) -> None:
    taken = 0

    def counted() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for document in bills(200):
            taken += 1
            yield document

    ahead: list[int] = []
    finished = 0

    def on_done(count: int) -> None:
        nonlocal finished
        finished += count
        ahead.append(taken - finished)

    render_files(counted(), tmp_path, ["json"], 2, on_done)
    assert finished == taken == 200
    assert max(ahead) <= 80


def test_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    _, on_done = done()
    paths = render_files(bills(2), tmp_path, ["html", "pdf", "json"], 1, on_done)
    for path in paths:
        os.utime(path, (1, 1))
    paths[0].write_text("damaged")
    render_files(bills(2), tmp_path, ["html", "pdf", "json"], 1, on_done)
    assert [path.stat().st_mtime == 1 for path in paths] == [False] + [True] * 5
    assert paths[0].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    "bill_id",
    ["../../etc/passwd", "/root/x", "a\\b", "..", ".", ".hidden", "a\x00b", "C:con", "ü/é", "%2F"],
)
def test_names_stay_in_the_folder_whatever_the_id(bill_id: str, tmp_path: Path) -> None:
    document = next(bills(1)) | {"bill_id": bill_id}
    (path,) = render_files([document], tmp_path / "out", ["json"], 1, lambda _: None)
    assert path.parent == tmp_path / "out"
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "out", path]
    assert not path.name.startswith(".")


def test_unlike_ids_have_unlike_names() -> None:
    ids = ["a/b", "a%2Fb", "a_b", "a b", ".a", "%2Ea", "", "%", "x" * 300, "x" * 301, "ö" * 200]
    names = [file_name(bill_id, "pdf") for bill_id in ids]
    assert len(set(names)) == len(ids)
    assert max(len(name.encode()) for name in names) < 250
    assert file_name("A000123-20260701", "pdf") == "A000123-20260701.pdf"


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.html"
    assert write_atomically(path, b"old")
    assert not write_atomically(path, b"old")

    def no_space(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_a_bad_bill_stops_the_run_by_name_and_leaves_no_half_file(tmp_path: Path) -> None:
    documents = list(bills(20))
    documents[11]["totals"] = {**documents[11]["totals"], "total_amount": "1.00"}
    for workers in (1, 2):
        with pytest.raises(BillError, match="bill A0011-20260701") as caught:
            render_files(documents, tmp_path, ["json"], workers, lambda _: None)
        assert caught.value.bill_id == "A0011-20260701"
        assert all(path.suffix == ".json" for path in tmp_path.iterdir())
    with pytest.raises(BillError, match="bill_id"):
        render_files([{"account_id": "x"}], tmp_path, ["json"], 1, lambda _: None)
    with pytest.raises(ValueError, match="unknown format: doc"):
        render_files([], tmp_path, ["doc"], 1, lambda _: None)  # type: ignore[list-item]


def test_after_a_kill_the_same_run_reaches_the_same_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.bills.test_files import bills\n"
        "from tandem.bills import render_files\n"
        "render_files(bills(4000), Path(sys.argv[1]), ['html', 'json'], 1, lambda _: None)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, "-c", program, str(out)], env=environment)
    deadline = time.monotonic() + 30
    while not (out.exists() and len(list(out.iterdir())) > 20) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (out / f"{UNFINISHED}{process.pid}~dead").write_bytes(b"<!DOC")
    (out / f"{UNFINISHED}{os.getpid()}~alive").write_bytes(b"<!DOC")
    left = [path for path in out.iterdir() if not path.name.startswith(UNFINISHED)]
    assert 20 < len(left) < 8000
    wanted = {document["bill_id"]: document for document in bills(5)}
    for path in left:
        assert path.read_bytes().rstrip().endswith((b"</html>", b"}"))
        if path.suffix == ".html" and path.stem in wanted:
            assert path.read_text(encoding="utf-8") == render_html(wanted[path.stem])
    render_files(bills(5), out, ["html", "json"], 1, lambda _: None)
    hidden = [path.name for path in out.iterdir() if path.name.startswith(UNFINISHED)]
    assert hidden == [f"{UNFINISHED}{os.getpid()}~alive"]
