"""Other processes of this machine."""

from __future__ import annotations

import getpass
import os
from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether there is such a process; where that cannot be asked, it counts as running.

    One that has ended and that nobody has asked for its result yet (a container without an init
    may keep it so for ever) does not run.
    """
    if os.name == "nt":  # where signal 0 is no question but Ctrl-C
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    try:
        # the name in parentheses may hold anything; the state comes after it
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state not in ("Z", "X")


def user_name() -> str:
    """Who runs this process, for the manifest."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
