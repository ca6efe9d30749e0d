"""From a town to its folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tandem.generate.calendar import Calendar
from tandem.generate.cdrs import write_cdrs
from tandem.generate.feeds import FeedWriter
from tandem.generate.population import populate
from tandem.generate.readme import readme
from tandem.generate.summary import Summary
from tandem.generate.town import Town


def generate(
    town: Town, out: Path, progress: Callable[[str, int, int], None] | None = None
) -> Summary:
    """Write the sample feeds of a town into the folder `out`.

    `out` must not exist, or be empty: else FileExistsError. It appears when all is written; what
    an interrupted run left beside it is removed by the next. `progress` is called with the stage
    (accounts, feeds, cdrs), what is done and the total.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} exists and is not an empty folder")
    say = progress or (lambda _stage, _done, _total: None)
    draft = out.absolute().parent / f".{out.absolute().name}.tandem-generate"
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(parents=True)
    calendar = Calendar(town.first_month, town.months)
    people = populate(town, calendar, say)
    written = FeedWriter(town, calendar, people, draft).write_all(say)
    written += write_cdrs(town, calendar, people, draft, say)
    files = tuple(sorted(written, key=lambda file: (file.folder, file.path)))
    summary = Summary(
        out=out,
        files=files,
        trouble={kind: n for kind, n in sorted(people.trouble.items()) if n}
        if town.trouble
        else {},
        stories=dict(people.stories),
        accounts=len(people.accounts),
        lines=len(people.lines),
        cdrs=sum(file.rows for file in files if file.feed == "cdrs"),
        cases={kind: tuple(found) for kind, found in sorted(people.cases.items())},
        exceptions={kind: n for kind, n in sorted(people.exceptions.items()) if n},
    )
    (draft / "README.txt").write_text(readme(town, calendar, summary), encoding="utf-8")
    if out.exists():
        out.rmdir()
    draft.rename(out)
    return summary
