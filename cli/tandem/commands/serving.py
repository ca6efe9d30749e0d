"""serve."""

from __future__ import annotations

import ipaddress
from typing import Annotated

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict

from tandem import console, settings, tokens
from tandem.errors import Refused
from tandem.outbox import configuration


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    host: Annotated[
        str, typer.Option("--host", metavar="H", help="Address to listen at.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, metavar="N", help="Port; 0: any.")
    ] = 8622,
    per_minute: Annotated[
        int,
        typer.Option(
            "--per-minute", min=1, metavar="N", help="Requests that one token has in a minute."
        ),
    ] = 1_200,
    unknown_per_minute: Annotated[
        int,
        typer.Option(
            "--unknown-per-minute",
            min=1,
            metavar="N",
            help="Requests without a genuine token that one address has in a minute.",
        ),
    ] = 120,
    pdfs_per_minute: Annotated[
        int,
        typer.Option(
            "--pdfs-per-minute", min=1, metavar="N", help="PDFs that one caller gets in a minute."
        ),
    ] = 20,
    all_pdfs_per_minute: Annotated[
        int,
        typer.Option(
            "--all-pdfs-per-minute", min=1, metavar="N", help="PDFs that are made in a minute."
        ),
    ] = 200,
    https: Annotated[
        bool,
        typer.Option(
            "--https",
            help="All come by a proxy that speaks TLS: cookies are Secure, and browsers are told to"
            " come by https only.",
        ),
    ] = False,
) -> None:
    """Serve the portal to subscribers and support, and web services to other systems.

    People come with a token of 'tandem token'. Carriers' platforms, which order (TMF622) and ask
    for eligibility (TMF679), have theirs from tandem.toml: api_token_env of a carrier names the
    variable with it. It runs until it is stopped.

    Example: [bold]tandem serve --port 8622[/]
    """
    # takes a while to be imported, which the other commands need not wait for
    from tandem.serve import create_app  # noqa: PLC0415
    from tandem.serve.authentication import tokens_of  # noqa: PLC0415
    from tandem.serve.rates import Rates  # noqa: PLC0415
    from tandem.serve.running import listen, run  # noqa: PLC0415

    here = settings.load()
    _require_url(here.reader_url)
    app = create_app(
        here,
        tokens_of(configuration.load(here)),
        tokens.secret(here),
        Rates(per_minute, unknown_per_minute, pdfs_per_minute, all_pdfs_per_minute),
        https=https,
    )
    listening = listen(host, port)
    address, chosen, *_ = listening.getsockname()
    shown = f"[{address}]" if ":" in address else address
    if not ipaddress.ip_address(address).is_loopback:
        console.say(
            "Others can reach this port: let nobody but the proxy that speaks TLS."
            if https
            else "Others can reach this port: put a proxy before it that speaks TLS, with --https."
        )
    run(app, listening, lambda: console.say(f"Answering at http://{shown}:{chosen}."))


def _require_url(url: str | None) -> None:
    try:
        conninfo_to_dict(url or "")
    except psycopg.ProgrammingError:
        raise Refused(  # without libpq's words, which would quote the password
            "TANDEM_READER_DATABASE_URL is no URL of PostgreSQL"
            " (postgresql://user:password@host:port/database)."
        ) from None
