"""dbt through its own Python entry point."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tandem.database import DBT_APPLICATION, database_url
from tandem.errors import Refused
from tandem.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class DbtRun:
    """What a dbt run did.

    Attributes:
        done: nodes that ended well.
        done_by_type: how many of them were seeds, models, ...
        failed: (name, message) of nodes that did not.
        seeds: column types by seed that was to be loaded, as the project states them.
        seconds_by_node: how long each took.
        node_seconds: from the start of the first to the end of the last.
    """

    done: int = 0
    done_by_type: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, str]] = field(default_factory=list)
    seeds: dict[str, dict[str, str]] = field(default_factory=dict)
    seconds_by_node: dict[str, float] = field(default_factory=dict)
    node_seconds: float = 0.0


class RunFailed(Refused):
    """Nodes of a run failed.

    Attributes:
        run: what the run did.
    """

    def __init__(self, sentence: str, run: DbtRun) -> None:
        super().__init__(sentence)
        self.run = run


@dataclass(frozen=True)
class CheckOutcome:
    """What a test found.

    Attributes:
        name: of the test.
        meta: what its configuration says of it.
        passed: whether it found nothing.
        message: what it found.
    """

    name: str
    meta: dict[str, Any]
    passed: bool
    message: str


def run_dbt(
    settings: Settings,
    arguments: Sequence[str],
    on_node: Callable[[str, int, int], None] | None = None,
) -> DbtRun:
    """Run a dbt command. The caller holds the lock.

    Args:
        settings: which project and database.
        arguments: of dbt, such as ``["build", "--full-refresh"]``.
        on_node: told name, number and total when a node begins.

    Raises:
        RunFailed: nodes failed; the sentence names the first ones.
        Refused: dbt could not run.
    """
    run = DbtRun()
    times: list[datetime] = []
    for node in _invoke(settings, arguments, on_node):
        times += [
            t for timing in node.timing for t in (timing.started_at, timing.completed_at) if t
        ]
        name = node.node.name
        run.seconds_by_node[name] = node.execution_time
        if str(node.node.resource_type) == "seed":
            run.seeds[name] = dict(node.node.config.column_types)
        if node.status in ("error", "fail", "runtime error"):
            run.failed.append((name, _one_line(node.message or "failed")))
        elif node.status not in ("skipped", "warn", "no-op"):
            run.done += 1
            run.done_by_type[str(node.node.resource_type)] += 1
    run.node_seconds = (max(times) - min(times)).total_seconds() if times else 0.0
    if run.failed:
        shown = "; ".join(f"{name}: {message}" for name, message in run.failed[:3])
        more = f" and {len(run.failed) - 3} more" if len(run.failed) > 3 else ""
        raise RunFailed(
            f"The build failed at {shown}{more}. See {_logs(settings) / 'dbt.log'}.", run
        )
    return run


def run_checks(
    settings: Settings,
    arguments: Sequence[str],
    on_node: Callable[[str, int, int], None] | None = None,
) -> list[CheckOutcome]:
    """Run dbt tests and tell what each found. The caller holds the lock.

    Raises:
        Refused: dbt could not run.
    """
    return [
        CheckOutcome(
            node.node.name,
            dict(node.node.config.meta),
            str(node.status) == "pass",
            _finding(node),
        )
        for node in _invoke(settings, arguments, on_node)
        if node.node.resource_type == "test"
    ]


def _finding(node: Any) -> str:
    """What a test found, in words; nothing if it passed."""
    if str(node.status) == "pass":
        return ""
    if str(node.status) in ("fail", "warn"):
        return f"{node.failures:,} row" + ("s" if node.failures != 1 else "")
    return _one_line(node.message or str(node.status))


def _invoke(
    settings: Settings,
    arguments: Sequence[str],
    on_node: Callable[[str, int, int], None] | None,
) -> list[Any]:
    """Results of a dbt command, node by node."""
    from dbt.cli.main import dbtRunner  # noqa: PLC0415  (takes seconds; only where needed)

    def listen(event: Any) -> None:
        if on_node is not None and event.info.name == "LogStartLine":
            on_node(event.data.node_info.node_name, event.data.index, event.data.total)

    with _environment(settings), _rare_collections():
        result = dbtRunner(callbacks=[listen]).invoke(
            [
                *arguments,
                "--project-dir",
                str(settings.project_dir),
                "--profiles-dir",
                str(settings.project_dir),
                "--log-path",
                str(_logs(settings)),
                "--log-level",
                "none",
                "--log-level-file",
                "info",
                "--no-use-colors",
                "--no-write-json",
            ]
        )
    if result.exception is not None:
        raise Refused(
            f"{_one_line(f'dbt could not run: {result.exception}')}."
        ) from result.exception
    return list(getattr(result.result, "results", []))


def _logs(settings: Settings) -> Path:
    logs = settings.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return logs


@contextmanager
def _environment(settings: Settings) -> Iterator[None]:
    """What profiles.yml reads: the database, and that it is we who run dbt."""
    names = {
        "TANDEM_DATABASE_URL": database_url(settings),
        "TANDEM_DBT_APPLICATION": DBT_APPLICATION,
    }
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    folder = Path.cwd()
    try:
        yield
    finally:
        os.chdir(folder)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Collect garbage a hundred times less often while the block runs.

    dbt holds the whole project in memory for as long as it runs, and each collection walks through
    it for nothing: an eighth of the time of a build (benchmarks/README.md).
    """
    before = gc.get_threshold()
    gc.set_threshold(100 * before[0], *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:600]
