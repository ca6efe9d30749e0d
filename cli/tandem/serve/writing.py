"""What takes the lock of the warehouse, one after the other.

The server writes nothing but what a file of one row would bring, and writes it as ``tandem load``
does: the login of its URL becomes the role that owns what is loaded (:func:`as_loader`); what it
only judges it judges with the same rights (:func:`to_judge`). No other part of the server works
with that login.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from tandem.database import Connection, connect, exclusive, work_as_owner
from tandem.errors import Busy
from tandem.feeds import Feed
from tandem.loading import single
from tandem.queries import Row
from tandem.serve import errors
from tandem.serve.reading import STATEMENT_SECONDS
from tandem.settings import Settings

LOCK_SECONDS = 5.0
_T = TypeVar("_T")


@contextmanager
def as_loader(settings: Settings) -> Iterator[Connection]:
    """A session of whoever loads, which holds the lock while the block runs.

    Raises:
        Busy: another command is at work.
    """
    with exclusive(settings, "serve", wait_seconds=LOCK_SECONDS) as connection:
        yield connection


@contextmanager
def to_judge(settings: Settings) -> Iterator[Connection]:
    """A session with the rights of whoever loads that only reads, without the lock.

    Raises:
        Unreachable: the database is away.
    """
    with connect(settings, "serve", autocommit=True) as connection:
        work_as_owner(connection)
        connection.execute("set default_transaction_read_only = on")
        connection.execute(f"set statement_timeout = '{STATEMENT_SECONDS}s'")
        yield connection


@dataclass(frozen=True)
class Sent:
    """A kind of rows that come one by one.

    Attributes:
        feed: what they are.
        noun: what one is called.
        key: column of its id.
        file_name: what the manifest says instead of one.
    """

    feed: Feed
    noun: str
    key: str
    file_name: str


def load_row(connection: Connection, sent: Sent, row: Row, *, carrier_id: str, by: str) -> bool:
    """Load a row as a file would be; False where it changes nothing.

    Args:
        connection: a session of :func:`as_loader`.
        sent: what it is.
        row: texts by column.
        carrier_id: whose row it is.
        by: who sends it, for the manifest.

    Raises:
        ApiError: 409, other content came under its id before; 422, a file would reject it.
    """
    try:
        load_id = single.load_row(
            connection,
            sent.feed,
            row,
            file_name=sent.file_name,
            carrier_id=carrier_id,
            loaded_by=by,
        )
    except single.RejectedError as error:
        if error.code == single.OTHER_CONTENT:
            raise errors.conflict(
                "otherContent",
                f"Another {sent.noun}",
                f"Another {sent.noun} came as {row[sent.key]} before, with other content.",
            ) from error
        raise errors.invalid(error.code, f"Invalid {sent.noun}", f"{error.reason}.") from error
    return load_id is not None


async def write(request: Request, work: Callable[[], _T]) -> _T:
    """Do what takes the lock; one at a time, so that those who wait hold no session.

    Raises:
        Busy: others were before us for too long.
    """
    turn: asyncio.Lock = request.app.state.turn
    try:
        async with asyncio.timeout(LOCK_SECONDS):
            await turn.acquire()
    except TimeoutError as error:
        raise Busy("Others are waiting to write.") from error
    try:
        # goes on to its end also if the caller goes away, and the next one waits for that
        task = asyncio.ensure_future(run_in_threadpool(work))
        task.add_done_callback(lambda _: turn.release())
    except BaseException:
        turn.release()
        raise
    return await asyncio.shield(task)
