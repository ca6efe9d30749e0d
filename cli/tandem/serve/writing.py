"""What takes the lock of the warehouse, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from tandem.errors import Busy

LOCK_SECONDS = 5.0
_T = TypeVar("_T")


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
