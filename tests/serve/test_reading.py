"""Accounts, usage, balances and bills over HTTP: who sees what, and that marts say the same."""

from __future__ import annotations

import asyncio
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tandem.bills.canonical import render_json
from tandem.database import LOCK_KEY
from tandem.serve import create_app, queries, records
from tandem.serve.access import Access
from tandem.serve.authentication import Tokens
from tandem.serve.rates import Rates
from tandem.serve.recording import NAMES
from tandem.settings import Settings
from tandem.tokens import Role, Subject, issue_token
from tests.cli.town import load_folder, make_town
from tests.serve.support import (
    CHECK,
    ORDERS,
    SECRET,
    Served,
    assert_error,
    configuration,
    order,
    serving,
)
from tests.support.warehouse import PROJECT, Databases, Warehouse

V1 = "/api/v1/accounts/{account_id}"
USAGE = "/tmf-api/usageManagement/v4/usage"
BILLS = "/tmf-api/customerBillManagement/v4/customerBill"
BALANCES = "/tmf-api/prepayBalanceManagement/v4"
THROUGH = date(2025, 7, 1)
MANY = 1_000_000
SCHEMA = create_app(
    Settings(PROJECT, Path("/nowhere"), "postgresql://nobody@127.0.0.1:1/nothing"),
    Tokens({}),
    SECRET,
    Rates(1, 1, 1, 1),
).openapi()
OPERATIONS = {(method, path) for path, methods in SCHEMA["paths"].items() for method in methods}
# how each operation is asked about an account: its path's parameters, its filters
OF_ACCOUNT: dict[tuple[str, str], Callable[[str], tuple[dict[str, str], dict[str, str]]]] = {
    **{
        ("get", f"{V1}{path}"): lambda account: ({"account_id": account}, {})
        for path in (
            *("", "/unbilled", "/unbilled/detail", "/unbilled/days", "/adjustments", "/plans"),
            *("/rollover/matrix", "/rollover/buckets", "/rollover/requests", "/lines", "/orders"),
        )
    },
    **{
        ("get", path): lambda account: ({}, {"relatedParty.id": account})
        for path in (USAGE, BILLS, f"{BALANCES}/bucket", f"{BALANCES}/accumulatedBalance")
    },
}
# of a thing that belongs to an account
OF_THING = {
    ("get", f"{USAGE}/{{usage_id}}"),
    ("get", f"{BILLS}/{{bill_id}}"),
    ("get", f"{BILLS}/{{bill_id}}/document/{{kind}}"),
    ("get", f"{BALANCES}/bucket/{{bucket_id}}"),
    ("get", f"{BALANCES}/accumulatedBalance/{{balance_id}}"),
}
FOR_STAFF: dict[tuple[str, str], dict[str, str]] = {
    ("get", "/api/v1/accounts"): {"search": "A"},
    ("get", f"{V1}/exceptions"): {},
    ("get", "/api/v1/exceptions"): {},
    ("get", "/api/v1/unbilled"): {},
    ("get", "/api/v1/rollover/buckets"): {},
}
WRITING = {("post", f"{V1}/adjustments"), ("post", USAGE)}
# orders of carriers' platforms, by their own tokens (test_ordering)
OF_PLATFORMS = {one for one in OPERATIONS if "productOrder" in one[1] or "Qualification" in one[1]}
OPEN = {("get", "/health")}


@pytest.fixture(scope="module")
def town(
    make_warehouse: Callable[[], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> Warehouse:
    warehouse = make_warehouse()
    folder = make_town(tmp_path_factory.mktemp("town"))
    for month in sorted(path for path in folder.iterdir() if path.is_dir()):
        load_folder(warehouse, month)
    warehouse.build()
    warehouse.close(THROUGH)
    return warehouse


@pytest.fixture(scope="module")
def served(town: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    config = configuration(tmp_path_factory.mktemp("serve"))
    options = ("--per-minute", MANY, "--unknown-per-minute", MANY)
    with serving(town, config, *options) as made:
        yield made


@pytest.fixture(scope="module")
def accounts(town: Warehouse) -> list[str]:
    """Accounts with bills and open usage, those with the most bills first."""
    return [
        row["account_id"]
        for row in town.rows(
            "select account_id from billing.bills"
            " where account_id in (select account_id from unbilled.unbilled_detail)"
            " group by account_id order by count(*) desc, account_id"
        )
    ]


@pytest.fixture
def subscriber(served: Served, accounts: list[str]) -> Iterator[httpx.Client]:
    with served.person(Role.SUBSCRIBER, accounts[0]) as client:
        yield client


@pytest.fixture
def carrier(served: Served) -> Iterator[httpx.Client]:
    with served.person(Role.CARRIER, "wireless", "ann") as client:
        yield client


@pytest.fixture
def support(served: Served) -> Iterator[httpx.Client]:
    with served.person(Role.SUPPORT, "sue") as client:
        yield client


def ask(client: httpx.Client, operation: tuple[str, str], account_id: str) -> httpx.Response:
    method, path = operation
    if operation in FOR_STAFF:
        parts, filters = {"account_id": account_id}, FOR_STAFF[operation]
    else:
        parts, filters = OF_ACCOUNT[operation](account_id)
    return client.request(method, path.format(**parts), params=filters)


def test_every_operation_is_looked_at_here() -> None:
    known = set(OF_ACCOUNT) | OF_THING | set(FOR_STAFF) | WRITING | OF_PLATFORMS | OPEN
    assert known == OPERATIONS


def test_the_description_says_what_comes() -> None:
    """400 for what is invalid, what a body may not be, what a line of a stream is."""
    components = SCHEMA["components"]["schemas"]
    assert "HTTPValidationError" not in json.dumps(SCHEMA)
    for path, operations in SCHEMA["paths"].items():
        for method, operation in operations.items():
            told = operation["responses"]
            for status, response in told.items():
                if int(status) >= 400:
                    schema = response["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Error"}, (path, status)
            if path != "/health":
                assert {"400", "401", "403", "429", "503"} <= set(told), path
            if method in {"post", "patch"}:
                assert {"408", "413", "415", "422"} <= set(told), path
    for path, row in (
        ("/api/v1/unbilled", "UnbilledSummary"),
        ("/api/v1/rollover/buckets", "RolloverBucket"),
    ):
        content = SCHEMA["paths"][path]["get"]["responses"]["200"]["content"]
        assert content["application/x-ndjson"]["schema"]["contentSchema"] == {
            "$ref": f"#/components/schemas/{row}"
        }
        assert row in components


# --- who sees what ------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", sorted(OF_ACCOUNT))
def test_another_account_is_as_one_that_is_not_there(
    town: Warehouse,
    served: Served,
    subscriber: httpx.Client,
    accounts: list[str],
    operation: tuple[str, str],
) -> None:
    own, other = accounts[:2]
    answer = ask(subscriber, operation, own)
    assert answer.status_code == 200, answer.text
    assert other not in answer.text
    refused = [ask(subscriber, operation, one) for one in (other, "A-nobody", "' or '")]
    for one in refused:
        assert_error(one, 404, "notFound")
        assert one.content == refused[0].content
    # so it is for users of a carrier that does not serve the account
    (outsider, *_) = town.rows(
        "select account_id from integrity.accounts where account_id not in"
        " (select account_id from integrity.int_carrier_accounts where carrier_id = 'internet')"
        " order by account_id"
    )
    with served.person(Role.CARRIER, "internet") as internet:
        answer = ask(internet, operation, outsider["account_id"])
    assert_error(answer, 404, "notFound")
    assert answer.content == refused[0].content


@pytest.mark.parametrize("operation", sorted(OF_ACCOUNT))
def test_what_is_told_is_of_the_account(
    subscriber: httpx.Client, support: httpx.Client, accounts: list[str], operation: tuple[str, str]
) -> None:
    own = accounts[0]
    answers = [ask(client, operation, own).json() for client in (subscriber, support)]
    for answer in answers:
        rows = answer if isinstance(answer, list) else [answer]
        for row in rows:
            named = {
                *([row["account_id"]] if "account_id" in row else []),
                *(one["id"] for one in row.get("relatedParty", []) if one["role"] == "customer"),
            }
            assert named <= {own}
    if operation[1].endswith("/adjustments"):
        # who made them, and the notes, are for staff
        answers[1] = [row | {"adjusted_by": None, "note": None} for row in answers[1]]
    if "Bill" not in operation[1]:
        assert answers[0] == answers[1]


@pytest.mark.parametrize("operation", sorted(FOR_STAFF))
def test_staff_only(
    subscriber: httpx.Client,
    carrier: httpx.Client,
    support: httpx.Client,
    accounts: list[str],
    operation: tuple[str, str],
) -> None:
    assert_error(ask(subscriber, operation, accounts[0]), 403, "forbidden")
    for client in (carrier, support):
        assert ask(client, operation, accounts[0]).status_code == 200


def test_things_of_another_account(
    town: Warehouse, served: Served, subscriber: httpx.Client, accounts: list[str]
) -> None:
    own, other = accounts[:2]
    looked_at = set()
    for account_id in (own, other):
        (bill, *_) = town.rows("select * from billing.bills where account_id = %s", account_id)
        (record, *_) = town.rows(
            "select * from unbilled.unbilled_detail where account_id = %s", account_id
        )
        (bucket, *_) = town.rows(
            "select * from rollover.rollover_buckets where account_id = %s"
            " order by available_from desc, bucket_id",
            account_id,
        )
        paths = {
            f"{BILLS}/{{bill_id}}": f"{BILLS}/{bill['bill_id']}",
            f"{BILLS}/{{bill_id}}/document/{{kind}}": f"{BILLS}/{bill['bill_id']}/document/json",
            f"{USAGE}/{{usage_id}}": f"{USAGE}/{record['carrier_id']}:{record['cdr_id']}",
            f"{BALANCES}/bucket/{{bucket_id}}": f"{BALANCES}/bucket/{bucket['bucket_id']}",
            f"{BALANCES}/accumulatedBalance/{{balance_id}}": (
                f"{BALANCES}/accumulatedBalance/{account_id}-{bucket['pool_id']}"
            ),
        }
        looked_at |= {("get", path) for path in paths}
        for path in paths.values():
            answer = subscriber.get(path)
            if account_id == own:
                assert answer.status_code == 200, answer.text
            else:
                assert_error(answer, 404, "notFound")
                nothing = subscriber.get(path.replace(other, "A-nobody").replace(":", ":no"))
                assert nothing.content == answer.content
    assert looked_at == OF_THING


@pytest.fixture(scope="module")
def expired() -> str:
    token = issue_token(SECRET, Role.SUPPORT, "sue", timedelta(microseconds=1))
    time.sleep(1)  # they are dated in whole seconds
    return token


@pytest.mark.parametrize("operation", sorted(OPERATIONS - OPEN))
def test_without_a_genuine_token(served: Served, expired: str, operation: tuple[str, str]) -> None:
    method, path = operation
    other = issue_token("x" * 40, Role.SUPPORT, "sue")
    for token, codes in (
        (None, {"missingToken"}),
        (other, {"invalidToken"}),
        ("x", {"invalidToken"}),
        (expired, {"expiredToken", "invalidToken"}),  # platforms have tokens that do not expire
    ):
        with served.bearing(token) as nobody:
            answer = nobody.request(
                method,
                path.format(
                    account_id="A1",
                    usage_id="a:b",
                    bill_id="x",
                    kind="pdf",
                    order_id="x",
                    bucket_id="x",
                    balance_id="x",
                ),
                json={} if method in ("post", "patch") else None,
            )
        assert answer.status_code == 401, (answer.text, path)
        assert answer.json()["code"] in codes
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_platforms_read_as_their_carrier(
    served: Served, carrier: httpx.Client, accounts: list[str]
) -> None:
    with served.client("wireless") as platform:
        for operation in (*OF_ACCOUNT, *FOR_STAFF):
            one, other = (ask(client, operation, accounts[0]) for client in (platform, carrier))
            assert (one.status_code, one.content) == (200, other.content), operation
        records = platform.get(f"{V1}/unbilled/detail".format(account_id=accounts[0])).json()
        assert {row["carrier_id"] for row in records} == {"wireless"}
    for client in (served.client("nowhere"), served.person(Role.CARRIER, "no where")):
        with client:
            assert_error(ask(client, ("get", V1), accounts[0]), 403, "unknownCarrier")


def test_platforms_services_are_not_for_people(
    served: Served, subscriber: httpx.Client, carrier: httpx.Client, support: httpx.Client
) -> None:
    for client in (subscriber, carrier, support):
        for answer in (
            client.get(ORDERS),
            client.get(f"{ORDERS}/x"),
            client.post(ORDERS, json=order("L-1")),
            client.post(CHECK, json={}),
        ):
            assert_error(answer, 403, "forbidden")
            assert "platform" in answer.json()["message"]
    with served.bearing("nobody's") as nobody:
        assert_error(nobody.get(ORDERS), 401, "invalidToken")


# --- what is told -------------------------------------------------------------------------------


def same(rows: list[dict[str, Any]], expected: list[dict[str, Any]], *names: str) -> None:
    """Rows tell the same as those of a mart, figure by figure."""

    def key(row: dict[str, Any]) -> list[str]:
        return [str(row[name]) for name in names]

    def plain(value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value

    assert sorted(map(key, rows)) == sorted(map(key, expected))
    of_mart = {tuple(key(row)): row for row in expected}
    for row in rows:
        mart = of_mart[tuple(key(row))]
        for name in row.keys() & mart.keys():
            if isinstance(mart[name], Decimal):
                assert Decimal(row[name]) == mart[name], name
            elif isinstance(mart[name], date | str | int | None) and not isinstance(
                mart[name], datetime
            ):
                assert row[name] == plain(mart[name]), name


@pytest.mark.parametrize(
    ("path", "mart", "names"),
    [
        ("/unbilled", "unbilled.unbilled_summary", ["pool_id", "cycle_start"]),
        ("/rollover/matrix", "rollover.rollover_matrix", ["pool_id", "cycle_start"]),
        ("/rollover/buckets", "rollover.rollover_buckets", ["bucket_id"]),
        ("/rollover/requests", "rollover.rollover_requests", ["pool_id"]),
        ("/adjustments?limit=100", "rollover.adjustment_history", ["adjustment_id", "bucket_id"]),
        ("/plans", "integrity.effective_plans", ["plan_id", "effective_from"]),
        ("/lines", "integrity.casi_subscribers", ["carrier_id", "service_number"]),
        ("/exceptions?limit=100", "integrity.bundle_exceptions", ["exception_id"]),
    ],
)
def test_rows_are_those_of_the_mart(
    town: Warehouse, support: httpx.Client, accounts: list[str], path: str, mart: str, names: Any
) -> None:
    told = 0
    for account_id in accounts:
        rows = support.get(V1.format(account_id=account_id) + path).json()
        same(rows, town.rows(f"select * from {mart} where account_id = %s", account_id), *names)
        told += len(rows)
    assert told > 0


def test_records_in_parts(town: Warehouse, support: httpx.Client, accounts: list[str]) -> None:
    path = f"{V1}/unbilled/detail".format(account_id=accounts[0])
    mart = town.rows("select * from unbilled.unbilled_detail where account_id = %s", accounts[0])
    assert len(mart) > 15
    found: list[dict[str, Any]] = []
    following: str | None = f"{path}?limit=7"
    while following:
        answer = support.get(following)
        assert answer.headers["X-Total-Count"] == str(len(mart))
        assert answer.headers["X-Result-Count"] == str(len(answer.json()))
        found += answer.json()
        links = answer.links
        following = links.get("next", {}).get("url")
    same(found, mart, "carrier_id", "cdr_id")
    assert len(support.get(links["last"]["url"]).json()) in range(1, 8)
    moments = [(row["local_date"], row["local_time"]) for row in found]
    assert moments == sorted(moments)
    beyond = support.get(path, params={"offset": 10_000})
    assert (beyond.status_code, beyond.json()) == (200, [])
    assert beyond.headers["X-Total-Count"] == str(len(mart))
    days = sorted({row["local_date"] for row in mart})
    middle = days[len(days) // 2]
    number = mart[0]["service_number"]
    for filters, wanted in (
        ({"from": middle}, [row for row in mart if row["local_date"] >= middle]),
        ({"to": middle}, [row for row in mart if row["local_date"] <= middle]),
        ({"serviceNumber": number}, [row for row in mart if row["service_number"] == number]),
        ({"otherNumber": "%"}, []),
        (
            {"otherNumber": mart[0]["other_number"][2:7], "newestFirst": True},
            [row for row in mart if mart[0]["other_number"][2:7] in (row["other_number"] or "")],
        ),
    ):
        answer = support.get(path, params={"limit": 100, **filters})
        assert answer.headers["X-Total-Count"] == str(len(wanted)), filters
        same(answer.json(), wanted, "carrier_id", "cdr_id")
    by_day = support.get(f"{V1}/unbilled/days".format(account_id=accounts[0])).json()
    assert sum(row["records"] for row in by_day) == len(mart)
    for name, value in (("limit", 101), ("limit", 0), ("offset", -1), ("from", "x"), ("lmit", 1)):
        assert support.get(path, params={name: value}).status_code == 400


def test_usage(town: Warehouse, subscriber: httpx.Client, accounts: list[str]) -> None:
    mart = town.rows(
        "select * from unbilled.unbilled_detail where account_id = %s"
        " order by started_at desc, carrier_id, cdr_id",
        accounts[0],
    )
    answer = subscriber.get(USAGE, params={"limit": 100})
    assert answer.headers["X-Total-Count"] == str(len(mart))
    told = {row["id"]: row for row in answer.json()}
    for row in mart[:100]:
        usage = told[f"{row['carrier_id']}:{row['cdr_id']}"]
        (rating,) = usage["ratedProductUsage"]
        assert rating["taxExcludedRatingAmount"]["value"] == float(row["charge_amount"])
        assert usage["status"] == "rated"
        assert subscriber.get(usage["href"]).json() == usage
    at = mart[3]["started_at"]
    for name, value, wanted in (
        ("usageDate.gte", at.isoformat(), [row for row in mart if row["started_at"] >= at]),
        ("usageDate.lte", at.isoformat(), [row for row in mart if row["started_at"] <= at]),
        ("usageDate.gt", at.isoformat(), [row for row in mart if row["started_at"] > at]),
        ("usageDate.lt", at.isoformat(), [row for row in mart if row["started_at"] < at]),
        ("usageType", "voice", [row for row in mart if row["service"] == "voice"]),
        ("usageType", "fax", []),
    ):
        part = subscriber.get(USAGE, params={name: value})
        assert part.headers["X-Total-Count"] == str(len(wanted))


def test_fields(subscriber: httpx.Client, served: Served) -> None:
    for path, names in (
        (USAGE, ["status", "usageDate"]),
        (BILLS, ["amountDue"]),
        (f"{BALANCES}/bucket", ["validFor", "status"]),
        (f"{BALANCES}/accumulatedBalance", ["totalBalance"]),
    ):
        every = subscriber.get(path, params={"limit": 3} if "acc" not in path else {})
        whole = every.json()[0]
        for fields, wanted in ((",".join(names), {"id", "href", *names}), ("none", {"id", "href"})):
            only = {name: value for name, value in whole.items() if name in wanted}
            chosen = subscriber.get(path, params={"fields": fields})
            assert chosen.json()[0] == only
            assert set(only) == wanted
            assert chosen.headers.get("X-Total-Count") == every.headers.get("X-Total-Count")
            assert subscriber.get(whole["href"], params={"fields": fields}).json() == only
        for unknown in ("colour", "status,", "validFor.startDateTime"):
            answer = subscriber.get(path, params={"fields": unknown})
            assert_error(answer, 400, "unknownAttribute")
    with served.client("wireless") as platform:
        orders = platform.get(ORDERS, params={"fields": "state", "limit": 2})
        assert [set(one) for one in orders.json()] == [{"id", "href", "state"}] * 2
        assert 'rel="next"' in orders.headers["Link"] and "fields=state" in orders.headers["Link"]
        (shown,) = platform.get(ORDERS, params={"fields": "state", "limit": 1}).json()
        assert platform.get(shown["href"], params={"fields": "state"}).json() == shown
        assert_error(platform.get(ORDERS, params={"fields": "x"}), 400, "unknownAttribute")


def test_filters_of_buckets(support: httpx.Client, accounts: list[str]) -> None:
    who = {"relatedParty.id": accounts[0], "limit": "100"}
    every = support.get(f"{BALANCES}/bucket", params=who).json()
    for name in ("status", "usageType"):
        for value in {bucket[name] for bucket in every}:
            told = support.get(f"{BALANCES}/bucket", params=who | {name: value}).json()
            assert told == [bucket for bucket in every if bucket[name] == value]
    assert_error(
        support.get(f"{BALANCES}/bucket", params=who | {"status": "x"}), 400, "invalidRequest"
    )


def test_methods(support: httpx.Client, served: Served, accounts: list[str]) -> None:
    """HEAD is answered as GET is, without a body; 405 names all methods of an address."""
    account = V1.format(account_id=accounts[0])
    for path in (
        account,
        f"{account}/unbilled/detail",
        f"{USAGE}?relatedParty.id={accounts[0]}",
        "/health",
        "/openapi.json",
        "/portal/",
        "/portal",
        "/api/v1/nothing",
        "/api/v1/unbilled",
    ):
        head, get = support.head(path), support.get(path)
        assert head.status_code == get.status_code, path
        assert head.content == b""
        for name in get.headers.keys() - {"date", "set-cookie", "transfer-encoding"}:
            assert head.headers[name] == get.headers[name], (path, name)
    for path, methods in (
        (USAGE, "GET, HEAD, POST"),
        (f"{account}/adjustments", "GET, HEAD, POST"),
        (account, "GET, HEAD"),
        (ORDERS, "GET, HEAD, POST"),
        (f"{ORDERS}/x", "GET, HEAD, PATCH"),
        ("/health", "GET, HEAD"),
    ):
        answer = support.delete(path)
        assert_error(answer, 405, "methodNotAllowed")
        assert answer.headers["Allow"] == methods, path


@pytest.mark.parametrize(
    "written", ["20250825", "1735689600", "today", "2025-02-30", "2025-08-25T"]
)
def test_dates_are_iso_8601(subscriber: httpx.Client, accounts: list[str], written: str) -> None:
    for path, name in (
        (USAGE, "usageDate.gte"),
        (USAGE, "usageDate.lte"),
        (f"{V1}/unbilled/detail".format(account_id=accounts[0]), "from"),
        (f"{V1}/unbilled/days".format(account_id=accounts[0]), "to"),
    ):
        answer = subscriber.get(path, params={name: written})
        assert_error(answer, 400, "invalidRequest")
        assert answer.json()["message"].startswith(f"{name}: has to be ISO 8601: a date such as")
        assert subscriber.get(path, params={name: "2025-06-25"}).status_code == 200
    for moment in ("2025-06-25T10:00:00Z", "2025-06-25T10:00:00+02:00", "2025-06-25T10:00"):
        assert subscriber.get(USAGE, params={"usageDate.gte": moment}).status_code == 200


def test_a_parameter_has_one_value(support: httpx.Client, accounts: list[str]) -> None:
    path = f"{USAGE}?relatedParty.id={accounts[0]}"
    for repeated in ("&limit=1&limit=3", f"&relatedParty.id={accounts[1]}", "&limit=1&limit=1"):
        assert_error(support.get(path + repeated), 400, "repeatedParameter")
    answer = support.get(f"{path}&serviceNumber=+19125550101")
    assert_error(answer, 400, "invalidRequest")
    assert "%2B" in answer.json()["message"]


def test_what_is_wrong_is_said_in_our_words(support: httpx.Client, accounts: list[str]) -> None:
    path = f"{V1}/adjustments".format(account_id=accounts[0])
    told = [
        support.get(USAGE, params={"limit": "x", "relatedParty.id": " "}),
        support.get(USAGE, params={"limit": "0"}),
        support.post(path, json=[]),
        support.post(path, json={"pool_id": 3, "action": "gift", "quantity": {}, "x": 1}),
        support.post(path, content=b"{", headers={"Content-Type": "application/json"}),
        support.post(USAGE, json={"usageDate": None}),
    ]
    for answer in told:
        assert_error(answer, 400, "invalidRequest")
        for framework in ("Input should", "Value error", "valid dict", "Field required"):
            assert framework not in answer.text
    assert told[1].json()["message"] == "limit: has to be 1 or more."


def test_bills_and_their_documents(
    town: Warehouse, subscriber: httpx.Client, carrier: httpx.Client, accounts: list[str]
) -> None:
    mart = town.rows(
        "select * from billing.bills where account_id = %s order by cycle_start desc", accounts[0]
    )
    bills = subscriber.get(BILLS).json()
    assert [bill["id"] for bill in bills] == [row["bill_id"] for row in mart]
    bill, row = bills[0], mart[0]
    assert bill["amountDue"] == {"unit": row["currency"], "value": float(row["total_amount"])}
    assert bill["taxExcludedAmount"]["value"] == float(row["total_amount"] - row["tax_amount"])
    assert subscriber.get(bill["href"]).json() == bill
    (stored,) = town.rows(
        "select document from billing.bill_documents where bill_id = %s", row["bill_id"]
    )
    files = {one["mimeType"]: subscriber.get(one["url"]) for one in bill["billDocument"]}
    assert files["application/json"].text == render_json(stored["document"])
    assert row["bill_id"] in files["text/html"].text
    assert "script-src" not in files["text/html"].headers["Content-Security-Policy"]
    assert files["application/pdf"].content.startswith(b"%PDF")
    for kind, file in files.items():
        assert file.headers["Content-Type"].split(";")[0] == kind
        assert row["bill_id"] in file.headers["Content-Disposition"]
    # a carrier sees the bill, not the calls made at others
    assert carrier.get(bill["href"]).json()["billDocument"] == []
    assert_error(carrier.get(f"{bill['href']}/document/json"), 403, "forbidden")
    assert_error(subscriber.get(f"{bill['href']}/document/docx"), 400, "invalidRequest")


def ended_buckets(town: Warehouse) -> set[str]:
    """Buckets whose last day is before the day on which the warehouse stands."""
    return {
        row["bucket_id"]
        for row in town.rows(
            """
            select buckets.bucket_id
            from rollover.rollover_buckets as buckets
            inner join integrity.accounts as accounts on accounts.account_id = buckets.account_id
            cross join control.run_values as run
            where buckets.status = 'available'
                and buckets.expires_on <= (run.as_of at time zone accounts.time_zone)::date
            """
        )
    }


def test_balances(town: Warehouse, support: httpx.Client, accounts: list[str]) -> None:
    looked_at, _ = balances_agree(town, support, accounts)
    assert looked_at > 10
    assert_error(support.get(f"{BALANCES}/bucket"), 400, "missingFilter")


def test_balances_between_the_end_of_a_cycle_and_its_close(
    town: Warehouse, support: httpx.Client, accounts: list[str]
) -> None:
    """What ended with the cycle is not what is left, though no close has said so."""
    (first,) = town.rows(
        "select min(expires_on) as day from rollover.rollover_buckets"
        " where status = 'available' and account_id = any(%s)",
        accounts,
    )
    town.build(as_of=datetime.combine(first["day"], clock(16), UTC))
    try:
        looked_at, past = balances_agree(town, support, accounts)
        assert looked_at > 10 and past > 0
        stream = support.get("/api/v1/rollover/buckets").text
        for bucket_id in ended_buckets(town):
            assert f'"{bucket_id}"' not in stream
    finally:
        town.build()


def balances_agree(town: Warehouse, support: httpx.Client, accounts: list[str]) -> tuple[int, int]:
    """How many balances are the sum of their buckets, and buckets that have ended were seen."""
    looked_at = past = 0
    ended_ids = ended_buckets(town)
    for account_id in accounts:
        who = {"relatedParty.id": account_id, "limit": "100"}
        buckets = {row["id"]: row for row in support.get(f"{BALANCES}/bucket", params=who).json()}
        for row in town.rows(
            "select * from rollover.rollover_buckets where account_id = %s", account_id
        ):
            bucket = buckets[row["bucket_id"]]
            assert bucket["validFor"]["endDateTime"].startswith(row["expires_on"].isoformat())
            ended = row["bucket_id"] in ended_ids
            assert bucket["status"] == (
                "expired"
                if ended or row["status"] in {"expired", "depleted"}
                else "active"
                if row["status"] == "available"
                else "suspended"
            )
            past += ended
            (told,) = [
                one
                for one in support.get(
                    f"{V1}/rollover/buckets".format(account_id=account_id)
                ).json()
                if one["bucket_id"] == row["bucket_id"]
            ]
            assert told["has_ended"] == ended
        usable = support.get(
            f"{V1}/rollover/buckets".format(account_id=account_id), params={"available": True}
        ).json()
        assert not {one["bucket_id"] for one in usable} & ended_ids
        assert {one["status"] for one in usable} <= {"available"}  # nor kept, nor archived
        for bucket in buckets.values():
            assert support.get(bucket["href"]).json() == bucket
            only = who | {"id": bucket["id"]}
            assert support.get(f"{BALANCES}/bucket", params=only).json() == [bucket]
        who.pop("limit")
        for total in support.get(f"{BALANCES}/accumulatedBalance", params=who).json():
            (row,) = town.rows(
                "select * from unbilled.unbilled_summary where account_id = %s and pool_id = %s"
                " and cycle_start <= as_of::date order by cycle_start desc limit 1",
                account_id,
                total["id"].removeprefix(f"{account_id}-"),
            )
            left = row["plan_remaining_units"] + row["rollover_available_units"]
            assert total["totalBalance"]["amount"] == pytest.approx(float(left))
            assert support.get(total["href"]).json() == total
            drawn = [buckets[one["id"]] for one in total["bucket"]]
            assert {bucket["status"] for bucket in drawn} <= {"active"}
            assert sum(bucket["remainingValue"]["amount"] for bucket in drawn) == pytest.approx(
                float(left), abs=1e-5
            )
            active = {
                bucket["id"]
                for bucket in buckets.values()
                if bucket["status"] == "active" and total["id"].endswith(f"-{bucket['usageType']}")
            }
            assert active == {bucket["id"] for bucket in drawn}
            looked_at += 1
    return looked_at, past


def test_search(town: Warehouse, support: httpx.Client, subscriber: httpx.Client) -> None:
    (line, *_) = town.rows(
        "select * from integrity.casi_subscribers where account_id is not null"
        " order by account_id, service_number"
    )
    (account,) = town.rows(
        "select * from integrity.accounts where account_id = %s", line["account_id"]
    )
    for text, matched in (
        (account["account_id"].lower(), "account"),
        (line["service_number"], "number"),
        (line["service_number"][2:], "number"),
        (account["holder_name"].upper(), "name"),
        (" ".join(reversed(account["holder_name"].split())), "name"),
        (account["email"], "email"),
    ):
        (first, *_) = support.get("/api/v1/accounts", params={"search": text}).json()
        assert (first["account_id"], first["matched"]) == (account["account_id"], matched)
    (order, *_) = town.rows(
        "select * from integrity.order_history where account_id is not null order by order_id"
    )
    found = support.get("/api/v1/accounts", params={"search": order["order_id"]}).json()
    assert (order["account_id"], "order") in {(row["account_id"], row["matched"]) for row in found}
    for text in ("%", "_", "\\", "no such thing"):
        assert support.get("/api/v1/accounts", params={"search": text}).json() == []
    assert len(support.get("/api/v1/accounts", params={"search": "A", "limit": 3}).json()) == 3


def test_exceptions_of_a_carrier(support: httpx.Client) -> None:
    answer = support.get("/api/v1/exceptions", params={"carrier": "bogus"})
    assert_error(answer, 400, "unknownCarrier")
    assert "wireless" in answer.json()["message"]
    for carrier_id in ("wireless", "internet"):
        every = support.get("/api/v1/exceptions", params={"carrier": carrier_id})
        assert every.status_code == 200


def test_whole_marts(town: Warehouse, carrier: httpx.Client, support: httpx.Client) -> None:
    served = {
        row["account_id"]
        for row in town.rows(
            "select account_id from integrity.int_carrier_accounts where carrier_id = 'wireless'"
        )
    }
    ended = ended_buckets(town)
    for path, mart, names in (
        ("/api/v1/unbilled", "unbilled.unbilled_summary", ["account_id", "pool_id", "cycle_start"]),
        ("/api/v1/rollover/buckets", "rollover.rollover_buckets", ["bucket_id"]),
    ):
        expected = [
            row
            for row in town.mart(mart)
            if row.get("remaining_quantity", 1) > 0
            and row.get("status", "available") == "available"
            and row.get("bucket_id") not in ended
        ]
        for client, wanted in (
            (support, expected),
            (carrier, [row for row in expected if row["account_id"] in served]),
        ):
            answer = client.get(path)
            assert answer.headers["Content-Type"] == "application/x-ndjson"
            rows = [json.loads(line) for line in answer.text.splitlines()]
            assert len(rows) > 10
            same(rows, wanted, *names)
    # one that is broken off ends its session
    for _ in range(4):
        with support.stream("GET", "/api/v1/unbilled") as answer:
            assert answer.status_code == 200
    assert support.get("/api/v1/unbilled").status_code == 200


def test_streams_hold_few_rows_at_once(town: Warehouse) -> None:
    sue = Subject(Role.SUPPORT, "sue", "sue", datetime.max.replace(tzinfo=UTC), "test")

    async def read() -> int:
        access = Access(town.url)
        told = 0
        async with access.session(sue) as session:
            wide = "select repeat('x', 200) as text from generate_series(1, 50000)"
            async for row in queries.stream(session, wide):
                told += len(row["text"])
        await access.close()
        return told

    tracemalloc.start()
    try:
        assert asyncio.run(read()) == 50_000 * 200
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


# --- what is written ----------------------------------------------------------------------------


def adjustment(**more: Any) -> dict[str, Any]:
    return {
        "adjustment_id": "CASE-1",
        "pool_id": "anytime",
        "action": "credit",
        "quantity": "12.5",
        "reason_code": "error_correction",
        "note": "Calls were cut off.",
    } | more


def test_adjustments(
    town: Warehouse,
    served: Served,
    subscriber: httpx.Client,
    carrier: httpx.Client,
    support: httpx.Client,
    accounts: list[str],
) -> None:
    path = f"{V1}/adjustments".format(account_id=accounts[0])
    assert_error(subscriber.post(path, json=adjustment()), 403, "forbidden")
    with served.client("wireless") as platform:
        assert_error(platform.post(path, json=adjustment()), 403, "forbidden")
    with served.person(Role.CARRIER, "internet", "eve") as internet:
        assert_error(internet.post(path, json=adjustment()), 404, "notFound")
    first, again = (carrier.post(path, json=adjustment()) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert (first.json()["adjusted_by"], first.json()["quantity"]) == ("wireless/ann", "12.5")
    (row,) = town.rows("select * from raw.rollover_adjustments where adjustment_id = 'CASE-1'")
    assert (row["adjusted_by"], row["quantity"], row["note"]) == (
        *("wireless/ann", Decimal("12.5"), "Calls were cut off."),
    )
    assert loaded_by(town, "rollover_adjustments", "CASE-1") == "wireless/ann"
    # the name alone does not say whose Ann it is
    for role, subject, signed in (
        (Role.SUPPORT, "ann", "support/ann"),
        (Role.CARRIER, "wireline", "wireline/ann"),
    ):
        with served.person(role, subject, "ann") as ann:
            answer = ann.post(path, json=adjustment(adjustment_id=None))
            assert answer.status_code == 201 and answer.json()["adjusted_by"] == signed
    other = carrier.post(path, json=adjustment(quantity="13"))
    assert_error(other, 409, "otherContent")
    unnamed = support.post(path, json=adjustment(adjustment_id=None))
    assert unnamed.status_code == 201 and unnamed.json()["adjusted_by"] == "support/sue"
    for wrong, status, code in (
        ({"pool_id": "none such"}, 422, "invalidAdjustment"),
        ({"reason_code": "none such"}, 422, "invalidAdjustment"),
        ({"quantity": "0.001"}, 422, "invalidAdjustment"),
        ({"quantity": "0"}, 400, "invalidRequest"),
        ({"quantity": "NaN"}, 400, "invalidRequest"),
        ({"action": "gift"}, 400, "invalidRequest"),
        ({"action": "resale"}, 422, "bucketCycleStart"),
        ({"action": "extension", "bucket_cycle_start": "2025-06-01"}, 422, "extendCycles"),
        ({"action": "resale", "bucket_cycle_start": "1999-01-01"}, 422, "unknownBucket"),
        ({"adjusted_at": "2025-06-14T10:00:00"}, 422, "adjustedAt"),
        ({"adjusted_at": "2999-06-14T10:00:00Z"}, 422, "invalidAdjustment"),
        ({"adjusted_by": "somebody"}, 400, "invalidRequest"),
    ):
        answer = support.post(path, json=adjustment(adjustment_id=None) | wrong)
        assert_error(answer, status, code)
        assert "--" not in answer.text and "'tandem" not in answer.text
    assert town.rows(
        "select count(*) as rows from raw.rollover_adjustments"
        " where adjustment_id = 'CASE-1' or adjustment_id like 'API-%'"
    ) == [{"rows": 4}]
    town.build()
    history = support.get(path, params={"limit": 100}).json()
    assert {row["adjusted_by"] for row in history} >= {
        *("wireless/ann", "wireline/ann", "support/ann", "support/sue"),
    }
    assert first.headers["Location"] == again.headers["Location"]
    (this_one,) = support.get(first.headers["Location"]).json()
    assert this_one["adjustment_id"] == "CASE-1"


def loaded_by(town: Warehouse, feed: str, row_id: str) -> str:
    """Who loaded a row, as the manifest says."""
    key = {"rollover_adjustments": "adjustment_id", "cdrs": "cdr_id"}[feed]
    (row,) = town.rows(
        f"select loaded_by from raw.loads inner join raw.{feed} using (load_id) where {key} = %s",
        row_id,
    )
    return str(row["loaded_by"])


def record(cdr_id: str, **more: Any) -> dict[str, Any]:
    said = {
        "cdrId": cdr_id,
        "direction": "originated",
        "callingNumber": "+19125550999",
        "calledNumber": "+14045550177",
        "quantity": 61,
    } | {name: value for name, value in more.items() if not name.startswith("usage")}
    return {
        "@type": "Usage",
        "usageDate": more.get("usageDate", "2025-07-10T10:00:00Z"),
        "usageType": more.get("usageType", "voice"),
        "usageCharacteristic": [
            {"name": name, "value": value} for name, value in said.items() if value is not None
        ],
    }


def test_usage_that_carriers_send(
    town: Warehouse,
    served: Served,
    subscriber: httpx.Client,
    carrier: httpx.Client,
    support: httpx.Client,
) -> None:
    (line, *_) = town.rows(
        "select * from integrity.casi_subscribers where carrier_id = 'wireless'"
        " and status = 'active' order by account_id, service_number"
    )
    body = record("N-1", callingNumber=line["service_number"])
    for nobody in (subscriber, support):
        assert_error(nobody.post(USAGE, json=body), 403, "forbidden")
    (billed, *_) = town.rows(
        "select * from rating.rated_usage where is_closed and carrier_id = 'wireless'"
        " and charge_amount > 0 order by cdr_id"
    )
    void = carrier.post(USAGE, json=as_sent(town, billed["cdr_id"], "void"))
    assert (void.status_code, void.json()["status"]) == (201, "received"), void.text
    assert said(void.json())["action"] == "void"
    loads = town.rows("select count(*) as loads from raw.loads")[0]["loads"]
    with served.client("wireless") as platform:
        first = platform.post(USAGE, json=body)
        again = carrier.post(USAGE, json=body)
        assert (first.status_code, again.status_code) == (201, 200), first.text
        assert first.json() == again.json()
        assert first.headers["Location"] == first.json()["href"] == f"{USAGE}/wireless:N-1"
        assert first.json()["status"] == "received"
        assert loaded_by(town, "cdrs", "N-1") == "platform of wireless"
        by_hand = carrier.post(USAGE, json=record("N-3", callingNumber=line["service_number"]))
        assert by_hand.status_code == 201, by_hand.text
        assert loaded_by(town, "cdrs", "N-3") == "wireless/ann"
        assert platform.get(first.json()["href"]).json() == first.json()
        assert_error(support.get(first.json()["href"]), 404, "notFound")
        changed = platform.post(
            USAGE, json=record("N-1", callingNumber=line["service_number"], quantity=62)
        )
        assert_error(changed, 409, "otherContent")
        for wrong, code in (
            ({"usageType": "fax"}, "bad_value"),
            ({"quantity": -1}, "bad_value"),
            ({"quantity": None}, "missing_value"),
            ({"usageDate": "2999-01-01T00:00:00Z"}, "future_time"),
            ({"usageDate": "yesterday"}, "bad_type"),
            ({"direction": "sideways"}, "bad_value"),
            ({"colour": "red"}, "characteristic"),
            ({"cdrId": None}, "characteristic"),
            ({"callingNumber": None}, "missing_value"),
        ):
            answer = platform.post(USAGE, json=record("N-2", **wrong))
            assert_error(answer, 422, code)
            for column in ("started_at", "calling_number", "cdr_id"):
                assert column not in answer.text
        assert (
            "usageDate"
            in platform.post(USAGE, json=record("N-2", usageDate="yesterday")).json()["message"]
        )
        # what a record says of itself has to agree
        again = body | {
            "id": "wireless:N-1",
            "href": first.json()["href"],
            "@type": "Usage",
            "status": "received",
            "relatedParty": [
                {"id": line["account_id"], "role": "customer", "@referredType": "Customer"},
                {"id": "wireless", "role": "serviceProvider"},
            ],
        }
        assert platform.post(USAGE, json=again).status_code == 200
        for wrong_member, code in (
            ({"id": "wireless:N-2"}, "otherId"),
            ({"status": "rated"}, "status"),
            ({"relatedParty": [{"id": "A-nobody", "role": "customer"}]}, "otherParty"),
            ({"relatedParty": [{"id": "wireline", "role": "serviceProvider"}]}, "otherParty"),
        ):
            assert_error(platform.post(USAGE, json=again | wrong_member), 422, code)
        answer = platform.post(USAGE, json=body | {"usageCharacteristics": []})
        assert_error(answer, 400, "invalidRequest")
        assert answer.json()["message"] == "usageCharacteristics: is no member."
    with served.client("wireline") as other:  # its ids are its own
        assert other.post(USAGE, json=record("N-1")).status_code == 201
    assert_error(carrier.get(f"{USAGE}/wireline:N-1"), 404, "notFound")
    assert town.rows("select count(*) as loads from raw.loads")[0]["loads"] == loads + 3
    town.build()
    rated = carrier.get(first.json()["href"]).json()
    assert rated["status"] == "rated", rated
    assert carrier.post(USAGE, json=body).json() == rated
    # a billed record stays billed, and what its void gave back stands beside it
    usage = carrier.get(void.json()["href"]).json()
    assert usage["status"] == "billed"
    once, back = usage["ratedProductUsage"]
    assert (once["isBilled"], back["isBilled"], back["usageRatingTag"]) == (
        *(True, False, "reversal"),
    )
    amounts = [one["taxExcludedRatingAmount"]["value"] for one in (once, back)]
    assert amounts == [float(billed["charge_amount"]), -float(billed["charge_amount"])]
    assert rated["relatedParty"][0]["id"] == line["account_id"]
    assert rated["usageDate"] == first.json()["usageDate"] == "2025-07-10T10:00:00Z"
    # what was sent stays, what is rated joins it; others are told what is rated
    told, before = (said(one) for one in (rated, first.json()))
    assert (before["quantity"], before["callingNumber"]) == (61, line["service_number"])
    assert before.items() <= told.items()
    assert told["durationUnits"] == pytest.approx(61 / 60, abs=1e-6)
    (listed,) = [
        usage
        for usage in carrier.get(
            USAGE, params={"relatedParty.id": line["account_id"], "limit": 100}
        ).json()
        if usage["id"] == rated["id"]
    ]
    assert listed == rated
    others = support.get(first.json()["href"]).json()
    assert others | {"usageCharacteristic": []} == rated | {"usageCharacteristic": []}
    assert said(others).items() < told.items() and "callingNumber" not in said(others)


def said(usage: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one["value"] for one in usage["usageCharacteristic"]}


def as_sent(town: Warehouse, cdr_id: str, action: str = "new") -> dict[str, Any]:
    """A record of the wireless carrier as its platform would send it."""
    (row,) = town.rows(
        "select * from raw.cdrs where carrier_id = 'wireless' and cdr_id = %s and action = 'new'",
        cdr_id,
    )
    return {
        "usageDate": row["started_at"].isoformat(),
        "usageType": row["service"],
        "usageCharacteristic": [
            {"name": shown, "value": value}
            for name, shown in NAMES.items()
            for value in [action if name == "action" else row[name]]
        ],
    }


def test_what_became_of_a_record(
    town: Warehouse,
    served: Served,
    carrier: httpx.Client,
    support: httpx.Client,
) -> None:
    """Each is found in its true state, by whoever may see it."""
    with served.person(Role.CARRIER, "wireline", "bob") as other:
        for status, reason, rows in (
            (
                "billed",
                None,
                "select * from rating.rated_usage where is_closed and not is_reversal",
            ),
            ("rated", None, "select * from rating.rated_usage where not is_closed"),
            ("recycled", "suspended", "select * from rating.suspended_usage where true"),
            ("rejected", "voided", "select * from rating.voided_usage where action = 'new'"),
        ):
            (row, *_) = town.rows(f"{rows} and carrier_id = 'wireless' order by cdr_id")
            href = f"{USAGE}/wireless:{row['cdr_id']}"
            usage = carrier.get(href).json()
            assert usage["status"] == status, usage
            assert said(usage)["cdrId"] == row["cdr_id"]
            assert said(usage).get("statusReason") == row.get("reason", reason)
            seen = support.get(href).json()
            assert (seen["status"], seen["usageDate"]) == (status, usage["usageDate"])
            assert_error(other.get(href), 404, "notFound")
            with served.person(Role.SUBSCRIBER, row["account_id"] or "A-nobody") as owner:
                answer = owner.get(href)
            if status in {"billed", "rated"}:
                assert usage["relatedParty"][0] == seen["relatedParty"][0]
                assert usage["relatedParty"][0]["id"] == row["account_id"]
                (rating,) = usage["ratedProductUsage"]
                assert rating["isBilled"] == (status == "billed")
                assert rating["taxExcludedRatingAmount"]["value"] == float(row["charge_amount"])
                assert answer.json() == seen
            else:
                assert_error(answer, 404, "notFound")
            # the same record again is answered with where it stands
            again = carrier.post(USAGE, json=as_sent(town, row["cdr_id"]))
            assert (again.status_code, again.json()) == (200, usage), again.text
    # a void of what has never come waits, and is there for its carrier
    void = carrier.post(USAGE, json=record("N-void", action="void"))
    assert (void.status_code, void.json()["status"]) == (201, "received"), void.text
    assert said(carrier.get(void.json()["href"]).json())["action"] == "void"
    assert_error(support.get(void.json()["href"]), 404, "notFound")


def test_records_are_looked_up(town: Warehouse) -> None:
    """What stands for a record is found by indexes, however many there are."""
    (row, *_) = town.rows("select * from rating.rated_usage where is_closed order by cdr_id")
    with psycopg.connect(town.url) as session:
        session.execute("set enable_seqscan = off")
        session.execute("set search_path = support")
        for statement, parameters in (
            (records.RATED, ([row["account_id"]], row["started_at"], row["carrier_id"], "x")),
            (records.NOT_RATED, (row["carrier_id"], "x") * 2),
            (records.SENT, ([row["carrier_id"]], ["x"], "new")),
            (records.ACCOUNTS, (row["carrier_id"], row["service_number"])),
        ):
            plan = "\n".join(
                line for (line,) in session.execute(f"explain {statement}".encode(), parameters)
            )
            for table in ("rated_usage", "int_usage_open", "int_usage_suspended", "cdrs"):
                assert f"Seq Scan on {table}" not in plan, plan
            assert "Index Cond" in plan


def test_a_platform_orders_for_its_own(town: Warehouse, served: Served) -> None:
    """Nobody ends the plan of another carrier's customer, or begins one."""
    (other,) = town.rows(
        "select account_id from integrity.accounts where account_id not in"
        " (select account_id from integrity.int_carrier_accounts where carrier_id = 'wireline')"
        " order by account_id limit 1"
    )
    before = town.rows("select count(*) as orders from raw.orders")
    with served.client("wireline") as wireline:
        for action in ("add", "delete"):
            wanted = order(f"L-{action}", other["account_id"], plan="WIRELESS500", action=action)
            assert_error(wireline.post(ORDERS, json=wanted), 422, "notYourPlan")
    assert town.rows("select count(*) as orders from raw.orders") == before


# --- when something else is the matter ----------------------------------------------------------


def test_too_many_requests(town: Warehouse, tmp_path: Path, accounts: list[str]) -> None:
    options = ("--per-minute", 5, "--unknown-per-minute", 3)
    with serving(town, configuration(tmp_path), *options) as slow:
        path = V1.format(account_id=accounts[0])
        with slow.person(Role.SUPPORT, "sue") as sue, slow.person(Role.SUPPORT, "sam") as sam:
            assert [sue.get(path).status_code for _ in range(7)] == [200] * 5 + [429] * 2
            answer = sue.get(path)
            assert_error(answer, 429, "tooManyRequests")
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
            with slow.client(None) as nobody:
                assert [nobody.get(path).status_code for _ in range(5)] == [401] * 3 + [429] * 2
                # a balancer that asks whether the server is well is no guess, nor is an old link
                assert nobody.get("/health").status_code == 200
                assert nobody.get("/portal").headers["Location"] == "/portal/"
                assert nobody.get("/portal/enter/", params={"token": "x"}).status_code == 404
            # who has a token is not shut out by those who have none, or by others
            assert sam.get(path).status_code == 200
        with slow.client("wireless") as platform:
            assert [platform.get(path).status_code for _ in range(6)][-2:] == [200, 429]


def test_too_many_pdfs(town: Warehouse, tmp_path: Path) -> None:
    """They have limits of their own: for one caller, whatever his tokens, and for all together."""
    (bill, *_) = town.rows("select account_id, bill_id from billing.bills order by bill_id")
    at = f"{BILLS}/{bill['bill_id']}/document"
    page = f"/portal/accounts/{bill['account_id']}/bills/{bill['bill_id']}/document.pdf"
    options = ("--pdfs-per-minute", 2, "--all-pdfs-per-minute", 4)
    with serving(town, configuration(tmp_path), *options) as slow:
        with slow.person(Role.SUPPORT, "sue") as sue, slow.person(Role.SUPPORT, "sue") as again:
            assert [one.get(f"{at}/pdf").status_code for one in (sue, again)] == [200, 200]
            refused = again.get(f"{at}/pdf")
            assert_error(refused, 429, "tooManyRequests")
            assert "2 PDFs a minute" in refused.text
            assert 1 <= int(refused.headers["Retry-After"]) <= 60
            assert [sue.get(f"{at}/{kind}").status_code for kind in ("json", "html")] == [200, 200]
        with slow.person(Role.SUBSCRIBER, bill["account_id"]) as payer:
            token = payer.headers["Authorization"].removeprefix("Bearer ")
            payer.get("/portal/enter", params={"token": token})
            assert [payer.get(one).status_code for one in (page, f"{at}/pdf")] == [200, 200]
            refused = payer.get(page)
            assert (refused.status_code, refused.headers["Retry-After"].isdigit()) == (429, True)
            assert "<h1>Too many requests</h1>" in refused.text
        with slow.person(Role.SUPPORT, "sam") as sam:
            refused = sam.get(f"{at}/pdf")
            assert_error(refused, 429, "tooManyRequests")
            assert "4 PDFs a minute are made here" in refused.text


def test_behind_a_proxy_with_tls(town: Warehouse, tmp_path: Path, accounts: list[str]) -> None:
    """With --https it need not be told with each request, and cannot be told otherwise."""
    token = issue_token(SECRET, Role.SUBSCRIBER, accounts[0])
    with serving(town, configuration(tmp_path), "--https") as served:
        for headers in ({}, {"X-Forwarded-Proto": "http"}):
            with served.client(None) as visitor:
                entered = visitor.get("/portal/enter", params={"token": token}, headers=headers)
                assert entered.status_code == 303
                cookies = entered.headers.get_list("set-cookie")
                assert all("; Secure" in one for one in cookies if "Max-Age=0" not in one)
                for path in ("/portal/left", "/health", "/nothing", "/api/v1/accounts"):
                    strict = visitor.get(path, headers=headers).headers
                    assert strict["Strict-Transport-Security"] == "max-age=31536000", path


def test_a_login_that_only_reads(
    town: Warehouse, tmp_path: Path, accounts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server reads by it all that it shows; by itself it may nothing, nor become a writer."""
    roles = "tandem_server, tandem_portal, tandem_support, tandem_carrier_wireless"
    town.execute("drop role if exists login_web")
    town.execute("create role login_web login")
    town.execute(f"grant {roles} to login_web with inherit false, set true")
    url = town.url.replace("//tandem@", "//login_web@")
    monkeypatch.setenv("TANDEM_READER_DATABASE_URL", url)
    path = V1.format(account_id=accounts[0])
    try:
        with psycopg.connect(url, autocommit=True) as session:
            for statement in (
                *("select from raw.orders", "select from support.accounts"),
                *("set role tandem_owner", "set role tandem_engineer"),
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(statement.encode())
        (began,) = town.rows("select clock_timestamp() as at")  # another server may be at work
        with serving(town, configuration(tmp_path)) as served:
            for role, subject in (
                (Role.SUPPORT, "sue"),
                (Role.SUBSCRIBER, accounts[0]),
                (Role.CARRIER, "wireless"),
            ):
                with served.person(role, subject) as person:
                    assert person.get(path).status_code == 200
            with served.client("wireless") as platform:
                assert platform.get(ORDERS).json()
                # before anything is loaded, which goes by the other login
                assert town.rows(
                    "select distinct usename::text from pg_stat_activity"
                    " where datname = current_database() and application_name = 'tandem serve'"
                    " and backend_start > %s",
                    began["at"],
                ) == [{"usename": "login_web"}]
                sent = platform.post(USAGE, json=record("N-by-a-reader"))
                assert sent.status_code == 201, sent.text
    finally:
        town.execute("drop role login_web")


def test_every_operation_tells_of_its_limit() -> None:
    for method, path in sorted(OPERATIONS - {("get", "/health")}):
        answers = SCHEMA["paths"][path][method]["responses"]
        for status in ("429", "503"):
            assert "Retry-After" in answers[status]["headers"], (method, path)


def test_headers(served: Served, support: httpx.Client, accounts: list[str]) -> None:
    for answer in (
        support.get(V1.format(account_id=accounts[0])),
        support.get("/nothing"),
        support.get("/openapi.json"),
        support.get("/api/v1/unbilled"),
        support.post(USAGE, content=b"{", headers={"Content-Type": "application/json"}),
        support.post(USAGE, content=b"x"),
    ):
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert "Strict-Transport-Security" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


def test_reading_goes_on_while_another_command_is_at_work(
    town: Warehouse, support: httpx.Client, accounts: list[str]
) -> None:
    with psycopg.connect(town.url, autocommit=True) as other:
        other.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
        path = V1.format(account_id=accounts[0])
        assert support.get(path).status_code == 200
        assert_error(support.post(f"{path}/adjustments", json=adjustment()), 503, "busy")


CASES = schemathesis.openapi.from_dict(SCHEMA)


@CASES.exclude(path_regex="productOrder|Qualification").parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_any_request_is_answered_as_documented(
    case: schemathesis.Case, served: Served, accounts: list[str]
) -> None:
    """Of whatever kind: no failure of ours, and what is answered is what the description says."""
    if case.path_parameters and "account_id" in case.path_parameters:
        case.path_parameters["account_id"] = accounts[0]
    for role, subject in (
        (Role.SUPPORT, "sue"),
        (Role.CARRIER, "wireless"),
        (Role.SUBSCRIBER, accounts[0]),
    ):
        case.call_and_validate(
            base_url=served.url,
            headers={"Authorization": f"Bearer {issue_token(SECRET, role, subject)}"},
            checks=[
                not_a_server_error,
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
            ],
        )


def test_a_database_that_goes_away_and_comes_back(
    databases: Databases, support: httpx.Client, carrier: httpx.Client, accounts: list[str]
) -> None:
    path = V1.format(account_id=accounts[0])
    assert [client.get(path).status_code for client in (support, carrier)] == [200, 200]
    databases.server.down()
    try:
        for answer in (support.get(path), carrier.get(path), support.get("/api/v1/unbilled")):
            assert_error(answer, 503, "databaseUnavailable")
    finally:
        databases.server.up()
    until = time.monotonic() + 15
    while [client.get(path).status_code for client in (support, carrier)] != [200, 200]:
        assert time.monotonic() < until
        time.sleep(0.2)


def test_the_log_tells_nothing_of_anybody(
    town: Warehouse, tmp_path: Path, accounts: list[str]
) -> None:
    (account,) = town.rows("select * from integrity.accounts where account_id = %s", accounts[0])
    told = [account["account_id"], account["holder_name"], account["email"]]
    with serving(town, configuration(tmp_path)) as made:
        with made.person(Role.SUPPORT, "sue-of-support") as sue:
            token = sue.headers["Authorization"].split()[1]
            for operation in (*OF_ACCOUNT, *FOR_STAFF):
                assert ask(sue, operation, accounts[0]).status_code == 200
            for text in told:
                sue.get("/api/v1/accounts", params={"search": text})
                sue.get(f"/{text}")
            path = f"{V1}/adjustments".format(account_id=accounts[0])
            assert sue.post(path, json=adjustment(quantity="1e30")).status_code in {400, 422}
        with made.person(Role.SUBSCRIBER, accounts[0]) as one:
            one.get(V1.format(account_id=accounts[1]))
    log = made.log.read_text()
    for text in (*told, accounts[1], token, "sue-of-support"):
        assert text not in log
