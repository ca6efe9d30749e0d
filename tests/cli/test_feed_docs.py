"""docs/feeds.md is what the loader knows of the feeds; run as a module, this writes it anew."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml

from tandem.feeds import FEEDS, FUTURE_TOLERANCE, MAX_FIELD_LENGTH, Column, Feed
from tandem.loading.validation import KINDS
from tests.support.warehouse import PROJECT

PAGE = PROJECT / "docs" / "feeds.md"
PREFACE = f"""\
What the files must look like that `tandem load FEED FILE...` takes. CSV (with a header, columns
in any order), JSON Lines or Parquet with the same names, chosen by extension; `.csv` and `.jsonl`
also as `.gz` or `.zst`. Empty means null. Columns that a feed does not have are ignored, and
named. A field has at most {MAX_FIELD_LENGTH} characters.

A row that cannot be used goes to `raw.rejects` with the first reason that holds of `bad_shape`,
`missing_value`, `too_long`, `bad_type`, `bad_value`, `bad_number`, `future_time` and
`conflicting_duplicate`; the rest of the file is loaded. Of rows with the same key the first
stands: the same content again is a duplicate, other content is rejected.

Quantities of rollover units are in units of the pool (minutes, messages, megabytes, events).
Those of adjustments are whole numbers of base units (seconds, bytes) exactly; those of opening
balances and reports as far as six decimals can tell.
"""
WORDS = {
    "text": "text",
    "choice": "one of",
    "time_zone": "a time zone of the IANA list",
    **KINDS,
}


@cache
def meanings() -> dict[str, dict[str, str]]:
    """What each column of each raw table means, as the project's documentation says."""
    blocks = dict(
        re.findall(
            r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}",
            (PROJECT / "models" / "_columns.md").read_text(encoding="utf-8"),
            re.S,
        )
    )

    def resolved(text: str) -> str:
        found = re.fullmatch(r"{{ doc\('(\w+)'\) }}", text.strip())
        return " ".join((blocks[found[1]] if found else text).split())

    path = PROJECT / "models" / "staging" / "_staging__sources.yml"
    sources: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
    (raw,) = (source for source in sources if source["name"] == "raw")
    return {
        table["name"]: {
            "": resolved(table["description"]),
            **{column["name"]: resolved(column["description"]) for column in table["columns"]},
        }
        for table in raw["tables"]
    }


def needed(column: Column) -> str:
    """Whether a row must have it."""
    if column.required is True:
        return "yes"
    if column.required:
        return f"if `{column.required}`"
    if column.default is not None:
        return f"no: `{column.default}`".replace("'", "")
    return "no"


def kind(column: Column) -> str:
    """What its values look like."""
    words = WORDS[column.kind]
    if column.choices:
        words = ", ".join(f"`{choice}`" for choice in column.choices)
    if column.minimum is not None and column.maximum is not None:
        words += f", {column.minimum} to {column.maximum}"
    elif column.minimum is not None:
        words += f", not below {column.minimum}"
    elif column.maximum is not None:
        words += f", at most {column.maximum}"
    if column.not_in_future:
        words += f"; at most {FUTURE_TOLERANCE} after the load"
    return words


def section(feed: Feed) -> str:
    """One feed."""
    told = meanings()[feed.name]
    lines = [f"## `{feed.name}`", told[""]]
    options = [
        "`--carrier ID`" if feed.has_carrier else "",
        "`--as-of T`: the instant for which the batch is complete" if feed.has_as_of else "",
    ]
    if any(options):
        lines.append("Needs " + " and ".join(option for option in options if option) + ".")
    if feed.key:
        of_carrier = ", of its carrier" if feed.has_carrier else ""
        lines.append(f"Key: {', '.join(f'`{name}`' for name in feed.key)}{of_carrier}.")
    lines += ["", "| column | is | needed | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{column.name}` | {kind(column)} | {needed(column)} | {told[column.name]} |"
        for column in feed.columns
    ]
    if feed.bad_values:
        lines += ["", "Also `bad_value`:"]
        lines += [f"- {sentence}" for _, sentence in feed.bad_values]
    return "\n".join(lines) + "\n"


def page() -> str:
    """The page: each feed with its columns."""
    return "\n".join(["# Feeds\n", PREFACE, *(section(feed) for feed in FEEDS.values())])


def test_the_page_is_what_the_loader_knows() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.cli.test_feed_docs"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
