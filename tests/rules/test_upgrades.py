"""After an upgrade the open part is made anew, once, by the code that is there now."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tandem.errors import Refused
from tests.support.warehouse import PROJECT, Databases, Warehouse, copy_project


@pytest.fixture
def own(databases: Databases, prepared: str, tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse of a project whose macros and functions can be edited."""
    project = copy_project(tmp_path / "project", {})
    for folder in ("macros", "functions"):
        (project / folder).unlink()
        shutil.copytree(PROJECT / folder, project / folder)
    with databases.warehouse(tmp_path / "feeds", prepared, project) as made:
        yield made


def is_rebuild(warehouse: Warehouse) -> bool:
    warehouse.build()
    return bool(warehouse.rows("select is_rebuild from control.run_values")[0]["is_rebuild"])


def edit(path: Path, words: str, instead: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(words) == 1
    path.write_text(text.replace(words, instead), encoding="utf-8")


def test_a_change_of_code_is_a_rebuild(own: Warehouse) -> None:
    # how a charge is rounded stands in a macro, how units are drawn in a function: accounts without
    # new records would keep the figures of the old code
    assert is_rebuild(own)
    assert not is_rebuild(own)
    edit(own.project / "macros" / "usage_charge.sql", "~ ' / ' ~", "~ ' / 1 / ' ~")
    # a table of the old code lacks what the new one adds
    own.execute("alter table integrity.int_accounts drop column billing_system cascade")
    assert is_rebuild(own)
    edit(own.project / "functions" / "fold_pool.sql", "need := demand_quantity;", "need := 0;")
    assert is_rebuild(own)


def test_a_database_of_an_older_version_is_set_up_first(warehouse: Warehouse) -> None:
    """A role that a new version brings is asked for before dbt stumbles over it."""
    warehouse.execute("alter role tandem_server rename to tandem_other")
    try:
        with pytest.raises(Refused, match=r"\(tandem_server is missing\); run 'tandem init' first"):
            warehouse.build()
    finally:
        warehouse.execute("alter role tandem_other rename to tandem_server")
