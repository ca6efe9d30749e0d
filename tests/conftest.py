"""What all tests share: one embedded server, and databases copied from an initialised one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.warehouse import Databases, Warehouse

# Files of a minute and more, which begin first, so that no process ends minutes before the other.
LONG_FILES = (
    "properties/test_against_rater",
    "properties/test_orders_against_rater",
    "rules/test_after_closes",
    "cli/test_closing",
    "catalog/test_gate",
    "cli/test_commands",
    "rules/test_bundle_integrity",
    "rules/test_rollover",
    "rules/test_runs",
    "cli/test_kill",
    "invariants/",
    "serve/",
    "portal/",
    "access/",
    "rules/",
    "outbox/",
    "cli/",
    "generate/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((i for i, name in enumerate(LONG_FILES) if name in path), len(LONG_FILES))

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Wide enough output, and dbt's artefacts apart from those of a user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_TARGET_PATH", str(tmp_path_factory.mktemp("target")))
        patch.setenv("COLUMNS", "100")
        yield


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """An embedded server of the test process's own."""
    # a socket's path has at most 107 characters, so not below pytest's own long one
    home = Path(tempfile.mkdtemp(prefix="tandem-"))
    server = Databases(home, tmp_path_factory.mktemp("targets"))
    yield server
    server.server.down()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def prepared(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a database on which `tandem init` has been run, to copy others from."""
    return databases.prepare("prepared", tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="session")
def make_warehouse(
    databases: Databases, prepared: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Warehouse]]:
    """Make initialised warehouses, each in a database of its own."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(
            databases.warehouse(tmp_path_factory.mktemp("warehouse"), template=prepared)
        )


@pytest.fixture(scope="session")
def copy_of(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Warehouse], Warehouse]]:
    """Make a warehouse like another one."""
    with ExitStack() as stack:
        yield lambda original: stack.enter_context(
            databases.warehouse(tmp_path_factory.mktemp("copy"), template=original.name)
        )


@pytest.fixture
def warehouse(databases: Databases, prepared: str, tmp_path: Path) -> Iterator[Warehouse]:
    """An initialised warehouse for one test."""
    with databases.warehouse(tmp_path / "feeds", template=prepared) as made:
        yield made
