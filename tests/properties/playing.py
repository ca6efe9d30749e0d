"""A step of a history, done by the plain rater."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.properties.insiders import written
from tests.properties.steps import Agents, Build, Checkpoint, Close, Freeze, Load, Reports, Step
from tests.rater import Rater


def resolved(step: Step, rater: Rater) -> Step | None:
    """What depends on the state becomes the file that the rater's state makes of it; None if there
    is nothing to write."""
    return written(step, rater) if isinstance(step, Reports | Agents) else step


def play(rater: Rater, step: Step) -> int | None:
    """Give what a close or build closed."""
    now = datetime.now(UTC)
    match resolved(step, rater):
        case Load() as load:
            rater.load(load.feed, load.rows, load.carrier, load.as_of)
        case Close() as close:
            return rater.close(close.through, close.bill_cycle_day, now=now)
        case Build() | Checkpoint():  # a checkpoint builds first
            return rater.end_reported(now)
        case Freeze() as freeze:  # figures are promised on a build that knows all that was loaded
            rater.end_reported(now)
            rater.freeze(freeze.request_id, freeze.account_ids)
    return None
