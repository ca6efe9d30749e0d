"""SMTP: a message goes as mail, with its id in ``Message-ID``.

The body of such a message has ``to`` (one address) and ``message``, the mail as it goes over the
wire, headers and all; or, for one to be composed here, ``subject``, ``text`` and perhaps ``html``.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime, parseaddr

from tandem.outbox.configuration import MailServer
from tandem.outbox.message import Answer, Message, Outcome

_PERMANENT = 500


@dataclass(frozen=True)
class _Ready:
    """A mail that was composed when it was queued; sent to the byte."""

    sender: str
    to: str
    content: bytes


class SmtpTransport:
    """A mail server; each message has a session of its own."""

    def __init__(self, server: MailServer, password: str | None = None) -> None:
        """Prepare; nothing is sent yet."""
        self._server = server
        self._password = password

    def send(self, message: Message) -> Answer:
        """Hand the mail over once."""
        try:
            mail = _ready(message) or compose(message, self._server.sender)
        except (KeyError, TypeError, ValueError) as error:
            return Answer(Outcome.REFUSED, error=f"it cannot be a mail: {error}")
        try:
            session = self._connect()
        except smtplib.SMTPAuthenticationError as error:
            return _said(Outcome.TURNED_AWAY, error.smtp_code, error.smtp_error)
        except smtplib.SMTPNotSupportedError as error:
            return Answer(Outcome.TURNED_AWAY, error=str(error))
        except smtplib.SMTPResponseException as error:
            return _said(Outcome.UNREACHED, error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            return Answer(Outcome.UNREACHED, error=f"no connection: {_words(error)}")
        try:
            return self._hand_over(session, mail)
        finally:
            _leave(session)

    def close(self) -> None:
        """Nothing is kept open."""

    def _connect(self) -> smtplib.SMTP:
        """A session that is encrypted and logged in, as far as that is asked for."""
        server = self._server
        context = ssl.create_default_context()
        session: smtplib.SMTP
        if server.is_smtps:
            session = smtplib.SMTP_SSL(
                server.host, server.port, timeout=server.timeout_seconds, context=context
            )
        else:
            session = smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)
        try:
            if server.starttls and not server.is_smtps:
                session.starttls(context=context)
            if server.user is not None and self._password is not None:
                session.login(server.user, self._password)
        except BaseException:
            _leave(session)
            raise
        return session

    @staticmethod
    def _hand_over(session: smtplib.SMTP, mail: EmailMessage | _Ready) -> Answer:
        try:
            if isinstance(mail, _Ready):
                session.sendmail(mail.sender, [mail.to], mail.content)
            else:
                session.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            return _said(_by_code(code), code, words)
        except smtplib.SMTPSenderRefused as error:
            outcome = _by_code(error.smtp_code)
            if outcome == Outcome.REFUSED:  # the sender is the same for all
                outcome = Outcome.TURNED_AWAY
            return _said(outcome, error.smtp_code, error.smtp_error)
        except smtplib.SMTPResponseException as error:
            return _said(_by_code(error.smtp_code), error.smtp_code, error.smtp_error)
        except smtplib.SMTPNotSupportedError as error:  # an address that this server cannot write
            return Answer(Outcome.REFUSED, error=str(error))
        except (OSError, smtplib.SMTPException) as error:
            return Answer(Outcome.FAILED, error=f"the connection broke off: {_words(error)}")
        return Answer(Outcome.ACCEPTED, code=250)


def _ready(message: Message) -> _Ready | None:
    """The mail that the message brings along; None if it brings none.

    Raises:
        KeyError: it is addressed to nobody.
        ValueError: it is not what goes over a wire, or an address is none.
    """
    if "message" not in message.body:
        return None
    to, content = message.body["to"], message.body["message"].encode("ascii")
    sender = parseaddr(str(message_from_bytes(content, policy=default).get("From", "")))[1]
    for each in (to, sender):
        if "@" not in each or not each.isprintable() or " " in each:
            raise ValueError(f"{each} is no address")
    return _Ready(sender, to, content)


def compose(message: Message, sender: str) -> EmailMessage:
    """The mail; the same for every attempt.

    Raises:
        KeyError: the body has no ``to``, ``subject`` or ``text``.
        TypeError: one of these is no text.
        ValueError: a header would have a line end, or there is no address.
    """
    body = message.body
    to = body["to"]
    if not isinstance(to, str) or "@" not in parseaddr(to)[1]:
        raise ValueError(f"{to} is no address")
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = body["subject"]
    mail["Date"] = format_datetime(message.created_at)
    domain = parseaddr(sender)[1].rpartition("@")[2]
    mail["Message-ID"] = f"<{message.message_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body["text"])
    if body.get("html"):
        mail.add_alternative(body["html"], subtype="html")
    return mail


def _leave(session: smtplib.SMTP) -> None:
    """End a session; what was accepted is accepted, however the farewell goes."""
    try:
        session.quit()
    except (OSError, smtplib.SMTPException):
        session.close()


def _by_code(code: int) -> Outcome:
    return Outcome.REFUSED if code >= _PERMANENT else Outcome.FAILED


def _said(outcome: Outcome, code: int, words: bytes | str) -> Answer:
    text = words.decode("utf-8", errors="replace") if isinstance(words, bytes) else str(words)
    return Answer(outcome, code, text, f"{code} {' '.join(text.split())}"[:500])


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:500].rstrip(".") or type(error).__name__
