"""``tandem.toml``: where messages go.

The file lies in the project folder, or where ``TANDEM_CONFIG`` says. It holds no secrets: tokens
and passwords are in environment variables that it names. ``tandem.example.toml`` shows all keys.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tandem.errors import Refused
from tandem.outbox.message import NOTIFICATION, ORDERING
from tandem.settings import Settings

FILE = "tandem.toml"
VARIABLE = "TANDEM_CONFIG"
_LOCAL = ("localhost", "127.0.0.1", "::1")
_SMTPS_PORT = 465
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)


@dataclass(frozen=True)
class CarrierPlatform:
    """How a carrier is reached, and how it proves that it is the carrier; times in seconds.

    ``token_env`` is shown to the carrier's platform, ``api_token_env`` is what it shows to us.
    Under ``portal_host`` subscribers see the portal as the carrier's, in ``portal_colour``.
    """

    carrier_id: str
    ordering_url: str | None = None
    notification_url: str | None = None
    token_env: str | None = None
    api_token_env: str | None = None
    timeout_seconds: float = 10.0
    attempts: int = 4
    portal_host: str | None = None
    portal_colour: str | None = None

    def url(self, channel: str) -> str | None:
        """Address for a channel, ordering or notification."""
        return {ORDERING: self.ordering_url, NOTIFICATION: self.notification_url}[channel]


@dataclass(frozen=True)
class MailServer:
    """How mail is sent; times in seconds."""

    host: str
    sender: str
    port: int = 587
    user: str | None = None
    password_env: str | None = None
    starttls: bool = True
    timeout_seconds: float = 30.0
    attempts: int = 4

    @property
    def is_smtps(self) -> bool:
        """Whether the connection is encrypted from its first byte."""
        return self.port == _SMTPS_PORT


@dataclass(frozen=True)
class Policy:
    """When to try again, and when not any more.

    Attributes:
        first_wait_seconds: before the second attempt of a run; doubled before each further one.
        longest_wait_seconds: that a run waits for one message, also if asked for more.
        first_pause_seconds: before the next run may try; doubled with every run that failed.
        longest_pause_seconds: the longest of these.
        give_up_hours: after the first attempt; what has failed that long is given up.
        workers: how many messages go to one place at a time.
        failures_in_a_row: after that many undelivered messages a place is left alone for the run.
    """

    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 30.0
    first_pause_seconds: float = 60.0
    longest_pause_seconds: float = 3600.0
    give_up_hours: float = 72.0
    workers: int = 4
    failures_in_a_row: int = 5


@dataclass(frozen=True)
class Configuration:
    """All of the file."""

    path: Path
    carriers: Mapping[str, CarrierPlatform] = field(default_factory=dict)
    mail: MailServer | None = None
    policy: Policy = Policy()


def load(settings: Settings) -> Configuration:
    """Read the file; without one nothing can be sent anywhere.

    Raises:
        Refused: it cannot be read, or something in it cannot be meant so.
    """
    named = os.environ.get(VARIABLE)
    path = Path(named).absolute() if named else settings.project_dir / FILE
    if named is None and not path.exists():
        return Configuration(path)
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8")), path)
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is no UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{path} is no TOML: {str(error).rstrip('.')}.") from error


def parse(content: Mapping[str, Any], path: Path) -> Configuration:
    """Check what the file says.

    Raises:
        Refused: something in it cannot be meant so; the sentence says where and why.
    """
    file = _Table(content, "", path)
    found = file.table("carriers")
    carriers = {name: _carrier(found.table(name), name) for name in found.names()}
    hosts: dict[str, str] = {}
    for name, carrier in carriers.items():
        host = (carrier.portal_host or "").lower()
        if host and hosts.setdefault(host, name) != name:
            raise found.table(name).refused("portal_host", f"is that of {hosts[host]} already")
    smtp = file.table("smtp")
    mail = _mail(smtp) if "smtp" in content else None
    policy = _policy(file.table("outbox"))
    file.done()
    return Configuration(path, carriers, mail, policy)


def secret(variable: str | None, what: str, path: Path) -> str | None:
    """The value of an environment variable that the file names; None if it names none.

    Raises:
        Refused: it is not set, or cannot be sent.
    """
    if variable is None:
        return None
    value = os.environ.get(variable, "").strip()
    if not value:
        raise Refused(f"The environment variable {variable}, {what} by {path.name}, is not set.")
    if not (value.isascii() and value.isprintable()):
        raise Refused(f"The environment variable {variable} holds characters that no {what} has.")
    return value


def _carrier(table: _Table, carrier_id: str) -> CarrierPlatform:
    platform = CarrierPlatform(
        carrier_id,
        ordering_url=table.url("ordering_url"),
        notification_url=table.url("notification_url"),
        token_env=table.text("token_env"),
        api_token_env=table.text("api_token_env"),
        timeout_seconds=table.number("timeout_seconds", CarrierPlatform.timeout_seconds, 3600),
        attempts=table.whole("attempts", CarrierPlatform.attempts, 100),
        portal_host=table.text("portal_host"),
        portal_colour=table.text("portal_colour"),
    )
    if platform.portal_host and not _HOST.fullmatch(platform.portal_host):
        raise table.refused("portal_host", "is no name of a host (bills.wireless.example)")
    if platform.portal_colour and not _COLOUR.fullmatch(platform.portal_colour):
        raise table.refused("portal_colour", 'is no colour ("#0b4f5f")')
    if platform.token_env is not None:
        for name in ("ordering_url", "notification_url"):
            url = getattr(platform, name)
            if url is not None and _is_open(urlsplit(url)):
                raise table.refused(name, "would carry the token in the open; use https")
    table.done()
    return platform


def _mail(table: _Table) -> MailServer:
    server = MailServer(
        host=table.needed("host"),
        sender=table.needed("from"),
        port=table.whole("port", MailServer.port, 65_535),
        user=table.text("user"),
        password_env=table.text("password_env"),
        starttls=table.flag("starttls", MailServer.starttls),
        timeout_seconds=table.number("timeout_seconds", MailServer.timeout_seconds, 3600),
        attempts=table.whole("attempts", MailServer.attempts, 100),
    )
    if "@" not in parseaddr(server.sender)[1].strip("@") or not server.sender.isprintable():
        raise table.refused("from", "is no address of mail")
    if (server.user is None) != (server.password_env is None):
        raise table.refused("user", "and password_env go together")
    encrypted = server.starttls or server.is_smtps or server.host in _LOCAL
    if server.user is not None and not encrypted:
        raise table.refused("starttls", "is off: the password would go in the open")
    table.done()
    return server


def _policy(table: _Table) -> Policy:
    policy = Policy(
        first_wait_seconds=table.number("first_wait_seconds", Policy.first_wait_seconds, 3600),
        longest_wait_seconds=table.number(
            "longest_wait_seconds", Policy.longest_wait_seconds, 3600
        ),
        first_pause_seconds=table.number("first_pause_seconds", Policy.first_pause_seconds, 86_400),
        longest_pause_seconds=table.number(
            "longest_pause_seconds", Policy.longest_pause_seconds, 86_400
        ),
        give_up_hours=table.number("give_up_hours", Policy.give_up_hours, 8760),
        workers=table.whole("workers", Policy.workers, 64),
        failures_in_a_row=table.whole("failures_in_a_row", Policy.failures_in_a_row, 1_000_000),
    )
    table.done()
    return policy


def _is_open(url: SplitResult) -> bool:
    return url.scheme == "http" and url.hostname not in _LOCAL


class _Table:
    """A table of the file: every key is asked for once, what is left over is a mistake."""

    def __init__(self, content: Mapping[str, Any], name: str, path: Path) -> None:
        self._content = content
        self._name = name
        self._path = path
        self._asked: set[str] = set()

    def refused(self, key: str, why: str) -> Refused:
        """A sentence on one key."""
        return Refused(f"{self._path.name}: {self._place(key)} {why}.")

    def names(self) -> list[str]:
        """All keys, in the order of the file."""
        return list(self._content)

    def table(self, key: str) -> _Table:
        """A table within; empty if there is none."""
        value = self._take(key, "a table", lambda value: isinstance(value, dict))
        return _Table({} if value is None else value, self._place(key), self._path)

    def text(self, key: str) -> str | None:
        value = self._take(
            key, "a text", lambda value: isinstance(value, str) and value.strip() != ""
        )
        return None if value is None else str(value)

    def needed(self, key: str) -> str:
        value = self.text(key)
        if value is None:
            raise self.refused(key, "is missing")
        return value

    def url(self, key: str) -> str | None:
        value = self.text(key)
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            valid = False
        if not valid or not value.isprintable() or " " in value:
            raise self.refused(key, "is no address (https://host/path)")
        if "@" in parts.netloc:
            raise self.refused(key, "names a user; tokens are in environment variables (token_env)")
        return value

    def number(self, key: str, default: float, most: float) -> float:
        value = self._take(
            key,
            f"a number from 0 to {most:g}",
            lambda value: (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and 0 <= value <= most
            ),
        )
        if key == "timeout_seconds" and value == 0:
            raise self.refused(key, "is to be above 0")
        return default if value is None else float(value)

    def whole(self, key: str, default: int, most: int) -> int:
        value = self._take(
            key,
            f"a whole number from 1 to {most}",
            lambda value: (
                isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
            ),
        )
        return default if value is None else int(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self._take(key, "true or false", lambda value: isinstance(value, bool))
        return default if value is None else bool(value)

    def done(self) -> None:
        """Refuse keys that nobody has asked for: a slip of the keyboard does nothing, silently."""
        for key in self._content:
            if key not in self._asked:
                raise self.refused(key, f"is not known; there are {', '.join(sorted(self._asked))}")

    def _take(self, key: str, what: str, is_valid: Callable[[Any], bool]) -> Any:
        self._asked.add(key)
        value = self._content.get(key)
        if value is not None and not is_valid(value):
            raise self.refused(key, f"is to be {what}")
        return value

    def _place(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key
