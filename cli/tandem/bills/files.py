"""Bills as files: many at once, on all cores, and never half of one.

A file is written beside its final place and renamed into it, so a kill at any moment leaves either
the old file, the new one or none. The hidden file that it may leave, the next run removes.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

from tandem.bills.canonical import render_json
from tandem.bills.html import render_html
from tandem.bills.model import BillError
from tandem.bills.pdf import render_pdf
from tandem.processes import is_running

Format = Literal["html", "pdf", "json"]
Document = Mapping[str, Any]

RENDERERS: dict[Format, Callable[[Document], str | bytes]] = {
    "html": render_html,
    "pdf": render_pdf,
    "json": render_json,
}
BATCH = 8  # bills that go to a worker together: enough to hide the way there, few enough to pace
AHEAD = 3  # batches that wait per worker, which bounds the memory however many bills there are
LONGEST_NAME = 180  # of the 255 bytes that file systems allow
UNFINISHED = ".unfinished~"
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def render_files(
    documents: Iterable[Document],
    out: Path,
    formats: Collection[Format],
    workers: int | None,
    on_done: Callable[[int], None],
) -> list[Path]:
    """Render every document into the folder `out`, which is made if need be.

    `documents` is read as the workers get on, a few dozen ahead at most. `workers` are processes,
    by default one per core; a few bills are rendered right here. `on_done` is told, in this
    process, how many bills were finished since it was last told. A file that is there already with
    the same content is not touched.

    Returns the paths in the order of the documents, and of html, pdf, json for each. Raises
    `BillError` at the first document that can't be rendered (bills finished by then stay) and
    `ValueError` for an unknown format.
    """
    chosen = tuple(name for name in RENDERERS if name in formats)
    if set(formats) - set(chosen):
        raise ValueError(f"unknown format: {', '.join(sorted(set(formats) - set(chosen)))}")
    out.mkdir(parents=True, exist_ok=True)
    sweep(out)
    return list(_render(iter(documents), out, chosen, workers, on_done))


def file_name(bill_id: str, extension: str) -> str:
    """A file name for any id: unlike ids get unlike names, and none leads out of its folder.

    All but letters, digits, `_`, `-` and inner dots becomes `%` and two hex digits a byte; a name
    that would be too long is cut and ends in a hash of the id.
    """
    data = bill_id.encode("utf-8", "surrogatepass")
    name = "".join(
        chr(byte) if byte in _SAFE or (byte == ord(".") and at) else f"%{byte:02X}"
        for at, byte in enumerate(data)
    )
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME - 65]}~{hashlib.sha256(data).hexdigest()}"
    return f"{name or '%'}.{extension}"


def write_atomically(path: Path, content: bytes) -> bool:
    """Put `content` at `path`, as a whole or not at all; False if it is there already."""
    if _holds(path, content):
        return False
    key = hashlib.sha256(path.name.encode()).hexdigest()[:32]
    temporary = path.with_name(f"{UNFINISHED}{os.getpid()}~{key}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except FileNotFoundError:
        return False


def _render(
    documents: Iterator[Document],
    out: Path,
    formats: tuple[Format, ...],
    workers: int | None,
    on_done: Callable[[int], None],
) -> Iterator[Path]:
    workers = workers or _cores()
    first = list(islice(documents, BATCH))
    if workers == 1 or len(first) < BATCH:
        for document in chain(first, documents):
            yield from _render_batch([document], out, formats)
            on_done(1)
        return
    # Fresh processes: a fork would take along threads and database connections of the caller.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    waiting: deque[tuple[int, Future[list[Path]]]] = deque()
    try:
        for batch in _batches(chain(first, documents)):
            waiting.append((len(batch), pool.submit(_render_batch, batch, out, formats)))
            if len(waiting) > AHEAD * workers:
                yield from _finish(waiting, on_done)
        while waiting:
            yield from _finish(waiting, on_done)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """One thread per worker: the compiler's own threads would fight over the same cores."""
    os.environ["RAYON_NUM_THREADS"] = "1"


def _batches(documents: Iterator[Document]) -> Iterator[list[Document]]:
    while batch := list(islice(documents, BATCH)):
        yield batch


def _finish(
    waiting: deque[tuple[int, Future[list[Path]]]], on_done: Callable[[int], None]
) -> list[Path]:
    count, future = waiting.popleft()
    paths = future.result()
    on_done(count)
    return paths


def _render_batch(documents: list[Document], out: Path, formats: tuple[Format, ...]) -> list[Path]:
    paths = []
    for document in documents:
        bill_id = document.get("bill_id")
        if not isinstance(bill_id, str) or not bill_id:
            raise BillError("without an id", "the document lacks a bill_id")
        for extension in formats:
            content = RENDERERS[extension](document)
            path = out / file_name(bill_id, extension)
            write_atomically(path, content.encode() if isinstance(content, str) else content)
            paths.append(path)
    return paths


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def sweep(out: Path) -> None:
    """Remove what killed runs left behind, but nothing of a process that still runs."""
    with os.scandir(out) as entries:
        for entry in entries:
            if entry.name.startswith(UNFINISHED):
                owner = entry.name.removeprefix(UNFINISHED).partition("~")[0]
                if not (owner.isdigit() and is_running(int(owner))):
                    Path(entry.path).unlink(missing_ok=True)
