"""Commands as a user runs them: in this process where it can be, which saves the imports."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from click import Command, Group

from tandem.app import app, main
from tests.support.warehouse import PROJECT, Warehouse

TANDEM = Path(sys.executable).with_name("tandem")


def commands() -> Iterator[tuple[str, Command]]:
    """Name and command of each, those of groups as in ``bills show``."""

    def within(group: Group, before: str) -> Iterator[tuple[str, Command]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from within(command, f"{before}{name} ")
            else:
                yield f"{before}{name}", command

    yield from within(typer.main.get_command(app), "")


COMMANDS = dict(commands())


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def tandem(*arguments: object, env: Mapping[str, str] | None = None) -> Done:
    """Run the command's entry point here."""
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("TANDEM")]:
            patch.delenv(name)
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["tandem", *map(str, arguments)])
        patch.chdir(PROJECT)
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main()
            except SystemExit as stop:
                code = stop.code
    return Done(int(code or 0), out.getvalue(), err.getvalue())


def environment(warehouse: Warehouse) -> dict[str, str]:
    """Environment variables that make the command use this warehouse."""
    return {
        "TANDEM_DATABASE_URL": warehouse.url,
        "TANDEM_HOME": str(warehouse.settings.home),
        "TANDEM_PROJECT_DIR": str(warehouse.settings.project_dir),
    }


def start(warehouse: Warehouse, *arguments: object) -> subprocess.Popen[str]:
    """Start the command in a process group of its own."""
    return subprocess.Popen(
        [TANDEM, *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | environment(warehouse),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def assert_one_sentence(text: str) -> None:
    """One line that ends as a sentence does, and no traceback."""
    assert "Traceback" not in text
    assert len(text.strip().splitlines()) == 1, text
    assert text.strip().endswith((".", "?")), text
    assert "should not have" not in text
