"""A test that cannot fail proves nothing: each gate and invariant holds on a sound warehouse, and
finds the damage that it is there for."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.invariants.conftest import FOLDERS, Proven
from tests.invariants.mutations import MUTATIONS
from tests.support.warehouse import PROJECT

pytestmark = pytest.mark.xdist_group("invariants")

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
