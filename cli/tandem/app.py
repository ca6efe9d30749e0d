"""The ``tandem`` command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import psycopg
import typer

from tandem import __version__, console
from tandem.commands import (
    bills,
    data,
    demo,
    integrity,
    orders,
    reports,
    rollover,
    server,
    serving,
    tokens,
    warehouse,
)
from tandem.errors import ExitCode, TandemError

app = typer.Typer(
    name="tandem",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="One bill for two carriers: load feeds, close billing cycles, render bills.",
)

for module in (
    server,
    data,
    warehouse,
    bills,
    rollover,
    integrity,
    orders,
    serving,
    tokens,
    reports,
    demo,
):
    module.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tandem {__version__}")
        raise typer.Exit


@app.callback()
def options(  # the callback of --version has done its work
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback when something fails.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and leave.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Options of every command."""
    if debug:
        os.environ["TANDEM_DEBUG"] = "1"


def main() -> None:
    """Entry point: errors become one sentence and an exit code."""
    try:
        app()
    except TandemError as error:
        _fail(str(error), error.exit_code)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        missing = str(error).splitlines()[0]
        _fail(f"Nothing has been built here yet ({missing}); run 'tandem init' and 'tandem build'.")
    except psycopg.OperationalError as error:
        _fail(f"The database went away: {' '.join(str(error).split())}.")
    except KeyboardInterrupt:
        _fail("Stopped; run the same command again to go on.")
    except BrokenPipeError:
        # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.REFUSED)
    except Exception as error:
        _fail(
            f"Something went wrong that should not have ({type(error).__name__}:"
            f" {' '.join(str(error).split())[:300]}); --debug shows where."
        )


def _fail(sentence: str, code: int = ExitCode.REFUSED) -> None:
    if os.environ.get("TANDEM_DEBUG"):
        raise  # noqa: PLE0704  (only called while an exception is handled)
    console.say(sentence)
    sys.exit(code)
