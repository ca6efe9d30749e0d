"""Two towns that most tests look at: one with trouble, one without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tandem.generate import Summary, Town, generate

from .reading import Warehouse

TROUBLED = Town(accounts=70, months=2, seed=11, calls_per_account_per_day=6.0, adjustments=True)
CLEAN = replace(TROUBLED, trouble=False)


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """A town with trouble."""
    return generate(TROUBLED, Path(tmp_path_factory.mktemp("troubled")))


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """The same town without."""
    return generate(CLEAN, Path(tmp_path_factory.mktemp("clean")))


@pytest.fixture(scope="session")
def troubled_load(troubled: Summary) -> Warehouse:
    """What a load makes of the troubled town."""
    return Warehouse(troubled)


@pytest.fixture(scope="session")
def clean_load(clean: Summary) -> Warehouse:
    """What a load makes of the clean town."""
    return Warehouse(clean)
