"""``tandem check``: the invariants on the present database.

The checks are dbt tests with the tag ``invariant``; what each proves stands in its ``meta``.
Other tests that read the whole history (keys, references) have the tag ``audit``; they can run too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tandem.building import AUDIT_TAG, RunRequest, requested
from tandem.database import Connection
from tandem.dbt import run_checks
from tandem.settings import Settings

INVARIANT_TAG = "tag:invariant"
# in the order in which they are told
INVARIANTS = (
    "Nothing is lost",
    "Units are conserved",
    "Money is conserved",
    "Closed is closed",
)
OTHER = "Keys and references"


@dataclass(frozen=True)
class CheckResult:
    """One check.

    Attributes:
        name: of the dbt test.
        invariant: which invariant it belongs to, or ``OTHER``.
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
    *,
    everything: bool = False,
) -> list[CheckResult]:
    """Run the checks. The caller holds the lock.

    Args:
        settings: project and database.
        connection: the session that holds the lock.
        on_check: told as checks begin.
        everything: the audits that belong to no invariant as well.

    Returns:
        What each found, in the order of ``INVARIANTS``.

    Raises:
        Refused: dbt could not run.
    """
    with requested(connection, RunRequest()):
        outcomes = run_checks(
            settings,
            ["test", "--select", INVARIANT_TAG, *([AUDIT_TAG] if everything else [])],
            on_check,
        )
    results = [
        CheckResult(
            outcome.name,
            str(outcome.meta.get("invariant", OTHER)),
            str(outcome.meta.get("proves", outcome.name)),
            outcome.passed,
            outcome.message,
        )
        for outcome in outcomes
    ]
    order = {name: place for place, name in enumerate(INVARIANTS)}
    return sorted(
        results,
        key=lambda result: (order.get(result.invariant, len(order)), result.description),
    )
