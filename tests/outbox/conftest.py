"""Databases with an outbox and little else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tandem import schema
from tests.outbox.support import MART
from tests.support.warehouse import PROJECT, Databases, Warehouse


@pytest.fixture(scope="session")
def with_outbox(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a database with what `tandem init` makes but the catalog, and a table for the mart
    of orders to pass through."""
    name = "with_outbox"
    databases.drop(name)
    databases.create(name)
    made = Warehouse(databases, name, PROJECT, tmp_path_factory.mktemp("with_outbox"))
    for _ in range(2):  # it is safe to repeat
        with psycopg.connect(made.url, autocommit=True) as session:
            schema.initialise(session)
    made.execute(MART)
    return name


@pytest.fixture
def outbox(databases: Databases, with_outbox: str, tmp_path: Path) -> Iterator[Warehouse]:
    """A database with an empty outbox."""
    with databases.warehouse(tmp_path / "feeds", template=with_outbox) as made:
        yield made
