"""token."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from urllib.parse import quote

import typer

from tandem import console, settings, tokens
from tandem.commands.options import JsonOption
from tandem.database import Connection, connect
from tandem.errors import Refused
from tandem.tokens import Role

SERVED_AT = "http://127.0.0.1:8622"  # as `tandem serve` does by itself
_KNOWN = {
    Role.SUBSCRIBER: ("select 1 from integrity.int_accounts where account_id = %s", "account"),
    Role.CARRIER: ("select 1 from catalog.carriers where carrier_id = %s", "carrier"),
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(token)


def _parse_ttl(text: str | timedelta) -> timedelta:
    if isinstance(text, timedelta):
        return text
    try:
        return tokens.parse_ttl(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def token(
    role: Annotated[Role, typer.Argument(help="subscriber, carrier or support.")],
    subject: Annotated[
        str,
        typer.Argument(
            help="The account of a subscriber, the carrier of a carrier's user, the name of"
            " somebody of support."
        ),
    ],
    ttl: Annotated[
        timedelta,
        typer.Option(
            "--ttl", metavar="T", help="How long it holds: 15m, 12h, 7d.", parser=_parse_ttl
        ),
    ] = tokens.DEFAULT_TTL,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="USER", help="Who acts, as it is written down with changes."),
    ] = None,
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Where the portal is served.")
    ] = SERVED_AT,
    as_json: JsonOption = False,
) -> None:
    """Issue a token for the portal and the web services, and the link that enters with it.

    Whoever has it, is let in until it ends. Send it as a bearer token, or open the link.

    Example: [bold]tandem token subscriber A000123 --ttl 15m[/]
    """
    here = settings.load()
    if role in _KNOWN:
        with connect(here, "token") as connection:
            _require_known(connection, role, subject)
    made = tokens.issue_token(tokens.secret(here), role, subject, ttl, by)
    link = entering_link(made, url)
    if as_json:
        console.print_json({"token": made, "link": link, "seconds": int(ttl.total_seconds())})
    else:
        typer.echo(made)
        console.say(f"Holds for {_in_words(ttl)}. The link that opens the portal with it: {link}")


def entering_link(made: str, url: str = SERVED_AT) -> str:
    """The address that opens the portal with a token."""
    return f"{url.rstrip('/')}/portal/enter?token={quote(made)}"


def _in_words(ttl: timedelta) -> str:
    """A time in its largest whole unit."""
    seconds = int(ttl.total_seconds())
    for size, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return console.many(seconds // size, noun)
    return console.many(seconds, "second")


def _require_known(connection: Connection, role: Role, subject: str) -> None:
    query, what = _KNOWN[role]
    if connection.execute(query.encode(), (subject,)).fetchone() is None:
        raise Refused(f"There is no {what} {subject}.")
