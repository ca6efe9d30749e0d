"""A town with a closed month and a second one that a close has worked out and not issued."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tandem.database import exclusive
from tandem.errors import Refused
from tandem.generate import Town, generate
from tandem.running import load_folder
from tests.invariants import neighbours
from tests.support.warehouse import Warehouse

FOLDERS = ("control", "closing", "invariants")
TOWN = Town(
    accounts=40,
    months=2,
    seed=11,
    first_month=date(2025, 6, 1),
    calls_per_account_per_day=5.0,
)

# as if a model had a bug: when dbt makes the settlement of a close anew, a cent too much
A_CENT_TOO_MUCH = """
create function public.a_cent_too_much() returns event_trigger language plpgsql as $$
begin
    if exists (
        select from pg_event_trigger_ddl_commands()
        where object_identity = 'settlement.int_closing_settlement_lines'
    ) then
        update settlement.int_closing_settlement_lines
        set remainder_amount = remainder_amount + 0.01, total_amount = total_amount + 0.01;
    end if;
end $$;
create event trigger a_cent_too_much on ddl_command_end
    when tag in ('CREATE TABLE AS') execute function public.a_cent_too_much();
"""
WITHOUT_IT = """
drop event trigger a_cent_too_much;
update settlement.int_closing_settlement_lines
set remainder_amount = remainder_amount - 0.01, total_amount = total_amount - 0.01;
"""


@dataclass(frozen=True)
class Proven:
    """A warehouse and the tests that judge it.

    Attributes:
        warehouse: with one month closed, and the next worked out.
        tests: SQL by name.
        refusal: what the close of that month said, for a model had a bug.
        closes: how many closes have issued anything.
    """

    warehouse: Warehouse
    tests: dict[str, str]
    refusal: str
    closes: int


@pytest.fixture(scope="session")
def proven(
    make_warehouse: Callable[[], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> Proven:
    warehouse = make_warehouse()
    town = tmp_path_factory.mktemp("town") / "town"
    generate(TOWN, town)

    def load(name: str) -> None:
        with exclusive(warehouse.settings, "load") as connection:
            load_folder(connection, town / name)

    neighbours.move_in(warehouse)
    neighbours.live(warehouse, "June")
    load("2025-06")
    warehouse.close(date(2025, 7, 1))
    for name in ("2025-06-late", "2025-07"):
        load(name)
    neighbours.live(warehouse, "July")
    warehouse.execute(A_CENT_TOO_MUCH)
    try:
        warehouse.close(date(2025, 8, 1))
        refusal = ""
    except Refused as refused:
        refusal = str(refused)
    warehouse.execute(WITHOUT_IT)
    (row,) = warehouse.rows("select count(distinct close_id) as closes from issued.bills")
    return Proven(warehouse, compiled_tests(warehouse), refusal, row["closes"])


def compiled_tests(warehouse: Warehouse) -> dict[str, str]:
    """SQL of the singular tests in ``FOLDERS``, as dbt runs it."""
    from dbt.cli.main import dbtRunner  # noqa: PLC0415  (takes seconds)

    project = str(warehouse.settings.project_dir)
    before = os.environ.get("TANDEM_DATABASE_URL")
    folder = Path.cwd()
    os.environ["TANDEM_DATABASE_URL"] = warehouse.url
    try:
        outcome = dbtRunner().invoke(
            [
                "compile",
                "--select",
                "test_type:singular",
                "--project-dir",
                project,
                "--profiles-dir",
                project,
                "--log-path",
                str(warehouse.settings.home / "logs"),
                "--log-level",
                "none",
                "--quiet",
            ]
        )
    finally:
        os.chdir(folder)
        if before is None:
            del os.environ["TANDEM_DATABASE_URL"]
        else:
            os.environ["TANDEM_DATABASE_URL"] = before
    assert outcome.success, outcome.exception
    return {
        result.node.name: result.node.compiled_code
        for result in outcome.result  # type: ignore[union-attr]
        if result.node.resource_type == "test" and result.node.fqn[1] in FOLDERS
    }
