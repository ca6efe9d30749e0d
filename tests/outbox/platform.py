"""A carrier's ordering platform: a real HTTP server that does what a test tells it to."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Handler = BaseHTTPRequestHandler


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def key(self) -> str:
        return self.headers["Idempotency-Key"]

    @property
    def account(self) -> str:
        return str(self.body["account"] if "account" in self.body else self._customer())

    def _customer(self) -> str:
        return str(self.body["relatedParty"][0]["id"])


Behaviour = Callable[["Platform", Handler, Call], None]


@dataclass
class Platform:
    """What the server saw, and what it does.

    Attributes:
        behave: answers one call.
        calls: in the order in which they came.
        orders: what it took, by idempotency key; a key that is known is not taken again.
        at_once: how many calls of one account it saw at the same time, at most.
    """

    behave: Behaviour
    url: str = ""
    calls: list[Call] = field(default_factory=list)
    orders: dict[str, Call] = field(default_factory=dict)
    at_once: int = 0
    called: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    mutex: threading.Lock = field(default_factory=threading.Lock)
    present: Counter[str] = field(default_factory=Counter)

    def take(self, call: Call) -> bool:
        """Make the order; False if it is known already."""
        with self.mutex:
            is_new = call.key not in self.orders
            self.orders.setdefault(call.key, call)
            return is_new

    def keys(self) -> list[str]:
        return [call.key for call in self.calls]


def answer(
    handler: Handler,
    status: int,
    content: Any = None,
    headers: dict[str, str] | None = None,
    kind: str = "application/json",
) -> None:
    """Send an answer; content that is no text goes as JSON."""
    text = content if isinstance(content, str) else "" if content is None else json.dumps(content)
    data = text.encode()
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(data)))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


def drop(handler: Handler) -> None:
    """Break the connection off, without a farewell."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


# --- what a platform may do ---------------------------------------------------------------------


def accept(platform: Platform, handler: Handler, call: Call) -> None:
    """As TMF622 says: 201 and the order; 409 with it if the key is known."""
    is_new = platform.take(call)
    answer(handler, 201 if is_new else 409, {"id": f"P-{call.key}", "externalId": call.key})


def then(*steps: Behaviour) -> Behaviour:
    """One behaviour after the other, by the calls of each message; the last one stays."""
    seen: Counter[str] = Counter()

    def behave(platform: Platform, handler: Handler, call: Call) -> None:
        with platform.mutex:
            step = steps[min(seen[call.key], len(steps) - 1)]
            seen[call.key] += 1
        step(platform, handler, call)

    return behave


def status(code: int, content: Any = None, **options: Any) -> Behaviour:
    """Always the same answer; nothing is made."""
    return lambda platform, handler, call: answer(handler, code, content, **options)


def drop_before(platform: Platform, handler: Handler, call: Call) -> None:
    """The connection breaks, and nothing was made."""
    drop(handler)


def drop_after(platform: Platform, handler: Handler, call: Call) -> None:
    """The connection breaks when the order has been made."""
    platform.take(call)
    drop(handler)


def hang(platform: Platform, handler: Handler, call: Call) -> None:
    """Make the order and say nothing until the test says go on."""
    platform.take(call)
    platform.called.set()
    platform.go_on.wait(30)
    answer(handler, 201, {"externalId": call.key})


def babble(platform: Platform, handler: Handler, call: Call) -> None:
    """Something that is no HTTP."""
    handler.wfile.write(b"\x00\xff\x16 who is there?\r\n\r\n")
    handler.close_connection = True


def break_off(platform: Platform, handler: Handler, call: Call) -> None:
    """Take it, and break off within the answer."""
    platform.take(call)
    handler.send_response(201)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "P')
    handler.wfile.flush()
    drop(handler)


def trickle(platform: Platform, handler: Handler, call: Call) -> None:
    """Take it, and answer without end, one byte after the other."""
    platform.take(call)
    handler.send_response(201)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    try:
        while not platform.go_on.wait(0.02):
            handler.wfile.write(b" ")
            handler.wfile.flush()
    except OSError:
        pass
    handler.close_connection = True


def moody(seed: int) -> Behaviour:
    """Anything may happen, and once in a while what should; by the seed."""
    chance = random.Random(seed)
    moods: list[Behaviour] = [
        drop_before,
        drop_after,
        babble,
        break_off,
        status(500, "oh"),
        status(503, None, headers={"Retry-After": "0"}),
        status(429, {"code": "429", "reason": "slowly"}, headers={"Retry-After": "0"}),
        status(200, "<html>Please log in</html>", kind="text/html"),
        status(408),
        accept,
        accept,
    ]

    def behave(platform: Platform, handler: Handler, call: Call) -> None:
        with platform.mutex:
            mood = chance.choice(moods)
        mood(platform, handler, call)

    return behave


# --- the server ---------------------------------------------------------------------------------


@contextmanager
def running(behave: Behaviour = accept) -> Iterator[Platform]:
    """A platform that listens on a port of this machine."""
    platform = Platform(behave)

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            call = Call(self.path, dict(self.headers), body)
            with platform.mutex:
                platform.calls.append(call)
                platform.present[call.account] += 1
                platform.at_once = max(platform.at_once, platform.present[call.account])
            try:
                platform.behave(platform, self, call)
            finally:
                with platform.mutex:
                    platform.present[call.account] -= 1

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """A connection that we have dropped, or that the other side has."""

    with Server(("127.0.0.1", 0), Answering) as server:
        platform.url = f"http://127.0.0.1:{server.server_port}/productOrder"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield platform
        finally:
            platform.go_on.set()
            server.shutdown()
            thread.join()


def closed_port() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/productOrder"
