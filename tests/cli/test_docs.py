"""docs/commands.md is what the app says of itself; run as a module, this writes it anew."""

from __future__ import annotations

import re

import pytest

from tests.cli.running import COMMANDS
from tests.support.warehouse import PROJECT

PAGE = PROJECT / "docs" / "commands.md"
PREFACE = """\
Every command ends with 0 (done), 1 (refused or failed, with one sentence on stderr and nothing
changed) or 2 (wrong usage). Results go to stdout, everything else to stderr; `tandem --debug
COMMAND` shows a traceback where something fails. `tandem COMMAND --help` says all of this in the
terminal.
"""


def page() -> str:
    """The page: each command with what it does, an example, and its arguments and options."""
    parts = ["# Commands\n", PREFACE]
    for name, command in COMMANDS.items():
        text = command.help or ""
        described, _, rest = text.partition("Example:")
        example = re.search(r"\[bold\](.*)\[/\]", rest)
        assert example is not None, name
        lines = [
            f"## `tandem {name}`",
            " ".join(described.split()),
            "",
            "```sh",
            example.group(1),
            "```",
        ]
        rows = []
        for parameter in command.params:
            if parameter.name == "help":
                continue
            if parameter.param_type_name == "argument":
                shown = (parameter.metavar or parameter.name or "").upper()
            else:
                shown = ", ".join(parameter.opts)
            required = " (required)" if parameter.required else ""
            said = " ".join((getattr(parameter, "help", None) or "").split())
            rows.append(f"| `{shown}` | {said}{required} |")
        if rows:
            lines += ["", "| argument | meaning |", "|---|---|", *rows]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_stands_on_the_page(name: str) -> None:
    assert f"## `tandem {name}`\n" in PAGE.read_text(encoding="utf-8")


def test_the_page_is_what_the_app_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.cli.test_docs"


def test_documents_name_no_command_that_there_is_not() -> None:
    words = {name.split()[0] for name in COMMANDS}
    pages = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
    named = {
        (path.name, word)
        for path in pages
        for word in re.findall(r"(?:^|[`/])tandem ([a-z]+)", path.read_text(encoding="utf-8"), re.M)
    }
    assert {(path, word) for path, word in named if word not in words} == set()
    assert len(named) > 5


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
