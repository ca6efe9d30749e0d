"""A warehouse that the tests of a module share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.samples import empty
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
