"""dbt's unit tests, which stand beside the models whose rules they protect."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.warehouse import PROJECT, Warehouse

pytestmark = pytest.mark.xdist_group("rules")

AT_LEAST = 20


def test_all_pass(examples: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    # a warehouse that has been built: the columns of what a test gives are looked up in its tables
    from dbt.cli.main import dbtRunner  # noqa: PLC0415  (takes seconds)

    monkeypatch.setenv("TANDEM_DATABASE_URL", examples.url)
    folder = Path.cwd()
    outcome = dbtRunner().invoke(
        [
            "test",
            "--select",
            "test_type:unit",
            "--project-dir",
            str(PROJECT),
            "--profiles-dir",
            str(PROJECT),
            "--log-path",
            str(examples.settings.home / "logs"),
            "--log-level",
            "none",
            "--quiet",
        ]
    )
    os.chdir(folder)
    assert outcome.exception is None
    results = [
        result
        for result in outcome.result  # type: ignore[union-attr]
        if result.node.resource_type == "unit_test"
    ]
    failed = {
        result.node.name: result.message for result in results if str(result.status) != "pass"
    }
    assert failed == {}
    assert len(results) >= AT_LEAST
