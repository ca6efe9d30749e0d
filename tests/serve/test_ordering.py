"""Orders over HTTP, before anything has been built: what is taken, what is not, and how often."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import psycopg
import pytest

from tandem.database import LOCK_KEY
from tandem.outbox.product_order import product_order
from tests.serve import feeds
from tests.serve.support import CHECK, ORDERS, Served, assert_error, configuration, order, serving
from tests.support.warehouse import Databases, Warehouse


@pytest.fixture(scope="module")
def shop(make_warehouse: Callable[[], Warehouse]) -> Warehouse:
    warehouse = make_warehouse()
    feeds.load(warehouse)
    return warehouse


@pytest.fixture(scope="module")
def served(shop: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(shop, configuration(tmp_path_factory.mktemp("serve"))) as made:
        yield made


@pytest.fixture
def wireless(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


@pytest.fixture
def wireline(served: Served) -> Iterator[httpx.Client]:
    with served.client("wireline") as client:
        yield client


def loaded(shop: Warehouse, order_id: str) -> list[dict[str, Any]]:
    return shop.rows(
        "select * from raw.orders where order_id = %s order by carrier_id, load_id", order_id
    )


def loads(shop: Warehouse) -> int:
    return int(shop.rows("select count(*) as loads from raw.loads")[0]["loads"])


# --- taken --------------------------------------------------------------------------------------


def test_an_order_is_loaded_as_a_row_of_the_feed(shop: Warehouse, wireless: httpx.Client) -> None:
    answer = wireless.post(ORDERS, json=order("W-1"))
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert answer.headers["Location"] == body["href"] == f"{ORDERS}/W-1"
    assert (body["id"], body["externalId"], body["state"]) == ("W-1", "W-1", "acknowledged")
    assert body["bundle"]["state"] == "awaitingBuild"
    (row,) = loaded(shop, "W-1")
    assert (row["carrier_id"], row["account_id"], row["action"], row["plan_id"], row["status"]) == (
        *("wireless", "A1", "subscribe", "SHARE1000", "submitted"),
    )
    assert row["effective_on"].isoformat() == "2025-06-02"
    (load,) = shop.rows("select * from raw.loads where load_id = %s", row["load_id"])
    assert (load["feed"], load["carrier_id"], load["rows_read"], load["accepted"]) == (
        *("orders", "wireless", 1, 1),
    )
    assert wireless.get(body["href"]).json() == body


def test_the_same_again_is_no_second_load(shop: Warehouse, wireless: httpx.Client) -> None:
    first = wireless.post(ORDERS, json=order("W-2"))
    count = loads(shop)
    again = wireless.post(ORDERS, json=order("W-2"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert_error(wireless.post(ORDERS, json=order("W-2", plan="SHARE800")), 409, "otherContent")
    assert_error(wireless.post(ORDERS, json=order("W-2", "A2")), 409, "otherContent")
    assert loads(shop) == count and len(loaded(shop, "W-2")) == 1
    # without a time of its own the order's time stands
    bare = order("W-3", characteristics={"requestedAt": None})
    assert [wireless.post(ORDERS, json=bare).status_code for _ in range(2)] == [201, 200]


def test_a_key_is_answered_once_for_all(shop: Warehouse, wireless: httpx.Client) -> None:
    headers = {"Idempotency-Key": "key-1"}
    first = wireless.post(ORDERS, json=order("W-4"), headers=headers)
    count = loads(shop)
    again = wireless.post(ORDERS, json=order("W-4"), headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() and loads(shop) == count
    other = wireless.post(ORDERS, json=order("W-5"), headers=headers)
    assert_error(other, 409, "idempotencyKeyReused")
    assert loaded(shop, "W-5") == []
    refused = wireless.post(ORDERS, json=order("W-5", "A0"), headers={"Idempotency-Key": "key-2"})
    assert_error(refused, 422, "unknownAccount")
    # what was refused has used up no key
    assert (
        wireless.post(ORDERS, json=order("W-5"), headers={"Idempotency-Key": "key-2"}).status_code
        == 201
    )


@pytest.mark.parametrize("key", [None, "both"])
def test_the_same_twice_at_once_is_one_order(
    shop: Warehouse, served: Served, key: str | None
) -> None:
    headers = {"Idempotency-Key": key} if key else {}
    body = order(f"W-twice-{key}")
    count = loads(shop)

    def post(_: int) -> httpx.Response:
        with served.client() as client:
            return client.post(ORDERS, json=body, headers=headers)

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(post, range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.text for answer in answers}) == 1
    assert loads(shop) == count + 1 and len(loaded(shop, f"W-twice-{key}")) == 1


def test_states_are_reported_until_one_is_final(shop: Warehouse, wireless: httpx.Client) -> None:
    wireless.post(ORDERS, json=order("W-6"))
    done = {"state": "completed", "completionDate": "2025-06-01T12:00:00Z"}
    answer = wireless.patch(f"{ORDERS}/W-6", json=done)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["completionDate"]) == (
        *("completed", "2025-06-01T12:00:00Z"),
    )
    assert wireless.patch(f"{ORDERS}/W-6", json=done).json() == answer.json()
    failed = wireless.patch(f"{ORDERS}/W-6", json={"state": "failed"})
    assert_error(failed, 409, "stateNotAllowed")
    # the order again, as it was placed, is the order as it stands
    assert wireless.post(ORDERS, json=order("W-6")).json()["state"] == "completed"
    gone = wireless.patch(f"{ORDERS}/W-6", json={"state": "withdrawn"}).json()
    assert gone["state"] == "cancelled" and gone["cancellationDate"]
    assert [row["state"] for row in gone["stateHistory"]] == [
        *("acknowledged", "completed", "cancelled"),
    ]
    assert_error(
        wireless.patch(f"{ORDERS}/W-6", json={"state": "completed"}), 409, "stateNotAllowed"
    )
    assert [row["status"] for row in loaded(shop, "W-6")] == [
        *("submitted", "completed", "withdrawn"),
    ]
    assert shop.rows(
        "select distinct loaded_by from raw.loads inner join raw.orders using (load_id)"
        " where order_id = 'W-6'"
    ) == [{"loaded_by": "platform of wireless"}]


def test_an_order_may_come_completed(shop: Warehouse, wireless: httpx.Client) -> None:
    completed = order("W-7", state="completed", completionDate="2025-06-01T11:00:00Z")
    assert wireless.post(ORDERS, json=completed).json()["completionDate"] == "2025-06-01T11:00:00Z"
    assert wireless.post(ORDERS, json=order("W-7b")).status_code == 201
    again = wireless.post(ORDERS, json=order("W-7b", state="completed"))
    assert (again.status_code, again.json()["state"]) == (200, "completed")
    failed = wireless.post(ORDERS, json=order("W-7b", state="failed"))
    assert_error(failed, 409, "stateNotAllowed")
    assert [row["status"] for row in loaded(shop, "W-7b")] == ["submitted", "completed"]


def test_lines_are_ordered_too(shop: Warehouse, wireless: httpx.Client) -> None:
    line = {"serviceNumber": "+19125550199"}
    answer = wireless.post(ORDERS, json=order("W-8", plan=None, characteristics=line))
    assert answer.status_code == 201, answer.text
    (row,) = loaded(shop, "W-8")
    assert (row["action"], row["plan_id"], row["service_number"]) == (
        *("add_line", None, "+19125550199"),
    )
    assert_error(wireless.post(ORDERS, json=order("W-9", plan=None)), 422, "missing_value")


@pytest.mark.parametrize("order_id", ["a/b", "wireless:W 1", "ü?&#%", "..", "x" * 1000])
def test_ids_of_any_kind(wireless: httpx.Client, order_id: str) -> None:
    made = wireless.post(ORDERS, json=order(order_id))
    assert made.status_code == 201, made.text
    if order_id != "..":  # which clients take for a folder
        assert wireless.get(made.json()["href"]).json()["id"] == order_id
    (found,) = wireless.get(ORDERS, params={"externalId": order_id}).json()
    assert found == made.json()


# --- refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"externalId": None}, 400, "invalidRequest"),
        ({"externalId": 7}, 400, "invalidRequest"),
        ({"externalId": ""}, 400, "invalidRequest"),
        ({"externalId": " W"}, 400, "invalidRequest"),
        ({"externalId": "W\u0000"}, 400, "invalidRequest"),
        ({"externalId": "W\n"}, 400, "invalidRequest"),
        ({"externalId": "x" * 1001}, 400, "invalidRequest"),
        ({"relatedParty": None}, 400, "invalidRequest"),
        ({"relatedParty": []}, 422, "customer"),
        ({"state": "completed", "completionDate": "2999-06-01T00:00:00Z"}, 422, "future_time"),
        ({"state": "cancelled", "cancellationDate": "2999-06-01T00:00:00Z"}, 422, "future_time"),
        ({"state": "completed", "completionDate": "2025-06-01T00:00:00"}, 422, "bad_type"),
        (
            {"relatedParty": [{"id": "A1", "role": "customer"}, {"id": "A2", "role": "customer"}]},
            422,
            "customer",
        ),
        ({"relatedParty": [{"id": "A0", "role": "customer"}]}, 422, "unknownAccount"),
        (
            {
                "relatedParty": [
                    {"id": "A1", "role": "customer"},
                    {"id": "nobody", "role": "originatingCarrier"},
                ]
            },
            422,
            "unknownCarrier",
        ),
        ({"productOrderItem": []}, 400, "invalidRequest"),
        ({"productOrderItem": "one"}, 400, "invalidRequest"),
        ({"productOrderItem": order("x")["productOrderItem"] * 2}, 422, "oneItem"),
        ({"plan": "SHARE9"}, 422, "unknownPlan"),
        ({"action": "noChange"}, 422, "unknownAction"),
        ({"action": "subscribe"}, 422, "unknownAction"),
        ({"state": "done"}, 422, "unknownState"),
        ({"requestedStartDate": None}, 422, "effectiveOn"),
        ({"requestedStartDate": "2025-02-30T00:00:00Z"}, 422, "requestedStartDate"),
        ({"requestedStartDate": "soon"}, 422, "requestedStartDate"),
        ({"characteristics": {"effectiveOn": "2025-06-03"}}, 422, "effectiveOn"),
        ({"characteristics": {"requestedAt": "2025-06-01"}}, 422, "bad_type"),
        ({"characteristics": {"requestedAt": "2999-06-01T00:00:00Z"}}, 422, "future_time"),
        ({"characteristics": {"requestedAt": ["now"]}}, 422, "requestedAt"),
        ({"characteristics": {"serviceNumber": "12"}}, 422, "bad_number"),
        ({"characteristics": {"originatingOrder": "W-bad"}}, 422, "counterpartIsItself"),
        ({"characteristics": {"originatingOrder": "\ud800"}}, 422, "originatingOrder"),
    ],
)
def test_what_cannot_be_meant_so(
    shop: Warehouse, wireless: httpx.Client, change: dict[str, Any], status: int, code: str
) -> None:
    count = loads(shop)
    body = {name: value for name, value in order("W-bad", **change).items() if value is not None}
    answer = wireless.post(
        ORDERS, content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert_error(answer, status, code)
    assert loads(shop) == count and loaded(shop, "W-bad") == []
    assert shop.rows("select * from raw.rejects") == []


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "application/json", 400, "invalidRequest"),
        (b"{", "application/json", 400, "invalidRequest"),
        (b"[]", "application/json", 400, "invalidRequest"),
        (b"null", "application/json", 400, "invalidRequest"),
        (b"\xff\xfe", "application/json", 400, "invalidRequest"),
        (b"[" * 100_000, "application/json", 400, "badRequest"),
        (b'{"externalId": ' + b"9" * 5000 + b"}", "application/json", 400, "badRequest"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "unsupportedMediaType"),
        (b"{}", "", 415, "unsupportedMediaType"),
        (b" " * 300_000, "application/json", 413, "tooLarge"),
    ],
)
def test_what_is_no_order_at_all(
    wireless: httpx.Client, content: bytes, kind: str, status: int, code: str
) -> None:
    for path in (ORDERS, CHECK):
        answer = wireless.post(path, content=content, headers={"Content-Type": kind})
        assert_error(answer, status, code)


def test_a_body_without_a_length_is_cut_off_too(wireless: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 10_000

    try:
        answer = wireless.post(
            ORDERS, content=pieces(), headers={"Content-Type": "application/json"}
        )
    except httpx.WriteError:  # it hung up before all was sent
        return
    assert_error(answer, 413, "tooLarge")


def test_something_that_is_no_http(served: Served) -> None:
    parts = urlsplit(served.url)
    assert parts.hostname is not None and parts.port is not None
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as there:
        there.sendall(b"\x16\x03\x01 who is there?\r\n\r\n")
        assert there.recv(100).startswith(b"HTTP/1.1 400")
    with served.client() as client:
        assert client.get("/health").json() == {"status": "up"}


def test_a_circle_of_counterparts(
    shop: Warehouse, wireless: httpx.Client, wireline: httpx.Client
) -> None:
    def answering(order_id: str, other: str) -> dict[str, Any]:
        return order(order_id, "A3", characteristics={"originatingOrder": other})

    # two that name each other agree
    assert wireless.post(ORDERS, json=answering("C-1", "D-1")).status_code == 201
    assert wireline.post(ORDERS, json=answering("D-1", "C-1")).status_code == 201
    (row,) = loaded(shop, "D-1")
    assert row["counterpart_order_id"] == "C-1"
    # a circle has three at least
    assert wireline.post(ORDERS, json=answering("D-2", "C-2")).status_code == 201
    assert wireless.post(ORDERS, json=answering("C-3", "D-2")).status_code == 201
    assert wireline.post(ORDERS, json=answering("D-4", "C-3")).status_code == 201
    assert_error(wireless.post(ORDERS, json=answering("C-2", "D-4")), 422, "counterpartInACircle")
    # others may answer one of two that agree
    assert wireline.post(ORDERS, json=answering("D-5", "C-1")).status_code == 201
    assert wireless.post(ORDERS, json=answering("C-6", "D-5")).status_code == 201
    itself = answering("C-7", "C-7")
    assert_error(wireless.post(ORDERS, json=itself), 422, "counterpartIsItself")
    # an order of one's own is no counterpart
    own = order(
        "C-9", "A3", characteristics={"originatingOrder": "C-1", "originatingCarrier": "wireless"}
    )
    assert_error(wireless.post(ORDERS, json=own), 422, "counterpartOfSameCarrier")


@pytest.mark.parametrize(
    "start", ["2025-06-02T00:00:00-04:00", "2025-06-02T23:30:00-07:00", "2025-06-02", None]
)
def test_the_day_is_read_as_it_is_written(
    shop: Warehouse, wireless: httpx.Client, start: str | None
) -> None:
    """Whatever day it then is in UTC."""
    said = {"effectiveOn": None if start else "2025-06-02"}
    name = f"day-{start}"
    body = order(name, characteristics=said, requestedStartDate=start)
    made = wireless.post(ORDERS, json={k: v for k, v in body.items() if v is not None})
    assert made.status_code == 201, made.text
    (row,) = loaded(shop, name)
    assert row["effective_on"] == date(2025, 6, 2)
    # as it is answered it begins where the account is
    assert made.json()["requestedStartDate"] == "2025-06-02T00:00:00-04:00"


def test_patches_that_are_refused(wireless: httpx.Client, wireline: httpx.Client) -> None:
    wireless.post(ORDERS, json=order("W-10"))
    path = f"{ORDERS}/W-10"
    for body, status, code in (
        ({}, 400, "invalidRequest"),
        ({"state": "completed", "note": []}, 400, "invalidRequest"),
        ({"state": "held"}, 422, "unknownState"),
        ({"state": "acknowledged"}, 422, "state"),
        ({"state": "completed", "id": "W-11"}, 422, "id"),
        ({"state": "completed", "completionDate": "then"}, 422, "bad_type"),
        ({"state": "completed", "completionDate": "2999-01-01T00:00:00Z"}, 422, "future_time"),
    ):
        assert_error(wireless.patch(path, json=body), status, code)
    done = {"state": "completed"}
    assert_error(wireless.patch(f"{ORDERS}/nobody", json=done), 404, "notFound")
    assert_error(wireless.patch(f"{ORDERS}/%00", json=done), 404, "notFound")
    # another carrier's order is not there at all
    assert_error(wireline.patch(path, json=done), 404, "notFound")
    assert_error(wireline.get(path), 404, "notFound")
    assert wireless.get(path).json()["state"] == "acknowledged"


def test_who_calls(served: Served) -> None:
    with served.client(None) as nobody:
        for headers, code in (
            ({}, "missingToken"),
            ({"Authorization": "Bearer wrong"}, "invalidToken"),
            ({"Authorization": "Basic czNjcmV0"}, "missingToken"),
            ({"Authorization": "Bearer \xfc"}, "invalidToken"),
        ):
            raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
            for answer in (
                nobody.post(ORDERS, json=order("W-11"), headers=raw),
                nobody.get(ORDERS, headers=raw),
                nobody.post(
                    CHECK,
                    json={
                        "relatedParty": [],
                        "productOfferingQualificationItem": [{"productOffering": {"id": "X"}}],
                    },
                    headers=raw,
                ),
            ):
                assert_error(answer, 401, code)
                assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_carrier_that_the_catalog_has_not(served: Served) -> None:
    with served.client("nowhere") as stranger:
        assert_error(stranger.post(ORDERS, json=order("N-1")), 403, "unknownCarrier")
        done = {"state": "completed"}
        assert_error(stranger.patch(f"{ORDERS}/W-1", json=done), 403, "unknownCarrier")
        assert stranger.get(ORDERS).json() == []


@pytest.mark.parametrize(("carrier", "counterpart"), [("wireline", "W-4711"), ("wireless", None)])
def test_what_another_tandem_sends(
    shop: Warehouse, served: Served, carrier: str, counterpart: str | None
) -> None:
    """As the other carrier's order, or in the name of the carrier that it comes from."""
    body = product_order(
        {
            "message_id": f"m-{carrier}",
            "from_carrier_id": "wireless",
            "order_id": "W-4711",
            "account_id": "A2",
            "action": "change_plan",
            "plan_id": "SHARE800",
            "effective_on": date(2025, 6, 3),
            "requested_at": datetime(2025, 6, 1, 9, tzinfo=UTC),
            "time_zone": "America/New_York",
        }
    )
    headers = {"Idempotency-Key": f"m-{carrier}"}
    with served.client(carrier) as client:
        answers = [client.post(ORDERS, json=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    (row,) = loaded(shop, f"m-{carrier}")
    assert (row["carrier_id"], row["action"], row["plan_id"], row["effective_on"]) == (
        *(carrier, "change_plan", "SHARE800", date(2025, 6, 3)),
    )
    assert row["requested_at"] == datetime(2025, 6, 1, 9, tzinfo=UTC)
    assert row["counterpart_order_id"] == counterpart


def test_addresses_and_methods_that_are_not(wireless: httpx.Client) -> None:
    assert_error(wireless.get("/nothing"), 404, "notFound")
    assert_error(wireless.delete(f"{ORDERS}/W-1"), 405, "methodNotAllowed")
    assert_error(wireless.get(CHECK), 405, "methodNotAllowed")


def test_lists_in_parts(shop: Warehouse, wireline: httpx.Client, wireless: httpx.Client) -> None:
    before = int(wireline.get(ORDERS).headers["X-Total-Count"])
    for number in range(5):
        body = order(
            f"P-{number}", "A6", characteristics={"requestedAt": f"2025-06-10T10:0{number}:00Z"}
        )
        assert wireline.post(ORDERS, json=body).status_code == 201
    wireline.patch(f"{ORDERS}/P-0", json={"state": "failed"})
    answer = wireline.get(ORDERS, params={"limit": 2})
    assert [row["id"] for row in answer.json()] == ["P-4", "P-3"]
    assert answer.headers["X-Total-Count"] == str(before + 5)
    assert answer.headers["X-Result-Count"] == "2"
    rest = wireline.get(ORDERS, params={"limit": 2, "offset": 2, "relatedParty.id": "A6"})
    assert [row["id"] for row in rest.json()] == ["P-2", "P-1"]
    assert rest.headers["X-Total-Count"] == "5"
    failed = wireline.get(ORDERS, params={"state": "failed", "relatedParty.id": "A6"}).json()
    assert [row["id"] for row in failed] == ["P-0"]
    assert wireline.get(ORDERS, params={"offset": 1000}).json() == []
    assert wireless.get(ORDERS, params={"relatedParty.id": "A6"}).json() == []
    for name, value in (
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "x"),
        ("offset", "-1"),
        ("offset", "1e9"),
        ("state", "done"),
        ("carrier", "wireless"),
    ):
        assert wireless.get(ORDERS, params={name: value}).status_code == 400
    assert wireless.get(ORDERS, params={"externalId": "\x00"}).json() == []


# --- when something else is the matter ----------------------------------------------------------


def test_while_another_command_is_at_work(
    shop: Warehouse, served: Served, wireless: httpx.Client
) -> None:
    headers = {"Idempotency-Key": "before"}
    assert wireless.post(ORDERS, json=order("W-12"), headers=headers).status_code == 201
    with psycopg.connect(shop.url, autocommit=True) as other:
        other.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
        begun = time.monotonic()
        assert_error(wireless.post(ORDERS, json=order("W-13")), 503, "busy")
        assert 3 < time.monotonic() - begun < 15
        # reading, and what was answered before, need no lock
        assert wireless.get(f"{ORDERS}/W-12").status_code == 200
        assert wireless.post(ORDERS, json=order("W-12"), headers=headers).status_code == 200
        other.execute("select pg_advisory_unlock(%s)", (LOCK_KEY,))
    assert loaded(shop, "W-13") == []
    assert wireless.post(ORDERS, json=order("W-13")).status_code == 201


def test_eligibility_needs_a_build(wireless: httpx.Client) -> None:
    question = {
        "relatedParty": [{"id": "A1", "role": "customer"}],
        "productOfferingQualificationItem": [{"productOffering": {"id": "SHARE1000"}}],
    }
    assert_error(wireless.post(CHECK, json=question), 503, "notReady")


def test_a_database_that_goes_away_and_comes_back(
    databases: Databases, shop: Warehouse, wireless: httpx.Client
) -> None:
    assert wireless.get(ORDERS).status_code == 200
    databases.server.down()
    try:
        for answer in (
            wireless.get(ORDERS),
            wireless.get("/health"),
            wireless.post(ORDERS, json=order("W-14")),
        ):
            assert_error(answer, 503, "databaseUnavailable")
    finally:
        databases.server.up()
    until = time.monotonic() + 15
    while wireless.get("/health").status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert wireless.post(ORDERS, json=order("W-14")).status_code == 201
    assert wireless.get(f"{ORDERS}/{quote('W-14')}").status_code == 200


def test_what_it_says_of_itself(served: Served) -> None:
    with served.client(None) as nobody:
        said = nobody.get("/openapi.json").json()
        assert nobody.get("/docs").status_code == 404  # its page would fetch a script
    post = said["paths"][ORDERS]["post"]
    assert set(post["responses"]) >= {"200", "201", "400", "401", "409", "422", "503"}
    example = post["requestBody"]["content"]["application/json"]["examples"]["order"]["value"]
    assert example["externalId"]
    assert {"get", "patch"} <= set(said["paths"][f"{ORDERS}/{{order_id}}"])
    assert CHECK in said["paths"]
    assert said["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
