"""Where messages go by ``tandem.toml``, as places to deliver to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tandem.outbox.configuration import Configuration, secret
from tandem.outbox.dispatching import Endpoint
from tandem.outbox.http_transport import HttpTransport
from tandem.outbox.message import MAIL
from tandem.outbox.smtp_transport import SmtpTransport


@contextmanager
def open_endpoints(
    configuration: Configuration, channel: str, carrier_id: str | None = None
) -> Iterator[list[Endpoint]]:
    """The places of a channel, closed at the end; none if the file names none.

    Args:
        configuration: the file.
        channel: ordering, notification or mail.
        carrier_id: only this carrier's.

    Raises:
        Refused: a token or password is not set.
    """
    with ExitStack() as stack:
        places = (
            _mail(configuration)
            if channel == MAIL
            else _platforms(configuration, channel, carrier_id)
        )
        for place in places:
            stack.callback(place.transport.close)
        yield places


def _platforms(
    configuration: Configuration, channel: str, carrier_id: str | None
) -> list[Endpoint]:
    known = [
        (platform, url)
        for platform in configuration.carriers.values()
        if (url := platform.url(channel)) is not None and carrier_id in (None, platform.carrier_id)
    ]
    tokens = [
        secret(platform.token_env, "named as a token", configuration.path) for platform, _ in known
    ]
    return [
        Endpoint(
            channel,
            platform.carrier_id,
            HttpTransport(url, platform.timeout_seconds, token),
            platform.attempts,
        )
        for (platform, url), token in zip(known, tokens, strict=True)
    ]


def _mail(configuration: Configuration) -> list[Endpoint]:
    server = configuration.mail
    if server is None:
        return []
    password = secret(server.password_env, "named as a password", configuration.path)
    return [Endpoint(MAIL, None, SmtpTransport(server, password), server.attempts)]
