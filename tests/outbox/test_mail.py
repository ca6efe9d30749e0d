"""Notices as mail, against a real SMTP server."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

from tandem.outbox.configuration import MailServer
from tandem.outbox.dispatching import Endpoint, dispatch
from tandem.outbox.message import MAIL, Answer, Message, Outcome
from tandem.outbox.queueing import Source, enqueue
from tandem.outbox.smtp_transport import SmtpTransport, compose
from tests.outbox.platform import closed_port
from tests.outbox.support import QUICK, message, outcomes, session, states
from tests.support.warehouse import Warehouse

NOTICE = Message(
    message_id="ab" * 16,
    kind="notice",
    carrier_id=None,
    account_id="A1",
    body={
        "to": "Änne <anne@home.example>",
        "subject": "Your plan is ready \u2013 Share 800",
        "text": "Both carriers have it.\n",
    },
    created_at=datetime(2025, 6, 1, 12, tzinfo=UTC),
    attempt=1,
    may_have_arrived=False,
)


class Mailbox:
    """A mail server's doing: says what it is told to, and keeps what it took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipient = ["250 OK"]
        self.data = ["250 OK"]

    @staticmethod
    def _next(answers: list[str]) -> str:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope, address: str, options: Any
    ) -> str:
        answer = self._next(self.recipient)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        answer = self._next(self.data)
        if answer == "drop":
            server.transport.abort()
        if answer.startswith("250") or answer == "drop":
            assert isinstance(envelope.content, bytes)
            self.mails.append(
                email.message_from_bytes(envelope.content, policy=email.policy.default)
            )
        return answer


class OnAnyPort(Controller):
    """On a port that is free."""

    def _trigger_server(self) -> None:
        (socket,) = self.server.sockets  # type: ignore[union-attr]
        self.port = socket.getsockname()[1]
        super()._trigger_server()


@contextmanager
def serving(mailbox: Mailbox, **options: Any) -> Iterator[MailServer]:
    controller = OnAnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield MailServer(
            host="127.0.0.1",
            sender="Tandem <notices@mail.example>",
            port=controller.port,
            starttls=False,
            timeout_seconds=5,
        )
    finally:
        controller.stop()


def sent(server: MailServer, wanted: Message = NOTICE, password: str | None = None) -> Answer:
    return SmtpTransport(server, password).send(wanted)


def test_what_arrives() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as server:
        assert sent(server).outcome == Outcome.ACCEPTED
    (mail,) = mailbox.mails
    assert mail["Message-ID"] == f"<{NOTICE.message_id}@mail.example>"
    assert mail["To"] == "Änne <anne@home.example>"
    assert mail["From"] == "Tandem <notices@mail.example>"
    assert mail["Subject"] == "Your plan is ready \u2013 Share 800"
    assert mail["Date"].datetime == NOTICE.created_at
    assert mail.get_content().replace("\r\n", "\n") == "Both carriers have it.\n"


def test_html_beside_text() -> None:
    body = {**NOTICE.body, "html": "<p>Both carriers have it.</p>"}
    mail = compose(with_body(body), "notices@mail.example")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def with_body(body: dict[str, Any]) -> Message:
    return Message(**{**NOTICE.__dict__, "body": body})


@pytest.mark.parametrize(
    "body",
    [
        {"subject": "s", "text": "t"},
        {"to": None, "subject": "s", "text": "t"},
        {"to": "nobody", "subject": "s", "text": "t"},
        {"to": "a@b.example", "subject": "s\nBcc: all@x.example", "text": "t"},
        {"to": "a@b.example\nBcc: all@x.example", "subject": "s", "text": "t"},
        {"to": "a@b.example", "subject": "s"},
    ],
)
def test_what_can_be_no_mail_is_refused(body: dict[str, Any]) -> None:
    mailbox = Mailbox()
    with serving(mailbox) as server:
        answer = sent(server, with_body(body))
    assert answer.outcome == Outcome.REFUSED
    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("recipient", "data", "outcome", "code"),
    [
        ("550 No such user", "250 OK", Outcome.REFUSED, 550),
        ("450 Mailbox busy", "250 OK", Outcome.FAILED, 450),
        ("250 OK", "554 Spam", Outcome.REFUSED, 554),
        ("250 OK", "452 Disk full", Outcome.FAILED, 452),
        ("250 OK", "drop", Outcome.FAILED, None),
    ],
)
def test_what_servers_say(recipient: str, data: str, outcome: Outcome, code: int | None) -> None:
    mailbox = Mailbox()
    mailbox.recipient, mailbox.data = [recipient], [data]
    with serving(mailbox) as server:
        answer = sent(server)
    assert (answer.outcome, answer.code) == (outcome, code)
    assert answer.error


def test_nobody_there() -> None:
    port = int(closed_port().split(":")[2].split("/")[0])
    server = MailServer("127.0.0.1", "a@b.example", port=port, timeout_seconds=2)
    assert sent(server).outcome == Outcome.UNREACHED


def test_a_server_without_encryption_gets_nothing() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as plain:
        server = MailServer(plain.host, plain.sender, plain.port)
        answer = sent(server)
    assert answer.outcome == Outcome.TURNED_AWAY
    assert mailbox.mails == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_logging_in() -> None:
    mailbox = Mailbox()

    def check(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == b"s3cret", handled=False)

    options = {"authenticator": check, "auth_required": True, "auth_require_tls": False}
    with serving(mailbox, **options) as plain:
        server = MailServer(plain.host, plain.sender, plain.port, "tandem", "P", starttls=False)
        wrong = sent(server, NOTICE, "n0tright")
        assert wrong.outcome == Outcome.TURNED_AWAY
        assert "n0tright" not in str(wrong)
        assert sent(server, NOTICE, "s3cret").outcome == Outcome.ACCEPTED
    assert len(mailbox.mails) == 1


def test_from_queue_to_mailbox(outbox: Warehouse) -> None:
    source = Source(
        kind="notice",
        query="""
            select md5('n' || n) as message_id, null::text as carrier_id, 'A' || n as account_id,
                timestamptz '2025-06-01T10:00:00Z' as ordered_at
            from generate_series(1, 6) as n
        """,
        body=lambda row: {
            "to": f"{row['account_id']}@home.example",
            "subject": "Ready",
            "text": "Both carriers have it.",
        },
    )
    mailbox = Mailbox()
    mailbox.data = ["451 Later", "drop", "250 OK"]
    with serving(mailbox) as server, session(outbox) as connection:
        enqueue(connection, source)
        (done,) = dispatch(connection, [Endpoint(MAIL, None, SmtpTransport(server), 4)], QUICK)
    assert (done.accepted, done.failed) == (6, False)
    assert states(outbox) == [("accepted", 6)]
    ids = {mail["Message-ID"].strip("<>").split("@")[0] for mail in mailbox.mails}
    assert len(ids) == 6
    assert len(mailbox.mails) == 7  # the one that was dropped had arrived
    for key in ids:
        assert outcomes(outbox, key)[-1] == "accepted"
        assert message(outbox, key)["carrier_id"] is None
