"""What is sent, what comes of it, and what a way to send it looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

Body = Mapping[str, Any]

ORDERING = "ordering"
NOTIFICATION = "notification"
MAIL = "mail"
# kind of message -> which of the addresses it goes to
CHANNELS = {
    "pass_through": ORDERING,
    "instruction": NOTIFICATION,
    "notification": NOTIFICATION,
    "notice": MAIL,
}


class State(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What came of one attempt."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # this message, for good
    FAILED = "failed"  # it may have arrived
    UNREACHED = "unreached"  # it certainly has not arrived
    TURNED_AWAY = "turned_away"  # whatever we had sent: our credentials or address are wrong


@dataclass(frozen=True)
class Message:
    """One message as it is sent.

    Attributes:
        message_id: also the idempotency key of every attempt.
        kind: pass_through, instruction, notification or notice.
        carrier_id: whom it goes to; None for mail.
        account_id: whom it is about.
        body: of its kind.
        created_at: when it was queued.
        attempt: number of this attempt, from 1.
        may_have_arrived: whether an earlier attempt may have.
    """

    message_id: str
    kind: str
    carrier_id: str | None
    account_id: str
    body: Body
    created_at: datetime
    attempt: int
    may_have_arrived: bool


@dataclass(frozen=True)
class Answer:
    """What came of an attempt.

    Attributes:
        outcome: what to make of it.
        code: status of HTTP or SMTP, where there was one.
        text: what the other side said.
        error: why it was not accepted, in a few words.
        wait_seconds: how long the other side asks to be left alone.
    """

    outcome: Outcome
    code: int | None = None
    text: str | None = None
    error: str | None = None
    wait_seconds: float | None = None


class Transport(Protocol):
    """A way to one place; used by several threads at once."""

    def send(self, message: Message) -> Answer:
        """Try once to deliver a message, within a bounded time."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
