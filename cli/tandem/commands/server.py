"""up, down, status, url: the embedded server."""

from __future__ import annotations

import typer

from tandem import console, settings
from tandem.commands.options import JsonOption
from tandem.errors import Refused
from tandem.server import EmbeddedServer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(down)
    app.command()(status)
    app.command()(url)


def _embedded() -> EmbeddedServer:
    here = settings.load()
    if not here.is_embedded:
        raise Refused("TANDEM_DATABASE_URL is set: that server is not ours to start or stop.")
    return EmbeddedServer(here.home)


def up() -> None:
    """Start the embedded Postgres; other commands do it by themselves.

    Example: [bold]tandem up[/]
    """
    server = _embedded()
    started = server.up()
    console.say(f"The embedded Postgres {'is up' if started else 'was up already'}: {server.url()}")


def down() -> None:
    """Stop the embedded Postgres; the data stay.

    Example: [bold]tandem down[/]
    """
    console.say(
        "The embedded Postgres is down."
        if _embedded().down()
        else "The embedded Postgres was not running."
    )


def status(as_json: JsonOption = False) -> None:
    """Tell whether the embedded Postgres runs, and where its data are.

    Example: [bold]tandem status[/]
    """
    state = _embedded().status()
    if as_json:
        console.print_json(
            {
                "running": state.running,
                "pid": state.pid,
                "version": state.version,
                "data_dir": state.data_dir,
                "bytes": state.bytes,
            }
        )
    elif state.running:
        console.out.print(
            f"PostgreSQL {state.version} is running (process {state.pid}), "
            f"{state.bytes / 1e6:,.0f} MB in {state.data_dir}"
        )
    elif state.bytes:
        console.out.print(f"Not running; {state.bytes / 1e6:,.0f} MB in {state.data_dir}")
    else:
        console.out.print(f"Not running, and nothing in {state.data_dir} yet")


def url() -> None:
    """Print the connection URL of the database in use.

    Example: [bold]psql "$(tandem url)"[/]
    """
    here = settings.load()
    typer.echo(here.database_url or EmbeddedServer(here.home).url())
