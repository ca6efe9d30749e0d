"""What answers of HTTP mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from tandem.outbox.http_transport import judge
from tandem.outbox.message import Answer, Message, Outcome

KEY = "cd" * 16


def judged(
    status: int,
    content: Any = None,
    headers: dict[str, str] | None = None,
    *,
    may_have_arrived: bool = False,
    is_whole: bool = True,
) -> Answer:
    message = Message(
        KEY,
        "pass_through",
        "wireline",
        "A1",
        {},
        datetime(2025, 6, 1, tzinfo=UTC),
        attempt=1,
        may_have_arrived=may_have_arrived,
    )
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return judge(message, status, httpx.Headers(headers or {}), data, is_whole=is_whole)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.ACCEPTED),
        (201, Outcome.ACCEPTED),
        (202, Outcome.ACCEPTED),
        (204, Outcome.ACCEPTED),
        (301, Outcome.TURNED_AWAY),
        (304, Outcome.TURNED_AWAY),
        (308, Outcome.TURNED_AWAY),
        (400, Outcome.REFUSED),
        (401, Outcome.TURNED_AWAY),
        (403, Outcome.TURNED_AWAY),
        (404, Outcome.TURNED_AWAY),
        (405, Outcome.TURNED_AWAY),
        (407, Outcome.TURNED_AWAY),
        (408, Outcome.FAILED),
        (409, Outcome.REFUSED),
        (410, Outcome.REFUSED),
        (415, Outcome.REFUSED),
        (422, Outcome.REFUSED),
        (425, Outcome.FAILED),
        (429, Outcome.FAILED),
        (500, Outcome.FAILED),
        (501, Outcome.FAILED),
        (503, Outcome.FAILED),
        (599, Outcome.FAILED),
        (799, Outcome.FAILED),
    ],
)
def test_statuses(status: int, outcome: Outcome) -> None:
    answer = judged(status, b"")
    assert (answer.outcome, answer.code) == (outcome, status)
    assert (answer.error is None) == (outcome == Outcome.ACCEPTED)


@pytest.mark.parametrize("status", [403, 404, 405])
def test_it_is_the_message_where_the_platform_says_so(status: int) -> None:
    """A gateway or a wrong address has no code of TMF630, and says the same to all."""
    assert judged(status, {"code": "23", "reason": "no such account"}).outcome == Outcome.REFUSED
    for words in (b"<html>nginx</html>", {"status": status, "error": "Not Found"}, [1], None):
        assert judged(status, words).outcome == Outcome.TURNED_AWAY
    whole = json.dumps({"code": "23"}).encode()
    assert judged(status, whole, is_whole=False).outcome == Outcome.TURNED_AWAY
    assert judged(401, {"code": "23"}).outcome == Outcome.TURNED_AWAY


def test_an_acceptance_is_believed_if_it_can_be_of_this_message() -> None:
    assert judged(201, {"id": "1", "externalId": KEY}).outcome == Outcome.ACCEPTED
    assert judged(200, b"OK").outcome == Outcome.ACCEPTED
    assert judged(201, {"externalId": "other"}).outcome == Outcome.FAILED
    assert judged(200, b" <!DOCTYPE html><html>").outcome == Outcome.FAILED
    html = {"content-type": "text/html; charset=utf-8"}
    assert judged(200, b"welcome", html).outcome == Outcome.FAILED
    # the status came; that the rest did not changes nothing
    assert judged(201, b'{"externalId": "oth', is_whole=False).outcome == Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        ({"externalId": KEY}, {}),
        ({"idempotencyKey": KEY}, {}),
        ({"code": "409", "referenceError": {"externalId": KEY}}, {}),
        ({"code": "409"}, {"idempotency-key": KEY}),
    ],
)
def test_known_already(content: dict[str, Any], headers: dict[str, str]) -> None:
    assert judged(409, content, headers).outcome == Outcome.ACCEPTED


@pytest.mark.parametrize(
    "content", [{"externalId": "other"}, {"message": f"{KEY} is in conflict"}, [KEY], None, b"\xff"]
)
def test_another_conflict(content: Any) -> None:
    assert judged(409, content).outcome == Outcome.REFUSED
    assert judged(409, content, may_have_arrived=True).outcome == Outcome.FAILED
    assert judged(409, b'{"exter', is_whole=False).outcome == Outcome.FAILED


def test_errors_are_told_by_their_parts() -> None:
    error = {"code": "21", "reason": "Bad offering", "message": "not sold", "status": "400"}
    assert judged(400, error).error == "400 Bad Request: 21: Bad offering: not sold"
    assert judged(400, b"<h1>no</h1>\n<p>").error == "400 Bad Request: <h1>no</h1> <p>"
    assert judged(500, b"").error == "500 Internal Server Error"
    assert judged(799, b"").error == "799"
    assert len(judged(400, b"x" * 60_000).error or "") <= 500
    # nothing that a machine says can break us
    assert judged(400, b"[" * 60_000).outcome == Outcome.REFUSED
    assert judged(500, {"code": {"a": [1]}, "reason": None}).outcome == Outcome.FAILED


def test_how_long_to_wait() -> None:
    def wait(value: str, status: int = 503) -> float | None:
        return judged(status, b"", {"retry-after": value}).wait_seconds

    assert wait("0") == 0
    assert wait("120") == 120
    assert wait("99999999999999999999") == 86_400
    for odd in ("", "soon", "-5", "1.5"):
        assert wait(odd) is None
    assert wait("Sun, 06 Nov 1994 08:49:37 GMT") == 0
    ahead = wait(format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True))
    assert ahead is not None and 3000 < ahead <= 3600
    assert wait("120", status=400) is None
