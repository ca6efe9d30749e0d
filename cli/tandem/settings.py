"""Where things are: the project, the working folder and the database.

Everything is taken from the environment, so that ``dbt`` beside the CLI (through
``profiles.yml``) sees the same database:

``TANDEM_DATABASE_URL``
    any Postgres >= 16, as ``postgresql://user:password@host:port/database``. Unset: the embedded
    server under the working folder.
``TANDEM_READER_DATABASE_URL``
    the same database, by a login that can only become the roles that ``tandem serve`` reads as.
    Unset: it reads by the login of ``TANDEM_DATABASE_URL``.
``TANDEM_HOME``
    the working folder, by default ``.tandem`` in the project.
``TANDEM_PROJECT_DIR``
    the folder of ``dbt_project.yml``, by default found from the current folder upward, then from
    where this package lies.

Read by ``profiles.yml`` alone: ``TANDEM_THREADS``, how many models a build works on at a time.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tandem.errors import Refused

PROJECT_FILE = "dbt_project.yml"


@dataclass(frozen=True)
class Settings:
    """Resolved places.

    Attributes:
        project_dir: folder of ``dbt_project.yml``.
        home: working folder (embedded server, logs).
        database_url: the configured database, or None for the embedded server.
        reader_url: how the server reads, if not in the same way.
    """

    project_dir: Path
    home: Path
    database_url: str | None
    reader_url: str | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether the embedded server is used."""
        return self.database_url is None


def load() -> Settings:
    """Read the settings from the environment.

    Raises:
        Refused: the project cannot be found.
    """
    project_dir = _project_dir()
    home = Path(os.environ.get("TANDEM_HOME") or project_dir / ".tandem").absolute()
    return Settings(
        project_dir,
        home,
        os.environ.get("TANDEM_DATABASE_URL") or None,
        os.environ.get("TANDEM_READER_DATABASE_URL") or None,
    )


def _project_dir() -> Path:
    configured = os.environ.get("TANDEM_PROJECT_DIR")
    if configured:
        if not (Path(configured) / PROJECT_FILE).is_file():
            raise Refused(f"There is no {PROJECT_FILE} in TANDEM_PROJECT_DIR ({configured}).")
        return Path(configured).absolute()
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[2]):
        candidate = folder / PROJECT_FILE
        if candidate.is_file() and "name: tandem" in candidate.read_text(encoding="utf-8"):
            return folder
    raise Refused(
        f"No Tandem project ({PROJECT_FILE}) found; run inside it or set TANDEM_PROJECT_DIR."
    )
