"""The two ways in which a command can end other than well."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell sees."""

    DONE = 0
    REFUSED = 1
    USAGE = 2


class TandemError(Exception):
    """A failure that a user is told about in one sentence, without a traceback."""

    exit_code = ExitCode.REFUSED


class Refused(TandemError):  # noqa: N818  (no defect: asked for what cannot be)
    """What was asked for was refused or failed, and nothing was changed."""


class Busy(Refused):
    """Another command holds the lock, or a dbt run is at work; later it may go."""


class Unreachable(Refused):
    """There is no session with the database to be had."""
