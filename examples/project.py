"""A Tandem project with another catalog: ``python -m examples.project CATALOG_DIR OUT_DIR``.

Everything is linked from this project; only the seeds are copied, and those that CATALOG_DIR brings
take the place of ours. Point ``TANDEM_PROJECT_DIR`` to OUT_DIR to use it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from examples.mapping import folders

PROJECT = Path(__file__).resolve().parents[1]
LINKED = (
    "models", "macros", "functions", "snapshots", "tests", "dbt_project.yml", "profiles.yml",
)  # fmt: skip


def make_project(catalog: Path, out: Path) -> Path:
    """Make the project; what an earlier call made there is replaced.

    Args:
        catalog: folder with the seeds that differ, as CSV.
        out: folder of the project.

    Raises:
        ValueError: a file that is no seed of ours.
    """
    ours = {path.name for path in (PROJECT / "seeds").glob("*.csv")}
    theirs = sorted(catalog.glob("*.csv"))
    unknown = [path.name for path in theirs if path.name not in ours]
    if unknown or not theirs:
        raise ValueError(f"{catalog} holds no catalog: {', '.join(unknown) or 'no CSV file'}")
    out.mkdir(parents=True, exist_ok=True)
    for name in LINKED:
        link = out / name
        link.unlink(missing_ok=True)
        if (PROJECT / name).exists():
            link.symlink_to(PROJECT / name)
    shutil.rmtree(out / "seeds", ignore_errors=True)
    shutil.copytree(PROJECT / "seeds", out / "seeds")
    for path in theirs:
        shutil.copyfile(path, out / "seeds" / path.name)
    return out


if __name__ == "__main__":
    source, target = folders("A Tandem project with the catalog of an example.")
    print(f"Made {make_project(source, target)}.")
