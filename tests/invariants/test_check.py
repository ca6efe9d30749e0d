"""`tandem check` on a sound warehouse and on a damaged one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from tandem.app import app
from tests.invariants.conftest import Proven
from tests.invariants.mutations import MUTATIONS

pytestmark = pytest.mark.xdist_group("invariants")

INVARIANTS = sorted(name for name in MUTATIONS if "closing" not in name and "control_" not in name)


@pytest.fixture
def a_cent_more(proven: Proven, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One bill line with a cent that its bill does not have."""
    line = "where line_number = 1 and bill_id = (select min(bill_id) from issued.bills)"
    monkeypatch.setenv("TANDEM_DATABASE_URL", proven.warehouse.url)
    proven.warehouse.execute(f"update issued.bill_lines set amount = amount + 0.01 {line}")
    yield
    proven.warehouse.execute(f"update issued.bill_lines set amount = amount - 0.01 {line}")


def test_says_what_fails_within_a_page(a_cent_more: None) -> None:
    # a check that reported success over a bill that does not add up would be worse than none
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 1
    assert max(len(line.rstrip()) for line in result.stdout.splitlines()) <= 100
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    assert any("each bill is the sum of its lines" in line for line in failed)
    assert all("row" in line for line in failed)
    passed = [line for line in result.stdout.splitlines() if line.startswith("pass")]
    assert len(passed) + len(failed) == len(INVARIANTS)
    # in the order in which the invariants are told
    assert "Nothing is lost" in passed[0]
