"""Running the server."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from tandem.errors import Refused

MAX_CONNECTIONS = 512
GRACE_SECONDS = 20  # for what is under way when it is stopped


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; with port 0 at any that is free.

    Raises:
        Refused: there is no such address here, or somebody listens there already.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise Refused(f"{host} is no address to listen at.") from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(MAX_CONNECTIONS)
    except OSError as error:
        made.close()
        raise Refused(f"Cannot listen at {host}, port {port} ({error.strerror}).") from error
    return made


def run(app: FastAPI, listening: socket.socket, on_start: Callable[[], None]) -> None:
    """Serve until the process is told to stop.

    Args:
        app: the application.
        listening: where.
        on_start: told once it answers.
    """

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                on_start()

    configuration = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    Server(configuration).run([listening])
