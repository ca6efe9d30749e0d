"""HTTP: a message is posted as JSON, with its id as ``Idempotency-Key``."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from tandem import __version__
from tandem.outbox.message import Answer, Message, Outcome

KEY_HEADER = "Idempotency-Key"
# members of an answer that name the message that it is about
KEY_MEMBERS = ("externalId", "idempotencyKey")
# answers that promise nothing for the next attempt, besides all of 5xx
_PASSING = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
# answers to us and not to the message
_TURNING_AWAY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)
# answers to us as well, unless the platform itself says (with a code of TMF630) what it is about:
# a wrong address or a gateway answers all messages so
_TURNING_AWAY_WITHOUT_CODE = (
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
)
_LONGEST_ANSWER = 65_536  # bytes that are read
_LONGEST_ERROR = 500
_LONGEST_WAIT = 86_400.0


class HttpTransport:
    """One URL of a carrier's platform."""

    def __init__(self, url: str, timeout_seconds: float, token: str | None = None) -> None:
        """Prepare; nothing is sent yet.

        Args:
            url: messages are posted to it.
            timeout_seconds: for connecting, for each piece of the answer, and for all of it.
            token: bearer token.
        """
        headers = {
            "User-Agent": f"tandem/{__version__}",
            "Accept": "application/json",
            # what is compressed could be of any size
            "Accept-Encoding": "identity",
        }
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._url = url
        self._timeout = timeout_seconds
        self._client = httpx.Client(
            headers=headers, timeout=timeout_seconds, follow_redirects=False
        )

    def send(self, message: Message) -> Answer:
        """Post the message once."""
        deadline = time.monotonic() + self._timeout
        try:
            with self._client.stream(
                "POST",
                self._url,
                content=json.dumps(message.body, ensure_ascii=False).encode(),
                headers={
                    "Content-Type": "application/json",
                    KEY_HEADER: message.message_id,
                },
            ) as response:
                content, is_whole = _read(response, deadline)
        except (httpx.ConnectTimeout, httpx.PoolTimeout):
            return Answer(
                Outcome.UNREACHED, error=f"no connection within {self._timeout:g} seconds"
            )
        except (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol) as error:
            return Answer(Outcome.UNREACHED, error=f"no connection: {_words(error)}")
        except httpx.TimeoutException:
            return Answer(Outcome.FAILED, error=f"no answer within {self._timeout:g} seconds")
        except httpx.RemoteProtocolError as error:
            return Answer(Outcome.FAILED, error=f"no answer of HTTP: {_words(error)}")
        except httpx.RequestError as error:
            return Answer(Outcome.FAILED, error=f"the connection broke off: {_words(error)}")
        return judge(message, response.status_code, response.headers, content, is_whole=is_whole)

    def close(self) -> None:
        """Close connections."""
        self._client.close()


def judge(
    message: Message,
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    *,
    is_whole: bool = True,
) -> Answer:
    """What an answer means.

    Args:
        message: what was sent.
        status: of HTTP.
        headers: of the answer; names in any case if it is httpx's own mapping.
        content: its body, or what came of it.
        is_whole: whether all of the body came.
    """
    text = content.decode("utf-8", errors="replace")
    said = _parsed(text) if is_whole else None
    keys = _keys(said, headers)
    error: str | None = _worded(status, said, text)
    if 200 <= status < 300:
        outcome, error = _believe(message, status, keys, text, headers)
    elif status >= 500 or status in _PASSING:
        outcome = Outcome.FAILED
    elif (
        status in _TURNING_AWAY
        or status < 400
        or (status in _TURNING_AWAY_WITHOUT_CODE and not _has_code(said))
    ):
        outcome = Outcome.TURNED_AWAY
    elif status != HTTPStatus.CONFLICT:
        outcome = Outcome.REFUSED
    elif message.message_id in keys:
        outcome, error = Outcome.ACCEPTED, None
    elif message.may_have_arrived or not is_whole:
        # it may be an earlier attempt of ours that it is in conflict with
        outcome = Outcome.FAILED
    else:
        outcome = Outcome.REFUSED
    wait = _wait(headers) if outcome == Outcome.FAILED else None
    return Answer(outcome, status, text, error, wait)


def _believe(
    message: Message, status: int, keys: Sequence[str], text: str, headers: Mapping[str, str]
) -> tuple[Outcome, str | None]:
    """Whether an answer that says it went well is an answer to this message."""
    if keys and message.message_id not in keys:
        return Outcome.FAILED, f"{status}, but for another message ({keys[0][:64]})"
    kind = headers.get("Content-Type", "").lower()
    if kind.startswith("text/html") or text.lstrip()[:9].lower().startswith(("<!doctype", "<html")):
        return Outcome.FAILED, f"{status} with a web page; a proxy or a login may be in the way"
    return Outcome.ACCEPTED, None


def _read(response: httpx.Response, deadline: float) -> tuple[bytes, bool]:
    """The body of an answer, as far as it comes; the status has said the most of it already."""
    content = b""
    try:
        for piece in response.iter_raw():
            content += piece
            if len(content) > _LONGEST_ANSWER or time.monotonic() > deadline:
                return content[:_LONGEST_ANSWER], False
    except httpx.RequestError:
        return content, False
    return content, True


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _has_code(said: Any) -> bool:
    """Whether it is an error of TMF630, which a platform makes and no gateway does."""
    return isinstance(said, dict) and isinstance(said.get("code"), str | int)


def _keys(said: Any, headers: Mapping[str, str]) -> list[str]:
    """The messages that an answer says it is about."""
    found = [headers[KEY_HEADER]] if KEY_HEADER in headers else []
    if isinstance(said, dict):
        # also within what an error refers to
        within = [value for value in said.values() if isinstance(value, dict)]
        for place in (said, *within):
            found += [place[name] for name in KEY_MEMBERS if isinstance(place.get(name), str)]
    return found


def _worded(status: int, said: Any, text: str) -> str:
    """The status and what was said to it; an error of TMF630 by its parts."""
    parts = []
    if isinstance(said, dict):
        parts = [
            str(said[name])
            for name in ("code", "reason", "message", "title", "detail", "error")
            if isinstance(said.get(name), str | int) and str(said[name]) != str(status)
        ]
    words = ": ".join(parts) or " ".join(text.split())
    try:
        phrase = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = str(status)
    return f"{phrase}: {words}"[:_LONGEST_ERROR] if words else phrase


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds of Retry-After, which may also be a date; at most a day, None if there is none."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    seconds = (until - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST_ERROR].rstrip(".") or type(error).__name__
