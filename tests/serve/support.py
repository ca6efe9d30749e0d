"""The real server in a process of its own, and what is sent to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tandem.tokens import DEFAULT_TTL, Role, issue_token
from tests.cli.running import TANDEM, environment
from tests.support.warehouse import PROJECT, Warehouse

ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
CHECK = "/tmf-api/productOfferingQualificationManagement/v4/checkProductOfferingQualification"
TOKENS = {
    name: f"s3cret-of-{name}-0123456789-0123456789"
    for name in ("wireless", "wireline", "nowhere")  # the catalog does not have the last one
}
SECRET = "of-tests-that-nobody-else-has-0123456789"  # noqa: S105
VARIABLES = {f"{name.upper()}_API_TOKEN": token for name, token in TOKENS.items()} | {
    "TANDEM_SECRET": SECRET
}


@dataclass(frozen=True)
class Served:
    """A server that answers.

    Attributes:
        url: where.
        log: what it says on standard error.
    """

    url: str
    log: Path

    def client(self, carrier: str | None = "wireless") -> httpx.Client:
        """A platform's client, with its token."""
        return self.bearing(TOKENS[carrier] if carrier else None)

    def person(self, role: Role, subject: str, user: str | None = None) -> httpx.Client:
        """The client of somebody with a token of his own."""
        return self.bearing(issue_token(SECRET, role, subject, DEFAULT_TTL, user))

    def bearing(self, token: str | None) -> httpx.Client:
        """The client of whoever has a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)


def configuration(folder: Path, ordering: Mapping[str, str] | None = None) -> Path:
    """A tandem.toml with both carriers."""
    text = ""
    for name in TOKENS:
        text += f'[carriers.{name}]\napi_token_env = "{name.upper()}_API_TOKEN"\n'
        if name in (ordering or {}):
            text += f'ordering_url = "{(ordering or {})[name]}"\n'
    path = folder / "tandem.toml"
    path.write_text(text)
    return path


@contextmanager
def serving(warehouse: Warehouse, config: Path, *options: object) -> Iterator[Served]:
    """Run `tandem serve` on a free port."""
    log = config.with_name("serve.log")
    with log.open("w") as written:
        process = subprocess.Popen(
            [TANDEM, "serve", "--port", "0", *map(str, options)],
            cwd=PROJECT,
            env=os.environ | environment(warehouse) | VARIABLES | {"TANDEM_CONFIG": str(config)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://[0-9.]+:[0-9]+", line)
        assert found is not None, line + process.stderr.read()
        os.set_blocking(process.stderr.fileno(), False)
        try:
            yield Served(found.group(), log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            written.write(process.stderr.read() or "")


def order(order_id: str, account_id: str = "A1", **more: Any) -> dict[str, Any]:
    """An order as a platform sends it; ``more`` replaces parts of it.

    ``plan``, ``action`` and ``characteristics`` say what the item says.
    """
    plan = more.pop("plan", "SHARE1000")
    action = more.pop("action", "add")
    said = {"requestedAt": "2025-06-01T10:00:00Z"} | more.pop("characteristics", {})
    item = {
        "id": "1",
        "quantity": 1,
        "action": action,
        "product": {
            "productCharacteristic": [
                {"name": name, "value": value} for name, value in said.items() if value is not None
            ]
        },
    }
    if plan is not None:
        item["productOffering"] = {"id": plan}
    return {
        "@type": "ProductOrder",
        "externalId": order_id,
        "requestedStartDate": "2025-06-02T00:00:00Z",
        "relatedParty": [{"id": account_id, "role": "customer"}],
        "productOrderItem": [item],
    } | more


def assert_error(answer: httpx.Response, status: int, code: str) -> None:
    """An error as TMF630 has it, with nothing in it that is only ours to know."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert sorted(body) == ["code", "message", "reason", "status"]
    assert (body["code"], body["status"]) == (code, str(status)), body
    assert all(isinstance(value, str) and value for value in body.values())
    assert "Traceback" not in answer.text and "psycopg" not in answer.text
    assert ("Retry-After" in answer.headers) == (status in {429, 503})
