"""Both platforms as real HTTP servers: an order goes from one through Tandem to the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from tandem.serve import qualifying
from tandem.serve.access import OwnSessions
from tests.cli.running import Done, environment, tandem
from tests.outbox.platform import Call, Handler, Platform, answer, running
from tests.serve import feeds
from tests.serve.support import (
    CHECK,
    ORDERS,
    VARIABLES,
    Served,
    assert_error,
    configuration,
    order,
    serving,
)
from tests.support.warehouse import Warehouse


@dataclass(frozen=True)
class Market:
    """Tandem between two carriers.

    Attributes:
        there: the wireline carrier's platform, which takes what it is sent as an order of its own.
    """

    warehouse: Warehouse
    config: Path
    served: Served
    there: Platform

    def run(self, *arguments: object) -> Done:
        """A command of the operator."""
        env = environment(self.warehouse) | {"TANDEM_CONFIG": str(self.config)}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in VARIABLES.items():
                patch.setenv(name, value)
            done = tandem(*arguments, env=env)
        assert done.code == 0, done.err
        return done

    def call(self, carrier: str, method: str, path: str, **content: Any) -> httpx.Response:
        """A call of a carrier's platform."""
        with self.served.client(carrier) as client:
            return client.request(method, path, **content)

    def follow(self, carrier: str, order_id: str) -> dict[str, Any]:
        """An order as its carrier sees it."""
        found: dict[str, Any] = self.call(carrier, "GET", f"{ORDERS}/{order_id}").json()
        return found

    def labels(self, account_id: str, plan_id: str = "SHARE1000") -> list[str]:
        """What speaks against a plan for somebody who is no carrier, in words."""

        async def ask() -> list[str]:
            async with OwnSessions(self.warehouse.url) as own, own.connection() as session:
                found = await qualifying.reasons(session, account_id, plan_id, date(2025, 6, 3))
            return [reason.label for reason in found]

        return asyncio.run(ask())

    def reasons(
        self, account_id: str, plan_id: str, on: str = "2025-06-03", caller: str = "wireline"
    ) -> list[str]:
        """What speaks against a plan."""
        question = {
            "expectedQualificationDate": on,
            "relatedParty": [{"id": account_id, "role": "customer"}],
            "productOfferingQualificationItem": [{"productOffering": {"id": plan_id}}],
        }
        said = self.call(caller, "POST", CHECK, json=question)
        assert said.status_code == 201, said.text
        (item,) = said.json()["productOfferingQualificationItem"]
        codes = [reason["code"] for reason in item["eligibilityUnavailabilityReason"]]
        result = "unqualified" if codes else "qualified"
        assert said.json()["qualificationResult"] == item["qualificationItemResult"] == result
        return codes


@pytest.fixture(scope="module")
def market(
    make_warehouse: Callable[[], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Market]:
    warehouse = make_warehouse()
    feeds.load(warehouse)
    folder = tmp_path_factory.mktemp("market")
    served_at: list[Served] = []

    def take(platform: Platform, handler: Handler, call: Call) -> None:
        """Make the order here, and tell Tandem of it at once, as not yet completed."""
        platform.take(call)
        body = call.body | {"externalId": f"L-{call.key[:8]}", "state": "acknowledged"}
        with served_at[0].client("wireline") as client:
            made = client.post(ORDERS, json=body, headers={"Idempotency-Key": call.key})
        answer(handler, made.status_code, {"id": body["externalId"], "externalId": call.key})

    with running(take) as there:
        config = configuration(folder, {"wireline": there.url})
        with serving(warehouse, config) as served:
            served_at.append(served)
            yield Market(warehouse, config, served, there)


def test_an_order_goes_from_one_platform_to_the_other(market: Market) -> None:
    def place(platform: Platform, handler: Handler, call: Call) -> None:
        """What a shop of the wireless carrier has sold is an order of its platform."""
        platform.take(call)
        body = order(
            call.body["order"],
            call.account,
            state="completed",
            completionDate="2025-06-01T10:00:00Z",
        )
        made = market.call(
            "wireless", "POST", ORDERS, json=body, headers={"Idempotency-Key": call.key}
        )
        answer(handler, made.status_code, made.json())

    with running(place) as here:
        for expected in (201, 200):  # a platform that sends twice has ordered once
            sold = httpx.post(
                here.url,
                json={"account": "A1", "order": "W-4711"},
                headers={"Idempotency-Key": "sale-1"},
                timeout=30,
            )
            assert (sold.status_code, sold.json()["id"]) == (expected, "W-4711")
    assert market.follow("wireless", "W-4711")["bundle"]["state"] == "awaitingBuild"

    market.run("build")
    held = market.follow("wireless", "W-4711")["bundle"]
    assert held["state"] == "heldBack" and held["effectiveFrom"] is None
    assert held["carriers"] == [
        {"carrier": "wireline", "state": "awaiting_counterpart", "order": None}
    ]
    assert market.reasons("A1", "SHARE1000", caller="wireless") == ["planOrdered"]
    # whose turn it is may place the order that is waited for, and no other
    assert market.reasons("A1", "SHARE1000") == []
    assert market.reasons("A1", "WIRELESS500") == ["changeUnderWay"]

    sent = json.loads(market.run("orders", "dispatch", "--json").out)["sent"]
    assert {row["to"]: row["accepted"] for row in sent} == {"wireline": 1}
    (call,) = market.there.calls
    other = f"L-{call.key[:8]}"
    made = market.follow("wireline", other)
    assert made["state"] == "acknowledged" and made["relatedParty"][0]["id"] == "A1"
    assert {"name": "originatingOrder", "valueType": "string", "value": "W-4711"} in made[
        "productOrderItem"
    ][0]["product"]["productCharacteristic"]
    # either carrier sees its own order alone
    assert_error(market.call("wireless", "GET", f"{ORDERS}/{other}"), 404, "notFound")

    done = market.call(
        "wireline",
        "PATCH",
        f"{ORDERS}/{other}",
        json={"state": "completed", "completionDate": "2025-06-01T15:00:00Z"},
    )
    assert done.status_code == 200 and done.json()["bundle"]["state"] == "awaitingBuild"
    feeds.put_on_plan(market.warehouse, "A1", "SHARE1000")
    # another order moves the clock of the warehouse beyond the day on which the plan begins
    market.call("wireless", "POST", ORDERS, json=late_order("W-5000", "A2"))
    market.run("build")

    for carrier, order_id, whose, which in (
        ("wireless", "W-4711", "wireline", other),
        ("wireline", other, "wireless", "W-4711"),
    ):
        found = market.follow(carrier, order_id)
        assert found["state"] == "completed"
        assert found["bundle"]["state"] == "inEffect", found["bundle"]
        assert found["bundle"]["effectiveFrom"] == "2025-06-02"
        assert found["bundle"]["carriers"] == [
            {"carrier": whose, "state": "in_sync", "order": which}
        ]
        assert found["bundle"]["exceptions"] == []
    assert market.warehouse.rows(
        "select plan_id, effective_from::text from integrity.effective_plans"
        " where account_id = 'A1'"
    ) == [{"plan_id": "SHARE1000", "effective_from": "2025-06-02"}]
    # nothing more is to be sent for it
    market.run("orders", "dispatch", "--carrier", "wireline")
    assert [one for one in market.there.calls if one.account == "A1"] == [call]

    # the same plan again is no sale; another one is a change
    assert market.reasons("A1", "SHARE1000") == ["planInEffect"]
    assert market.reasons("A1", "SHARE800") == []


def late_order(order_id: str, account_id: str) -> dict[str, Any]:
    """A completed order of some days later."""
    return order(
        order_id,
        account_id,
        state="completed",
        completionDate="2025-06-05T10:00:00Z",
        requestedStartDate="2025-06-06T00:00:00Z",
        characteristics={"requestedAt": "2025-06-05T10:00:00Z"},
    )


def test_an_exception_is_told_and_stops_what_follows(market: Market) -> None:
    market.call(
        "wireless",
        "POST",
        ORDERS,
        json=order("W-6000", "A4", state="completed", completionDate="2025-06-01T10:00:00Z"),
    )
    market.call("wireless", "POST", ORDERS, json=late_order("W-6001", "A5"))
    market.run("build")
    bundle = market.follow("wireless", "W-6000")["bundle"]
    assert bundle["state"] == "heldBack"
    (exception,) = bundle["exceptions"]
    assert (exception["type"], exception["actingCarrier"], exception["isOpen"]) == (
        *("missing_counterpart", "wireline", True),
    )
    assert market.reasons("A4", "SHARE800") == ["openException", "changeUnderWay"]
    assert market.reasons("A4", "SHARE1000") == []
    assert market.reasons("A4", "SHARE1000", caller="wireless") == ["openException", "planOrdered"]
    assert market.labels("A4") == [
        "There is 1 open exception of the type missing_counterpart.",
        "The order W-6000 of wireless (subscribe SHARE1000) waits for wireline.",
    ]
    # withdrawn here, there is nothing left to be mended
    gone = market.call("wireless", "PATCH", f"{ORDERS}/W-6000", json={"state": "cancelled"})
    assert gone.status_code == 200, gone.text
    market.run("build")
    bundle = market.follow("wireless", "W-6000")["bundle"]
    assert bundle["state"] == "notCompleted" and bundle["carriers"] == []
    assert market.reasons("A4", "SHARE800") == []


def test_who_can_have_what(market: Market) -> None:
    market.run("build")
    assert market.reasons("A3", "SHARE1000") == []
    assert market.reasons("A0", "SHARE1000") == ["unknownAccount"]
    assert market.reasons("A3", "SHARE9") == ["unknownPlan"]
    assert market.reasons("A3", "SHARE1000", "2019-12-31") == [
        *("accountNotOpen", "planNotOffered", "notServed"),
    ]
    assert market.reasons("A8", "SHARE1000") == ["accountClosed"]
    assert market.reasons("A8", "SHARE1000", "2025-04-30") == []
    assert market.reasons("A9", "WIRELESS500") == ["accountSuspended", "linesSuspended"]
    assert market.reasons("A7", "SHARE1000") == ["linesSuspended"]
    assert market.reasons("A7", "WIRELESS500") == []
    # an order that is placed and not completed yet
    placed = market.call("wireless", "POST", ORDERS, json=order("W-7000", "A3"))
    assert placed.status_code == 201
    assert market.reasons("A3", "SHARE1000") == ["planOrdered"]
    assert market.reasons("A3", "SHARE800") == ["changeUnderWay"]
    assert market.reasons("A3", "WIRELINE_LD") == ["changeUnderWay"]
    market.call("wireless", "PATCH", f"{ORDERS}/W-7000", json={"state": "completed"})
    assert market.reasons("A3", "SHARE800") == ["changeUnderWay"]  # no build has seen it
    market.call("wireless", "PATCH", f"{ORDERS}/W-7000", json={"state": "cancelled"})
    assert market.reasons("A3", "SHARE800") == []


def test_an_agreement_for_all_plans_covers_each(market: Market) -> None:
    """As settlement has it."""
    agreements = "update catalog.settlement_agreements set plan_id = %s where plan_id = %s"
    market.warehouse.execute(agreements, "*", "SHARE1000")
    try:
        assert market.reasons("A6", "SHARE1000") == []
        # from the day on from which it holds
        assert "notServed" in market.reasons("A6", "SHARE1000", "2019-12-31")
    finally:
        market.warehouse.execute(agreements, "SHARE1000", "*")


def test_what_others_did_does_not_speak_against_the_account(market: Market) -> None:
    """A line on another plan is the carrier's data, a resale of too much is an agent's doing."""
    feeds.put_on_plan(market.warehouse, "A6", "SHARE1000")
    feeds.sell_again(market.warehouse, "A1")
    market.run("build")
    kinds = """
        select account_id, exception_type from integrity.bundle_exceptions
        where is_open and account_id in ('A1', 'A6') order by 1
    """
    found = [tuple(row.values()) for row in market.warehouse.rows(kinds)]
    assert set(found) == {("A1", "over_resale"), ("A6", "plan_mismatch")}
    assert market.reasons("A1", "SHARE1000") == ["planInEffect"]
    assert market.reasons("A6", "SHARE1000") == []


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"expectedQualificationDate": "soon"}, 422, "expectedQualificationDate"),
        ({"relatedParty": []}, 422, "customer"),
        ({"relatedParty": None}, 400, "invalidRequest"),
        ({"productOfferingQualificationItem": []}, 400, "invalidRequest"),
        ({"productOfferingQualificationItem": [{}]}, 400, "invalidRequest"),
    ],
)
def test_questions_that_are_none(
    market: Market, change: dict[str, Any], status: int, code: str
) -> None:
    question = {
        "relatedParty": [{"id": "A1", "role": "customer"}],
        "productOfferingQualificationItem": [{"productOffering": {"id": "SHARE1000"}}],
    } | change
    assert_error(market.call("wireless", "POST", CHECK, json=question), status, code)
