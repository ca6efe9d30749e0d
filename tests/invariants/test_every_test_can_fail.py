"""A test that cannot fail proves nothing: each gate and invariant holds on a sound warehouse, and
finds the damage that it is there for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from tandem.app import app
from tests.invariants.conftest import FOLDERS, Proven
from tests.invariants.mutations import MUTATIONS
from tests.support.warehouse import PROJECT

INVARIANTS = sorted(name for name in MUTATIONS if "closing" not in name and "control_" not in name)
CASES = [(test, what) for test, damages in MUTATIONS.items() for what in damages]


def test_every_test_has_its_damage() -> None:
    files = {
        path.stem for folder in FOLDERS for path in Path(PROJECT, "tests/dbt", folder).glob("*.sql")
    }
    assert files == set(MUTATIONS)


def test_a_failing_gate_keeps_a_close_from_issuing(proven: Proven) -> None:
    assert "assert_closing_settlement_is_revenue" in proven.refusal
    assert proven.closes == 1


@pytest.mark.parametrize("test", sorted(MUTATIONS))
def test_holds_on_a_sound_warehouse(proven: Proven, test: str) -> None:
    with psycopg.connect(proven.warehouse.url) as session:
        assert session.execute(proven.tests[test].encode()).fetchall() == []


@pytest.mark.parametrize(("test", "what"), CASES, ids=[f"{t}-{w}" for t, w in CASES])
def test_finds(proven: Proven, test: str, what: str) -> None:
    with psycopg.connect(proven.warehouse.url) as session:
        for statement in MUTATIONS[test][what]:
            cursor = session.execute(statement.encode())
            assert statement.startswith("alter") or cursor.rowcount > 0, statement
        assert session.execute(proven.tests[test].encode()).fetchall()
        session.rollback()


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
