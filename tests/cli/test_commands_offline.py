"""What every command promises, as far as it shows without a database."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from tandem import console, exporting
from tandem.processes import is_running
from tests.cli.running import COMMANDS, TANDEM, assert_one_sentence, tandem

pytestmark = pytest.mark.xdist_group("commands")


def test_there_are_commands() -> None:
    assert {"up", "load", "close", "bills show", "bills render", "demo"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_tells_what_and_how(name: str) -> None:
    command = COMMANDS[name]
    text = command.help or ""
    assert re.match(r"[A-Z].+\.", text), name
    example = re.search(r"Example: \[bold\](.*)\[/\]", text)
    assert example is not None, f"{name} has no example"
    assert f"tandem {name}" in example.group(1)
    for parameter in command.params:
        if parameter.name != "help" and not getattr(parameter, "hidden", False):
            assert getattr(parameter, "help", None), f"{name} {parameter.name} has no help"


@pytest.mark.parametrize("name", COMMANDS)
def test_example_is_an_invocation_that_parses(name: str) -> None:
    example = re.search(r"Example: \[bold\](.*)\[/\]", COMMANDS[name].help or "")
    assert example is not None
    words = example.group(1).split()
    if words[0] != "tandem":
        return  # within another program's, as url is
    arguments = words[1 + len(name.split()) :]
    with COMMANDS[name].make_context(name, arguments, resilient_parsing=False):
        pass


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_the_page(name: str) -> None:
    done = tandem(*name.split(), "--help")
    assert (done.code, done.err) == (0, "")
    assert all(len(line) <= 100 for line in done.out.splitlines())
    assert not name or "Example:" in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["load"],
        ["load", "cdrs"],
        ["load", "calls", "x.csv"],
        ["load", "cdrs", "x.csv", "--max-rejects", "lots"],
        ["load", "cdrs", "x.csv", "--max-rejects", "101%"],
        ["load", "cdrs", "x.csv", "--max-rejects", "-1"],
        ["load", "cdrs", "x.csv", "--max-rejects", "NaN"],
        ["load", "subscribers", "x.csv", "--as-of", "yesterday"],
        ["load", "subscribers", "x.csv", "--as-of", "2025-06-01T00:00:00"],
        ["close"],
        ["close", "--through", "July"],
        ["close", "--through", "2025-02-30"],
        ["close", "--through", "2025-07-01", "--bill-cycle-day", "29"],
        ["build", "--as-of", "2025-07-01"],
        ["bills", "render"],
        ["bills", "show"],
        ["export", "bills"],
        ["generate", "--accounts", "0", "--out", "x"],
        ["loads", "--limit", "0"],
        ["up", "--port", "1"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(arguments: list[str], tmp_path: Path) -> None:
    done = tandem(*arguments, env={"TANDEM_HOME": str(tmp_path / "home")})
    assert done.code == 2, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert "Usage:" in done.err
    assert not (tmp_path / "home").exists()


def test_version_of_the_installed_command() -> None:
    done = subprocess.run([TANDEM, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"tandem \d+\.\d+\.\d+\n", done.stdout)


def test_no_argument_shows_the_help() -> None:
    done = tandem()
    assert "Usage:" in done.out + done.err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "cannot be reached"),
        ("postgresql://nobody@/none?host=/nonexistent", "cannot be reached"),
        ("nonsense", "cannot be reached"),
        ("postgresql://a:s3cret@127.0.0.1:port/x", "cannot be reached"),
        ("postgresql:/a:s3cret@127.0.0.1/x", "cannot be reached"),
        ("postgresql://a:s3cret@127.0.0.1:1/x", "cannot be reached"),
        ("postgresql://a@127.0.0.1:1/x?nonsense=1", "cannot be reached"),
    ],
)
@pytest.mark.parametrize("command", [["loads"], ["close", "--through", "2025-07-01"]], ids=" ".join)
def test_database_out_of_reach(command: list[str], url: str, words: str, tmp_path: Path) -> None:
    done = tandem(*command, env={"TANDEM_DATABASE_URL": url, "TANDEM_HOME": str(tmp_path)})
    assert done.code == 1
    assert done.out == ""
    assert_one_sentence(done.err)
    assert words in done.err
    assert "s3cret" not in done.err


def test_debug_shows_where(tmp_path: Path) -> None:
    env = {"TANDEM_DATABASE_URL": "nonsense", "TANDEM_HOME": str(tmp_path)}
    done = subprocess.run(
        [TANDEM, "--debug", "loads"],
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr and "cannot be reached" in done.stderr


def test_outside_of_a_project(tmp_path: Path) -> None:
    done = tandem("loads", env={"TANDEM_PROJECT_DIR": str(tmp_path)})
    assert done.code == 1
    assert_one_sentence(done.err)
    assert "TANDEM_PROJECT_DIR" in done.err


def test_generate_is_repeatable_and_does_not_overwrite(tmp_path: Path) -> None:
    for name in ("one", "two"):
        done = tandem(
            "generate", "--accounts", 4, "--months", 1, "--seed", 5, "--out", tmp_path / name
        )
        assert done.code == 0, done.err
        assert done.out == ""
        assert "call records and 4 accounts" in done.err
    first, second = (
        {
            str(path.relative_to(tmp_path / name)): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("one", "two")
    )
    assert first == second
    again = tandem("generate", "--accounts", 4, "--months", 1, "--out", tmp_path / "one")
    assert again.code == 1
    assert_one_sentence(again.err)
    bad = tandem("generate", "--out", tmp_path / "three", "--format", "xlsx")
    assert bad.code == 1
    assert_one_sentence(bad.err)
    assert not (tmp_path / "three").exists()


def test_status_of_nothing(tmp_path: Path) -> None:
    env = {"TANDEM_HOME": str(tmp_path / "home")}
    done = tandem("status", "--json", env=env)
    assert done.code == 0
    assert json.loads(done.out)["running"] is False
    assert "nothing in" in tandem("status", env=env).out.replace("\n", " ")
    assert tandem("down", env=env).code == 0
    url = tandem("url", env=env)
    assert url.code == 0 and url.out.startswith("postgresql://")
    assert not (tmp_path / "home").exists()


def test_server_commands_leave_another_database_alone() -> None:
    env = {"TANDEM_DATABASE_URL": "postgresql://somebody@example.invalid/x"}
    for name in ("up", "down", "status"):
        done = tandem(name, env=env)
        assert done.code == 1
        assert_one_sentence(done.err)
    assert tandem("url", env=env).out == "postgresql://somebody@example.invalid/x\n"


HOSTILE = "Ann\x1b[31m\x1b]0;x\x07\x9b2J\r\u202eevil\ttab"


def test_escape_sequences_are_shown_and_not_obeyed() -> None:
    # a name, or the raw text of a rejected row, could repaint the figures beside it
    stream = io.StringIO()
    page = console.PlainConsole(file=stream, width=100, force_terminal=True)
    page.print(HOSTILE, markup=False)
    table = Table("name")
    table.add_row(console.cell(HOSTILE), style="red")
    page.print(table)
    text = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())  # colours of our own
    printed, *_, first, _ = text.splitlines()
    # rich itself leaves out a bell and a carriage return
    assert printed.startswith("Ann␛[31m␛]0;x\ufffd2J\ufffdevil ")
    assert "Ann␛[31m␛]0;x␇\ufffd2J␍\ufffdevil tab" in first
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_json_keeps_what_a_terminal_would_obey_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_json([{"name": HOSTILE}])
    text = capsys.readouterr().out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert json.loads(text) == [{"name": HOSTILE}]


def test_an_export_removes_what_killed_ones_left(tmp_path: Path) -> None:
    out = tmp_path / "bills[1].csv"
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        # ended, and not waited for
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert not is_running(ended.pid)
    assert not is_running(ended.pid)
    assert is_running(os.getpid())
    left = tmp_path / f".{out.name}.{ended.pid}.part"
    at_work = tmp_path / f".{out.name}.{os.getppid()}.part"
    of_another = tmp_path / f".other.csv.{ended.pid}.part"
    for path in (left, at_work, of_another):
        path.write_text("half a")
    exporting.write_rows([{"bill_id": "B1"}], out)
    assert sorted(tmp_path.iterdir()) == sorted([out, at_work, of_another])
