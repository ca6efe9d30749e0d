"""What subscribers do to the web services: each request asks for the summary of another account.

Run by `python -m benchmarks.portal`, which tells the rest in the environment.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

from locust import FastHttpUser, task

TOKENS: list[tuple[str, str]] = json.loads(Path(os.environ["BENCH_TOKENS"]).read_text())
RATE = float(os.environ["BENCH_RATE"])  # requests a second, of all users together
USERS = int(os.environ["BENCH_USERS"])


class Subscriber(FastHttpUser):  # type: ignore[misc]
    """One of the clients; each request is of another subscriber."""

    def wait_time(self) -> float:
        """Seconds until the next request: as if nobody knew of the others (Poisson)."""
        return random.expovariate(RATE / USERS)

    @task  # type: ignore[untyped-decorator]
    def summary(self) -> None:
        """What is used and what is left."""
        account_id, token = random.choice(TOKENS)  # noqa: S311
        self.client.get(
            f"/api/v1/accounts/{account_id}/unbilled",
            headers={"Authorization": f"Bearer {token}"},
            name="unbilled summary",
        )
