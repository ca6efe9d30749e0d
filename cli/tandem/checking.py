"""``tandem check``: the invariants on the present database.

The checks are dbt tests with the tag ``invariant``; what each proves stands in its ``meta``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tandem.building import RunRequest, requested
from tandem.database import Connection
from tandem.dbt import run_checks
from tandem.settings import Settings


@dataclass(frozen=True)
class CheckResult:
    """One check.

    Attributes:
        name: of the dbt test.
        invariant: which invariant it belongs to.
        description: what it proves.
        passed: whether it holds.
        message: what was found, if it does not.
    """

    name: str
    invariant: str
    description: str
    passed: bool
    message: str


def check(
    settings: Settings,
    connection: Connection,
    on_check: Callable[[str, int, int], None] | None = None,
) -> list[CheckResult]:
    """Run the checks. The caller holds the lock.

    Raises:
        Refused: dbt could not run.
    """
    with requested(connection, RunRequest()):
        outcomes = run_checks(settings, ["test", "--select", "tag:invariant"], on_check)
    results = [
        CheckResult(
            outcome.name,
            str(outcome.meta.get("invariant", "")),
            str(outcome.meta.get("proves", outcome.name)),
            outcome.passed,
            outcome.message,
        )
        for outcome in outcomes
    ]
    return sorted(results, key=lambda result: (result.invariant, result.description))
