"""A warehouse that the tests of a module share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.samples import empty
from tests.cli.town import THROUGH, load_folder, make_town
from tests.support.warehouse import Warehouse


@pytest.fixture(scope="module")
def shared(make_warehouse: Callable[[], Warehouse]) -> Warehouse:
    """An initialised warehouse for the module, with whatever its tests leave in it."""
    return make_warehouse()


@pytest.fixture
def clean(shared: Warehouse) -> Warehouse:
    """The module's warehouse with nothing loaded."""
    empty(shared)
    return shared


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Feeds of a small town, in folders by month."""
    return make_town(tmp_path_factory.mktemp("town") / "town")


@pytest.fixture(scope="session")
def june(make_warehouse: Callable[[], Warehouse], town: Path) -> Warehouse:
    """June of the town, loaded and built by nobody yet; not to be changed."""
    warehouse = make_warehouse()
    load_folder(warehouse, town / "2025-06")
    return warehouse


@pytest.fixture(scope="session")
def june_closed(june: Warehouse, copy_of: Callable[[Warehouse], Warehouse]) -> Warehouse:
    """June closed in one go; not to be changed."""
    warehouse = copy_of(june)
    warehouse.close(THROUGH)
    return warehouse
