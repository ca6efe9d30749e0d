"""The real warehouse in a database of its own, driven through the library as the commands do."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.rows import dict_row

from tandem import closing, initialising
from tandem.database import exclusive
from tandem.feeds import FEEDS
from tandem.loading import LoadResult, load_file
from tandem.rollover import requests
from tandem.server import SUPERUSER, EmbeddedServer
from tandem.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
Row = Mapping[str, str | None]


@dataclass(frozen=True)
class Warehouse:
    """A project and its database.

    Attributes:
        databases: the server.
        name: of the database, while another one is in use.
        project: folder of the dbt project.
        folder: where feed files are written.
    """

    databases: Databases
    name: str
    project: Path
    folder: Path

    @property
    def settings(self) -> Settings:
        """As the commands read them."""
        return Settings(self.project, self.databases.home, self.url)

    @property
    def url(self) -> str:
        """Where to connect to, until another warehouse is used."""
        return self.databases.use(self.name, self.project)

    def init(self) -> None:
        with exclusive(self.settings, "init") as connection:
            initialising.initialise(self.settings, connection)

    def load(
        self,
        feed: str,
        rows: Sequence[Row],
        carrier: str | None = None,
        as_of: datetime | None = None,
        **options: Any,
    ) -> LoadResult:
        """Write rows as a CSV file of their own and load it."""
        path = self.folder / f"{feed}-{uuid.uuid4().hex}.csv"
        names = list(dict.fromkeys(name for row in rows for name in row))
        for column in FEEDS[feed].columns:
            if column.must_be_in_header and column.name not in names:
                names.append(column.name)
        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, names, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return self.load_path(feed, path, carrier, as_of, **options)

    def load_path(
        self,
        feed: str,
        path: Path,
        carrier: str | None = None,
        as_of: datetime | None = None,
        **options: Any,
    ) -> LoadResult:
        with exclusive(self.settings, "load") as connection:
            return load_file(
                connection, FEEDS[feed], path, carrier_id=carrier, as_of=as_of, **options
            )

    def build(self, *, full_refresh: bool = False, as_of: datetime | None = None) -> None:
        with exclusive(self.settings, "build") as connection:
            closing.build(self.settings, connection, as_of=as_of, full_refresh=full_refresh)

    def close(
        self, through: date, bill_cycle_day: int | None = None, as_of: datetime | None = None
    ) -> closing.CloseResult:
        with exclusive(self.settings, "close") as connection:
            return closing.close(self.settings, connection, through, bill_cycle_day, as_of=as_of)

    def freeze(self, request_id: str, account_ids: Sequence[str] | None = None) -> None:
        """Write down what `rollover_requests` says, as `tandem rollover request --freeze` does."""
        with exclusive(self.settings, "freeze") as connection:
            requests.freeze(connection, account_ids or (), request_id)

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """Rows of a query as dictionaries."""
        with psycopg.connect(self.url, row_factory=dict_row, options="-c timezone=UTC") as session:
            return session.execute(query.encode(), parameters or None).fetchall()

    def mart(self, name: str) -> list[dict[str, Any]]:
        return self.rows(f"select * from {name}")

    def execute(self, statement: str, *parameters: Any) -> None:
        with psycopg.connect(self.url) as session:
            session.execute(statement.encode(), parameters or None)


class Databases:
    """Databases on one embedded server; new ones are copies of a prepared one.

    dbt parses the whole project anew for another database, which takes longer than most tests. So
    the one in use always has the same name: it gets it when it is used, and its own back when
    another is.
    """

    IN_USE = "in_use"

    def __init__(self, home: Path, targets: Path) -> None:
        self.home = home
        self.targets = targets
        self.server = EmbeddedServer(home)
        self.server.up()
        self.used: str | None = None

    def use(self, name: str, project: Path) -> str:
        """URL of a database, which is now the one in use; dbt's artefacts go by project."""
        target = self.targets / hashlib.sha256(str(project).encode()).hexdigest()[:12]
        if not target.exists():
            # of another copy of the project dbt reads only what differs from the one it has parsed
            parsed = next(self.targets.glob("*/partial_parse.msgpack"), None)
            target.mkdir(parents=True)
            if parsed is not None:
                shutil.copy(parsed, target)
        os.environ["DBT_TARGET_PATH"] = str(target)
        if self.used != name:
            with self._session() as session:
                if self.used is not None:
                    self._rename(session, self.IN_USE, self.used)
                self._rename(session, name, self.IN_USE)
            self.used = name
        socket = quote(str(self.server.socket_dir), safe="/")
        return f"postgresql://{SUPERUSER}@/{self.IN_USE}?host={socket}"

    def create(self, name: str, template: str | None = None) -> None:
        """Make a database, empty or as a copy."""
        with self._session() as session:
            if template is None:
                session.execute(f"create database {name}")
            else:
                present = self.IN_USE if template == self.used else template
                self._disconnect(session, present)
                session.execute(f"create database {name} template {present} strategy file_copy")

    def drop(self, name: str) -> None:
        with self._session() as session:
            present = self.IN_USE if name == self.used else name
            session.execute(f"drop database if exists {present} with (force)")
        if name == self.used:
            self.used = None

    @contextmanager
    def warehouse(
        self, folder: Path, template: str | None = None, project: Path = PROJECT
    ) -> Iterator[Warehouse]:
        """A warehouse in a fresh database, dropped afterwards."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        self.create(name, template)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            yield Warehouse(self, name, project, folder)
        finally:
            self.drop(name)

    def prepare(self, name: str, folder: Path, project: Path = PROJECT) -> str:
        """Make a database that has been initialised, for others to be copied from."""
        self.drop(name)
        self.create(name)
        folder.mkdir(parents=True, exist_ok=True)
        Warehouse(self, name, project, folder).init()
        return name

    def _session(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.server.url("postgres"), autocommit=True)

    def _rename(self, session: psycopg.Connection[Any], name: str, to: str) -> None:
        self._disconnect(session, name)
        session.execute(f"alter database {name} rename to {to}".encode())

    @staticmethod
    def _disconnect(session: psycopg.Connection[Any], name: str) -> None:
        """End what a test or a killed command has left open."""
        session.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s",
            (name,),
        )


def copy_project(target: Path, seeds: Mapping[str, Sequence[Mapping[str, str]]]) -> Path:
    """The project with other seeds: everything else is linked."""
    target.mkdir(parents=True)
    for entry in (
        "models",
        "macros",
        "functions",
        "snapshots",
        "tests",
        "dbt_project.yml",
        "profiles.yml",
    ):
        (target / entry).symlink_to(PROJECT / entry)
    shutil.copytree(PROJECT / "seeds", target / "seeds")
    for name, rows in seeds.items():
        if not rows:  # a seed of a header alone stays as it is
            continue
        with (target / "seeds" / f"{name}.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return target


def write_jsonl(path: Path, rows: Sequence[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


__all__ = ["PROJECT", "Databases", "Warehouse", "copy_project", "write_jsonl"]
