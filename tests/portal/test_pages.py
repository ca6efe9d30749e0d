"""The pages in a real browser and over HTTP: one town, one server for all of them.

They are in one file, as each test process would make the town again.
"""

from __future__ import annotations

import asyncio
import html
import io
import json
import re
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import httpx
import jwt
import psycopg
import pytest
from playwright.sync_api import Browser, expect
from psycopg.rows import dict_row
from pypdf import PdfReader
from starlette.routing import Route

from tandem.bills import format as fmt
from tandem.serve import create_app
from tandem.serve.authentication import Tokens
from tandem.serve.portal import reading
from tandem.serve.portal.addresses import OF_ACCOUNT, of_account
from tandem.serve.portal.balances import lapsed_note, provisional
from tandem.serve.rates import Rates
from tandem.tokens import Role
from tests.cli.town import load_folder, make_town
from tests.portal import leavers, odd
from tests.portal.support import (
    PHONE,
    Visit,
    browsing,
    client,
    token,
    visit,
)
from tests.serve.support import SECRET, Served, serving
from tests.support.warehouse import Databases, Warehouse, copy_project

T = TypeVar("T")
THROUGH = date(2025, 7, 1)
CONFIGURATION = """
[carriers.wireless]
portal_colour = "#ffd200"
[carriers.wireline]
portal_host = "bills.localhost"
"""


@dataclass(frozen=True)
class Town:
    """A town that is served, and accounts of it that are worth a visit.

    Attributes:
        account: has bills, rollover and the most unbilled records.
        other: somebody else's, of both carriers too.
        holder: of the first.

    `odd.ID` has an id full of slashes and signs, and a plan of any network.
    """

    warehouse: Warehouse
    served: Served
    account: str
    other: str
    holder: str


@pytest.fixture(scope="module")
def town(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    project = copy_project(tmp_path_factory.mktemp("projects") / "odd", odd.catalog())
    with databases.warehouse(tmp_path_factory.mktemp("odd"), project=project) as warehouse:
        warehouse.init()
        yield from make(warehouse, tmp_path_factory)


def make(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = make_town(tmp_path_factory.mktemp("town"))
    odd.move_in(folder)
    leavers.move_out(folder)
    first, *rest = sorted(path for path in folder.iterdir() if path.is_dir())
    load_folder(warehouse, first)
    warehouse.close(THROUGH)
    for month in rest:
        load_folder(warehouse, month)
    warehouse.build()
    one, other = warehouse.rows(
        """
        select account_id, min(holder_name) as holder_name
        from unbilled.unbilled_detail inner join integrity.accounts using (account_id)
        where account_id != %s and account_id in (select account_id from billing.bills)
            and account_id in (
                select account_id from rollover.rollover_matrix where opening_balance > 0
            )
        group by account_id having count(distinct carrier_id) > 1
        order by count(*) desc, account_id limit 2
        """,
        odd.ID,
    )
    path = tmp_path_factory.mktemp("served") / "tandem.toml"
    path.write_text(CONFIGURATION)
    with serving(warehouse, path) as served:
        yield Town(warehouse, served, one["account_id"], other["account_id"], one["holder_name"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as opened:
        yield opened


def summary(town: Town) -> list[dict[str, Any]]:
    return town.warehouse.rows(
        "select * from unbilled.unbilled_summary where account_id = %s and pool_id != 'none'"
        " and as_of >= cycle_start order by cycle_start desc",
        town.account,
    )


# --- a subscriber -------------------------------------------------------------------------------


def test_a_subscribers_visit(town: Town, browser: Browser) -> None:
    """From the link to the plan, with what the warehouse says on every page."""
    here = visit(town.served, browser)
    here.enter(Role.SUBSCRIBER, town.account)
    assert here.page.url.endswith(f"/portal/accounts/{town.account}")
    assert here.page.locator(".whose").inner_text().startswith(town.holder)
    latest = summary(town)[0]
    pool = here.page.locator(".pool").filter(
        has=here.page.get_by_role("heading", name="Anytime minutes")
    )
    if latest["pool_id"] == "anytime":
        left = latest["plan_remaining_units"] + latest["rollover_available_units"]
        expect(pool.locator(".big b")).to_have_text(fmt.plain(left))
    here.page.get_by_text("The same as a table").first.click()
    assert here.page.locator("figure table").first.is_visible()

    here.click("Calls")
    (counted,) = town.warehouse.rows(
        "select count(*) as rows from unbilled.unbilled_detail where account_id = %s", town.account
    )
    assert here.page.get_by_role("status").inner_text().startswith(f"{counted['rows']:,} records")
    here.click("Next")
    assert "page=2" in here.page.url
    (line,) = town.warehouse.rows(
        "select service_number, count(*) as rows from unbilled.unbilled_detail"
        " where account_id = %s group by service_number order by 2, 1 limit 1",
        town.account,
    )
    here.page.get_by_label("Line", exact=True).select_option(line["service_number"])
    here.click("Show", "button")
    assert here.page.get_by_role("status").inner_text().startswith(f"{line['rows']:,} record")

    here.click("Bills")
    (bill,) = town.warehouse.rows(
        "select * from billing.bills where account_id = %s order by cycle_start desc limit 1",
        town.account,
    )
    assert fmt.money(bill["total_amount"], bill["currency"]) in here.text
    here.click(fmt.period(bill["cycle_start"], bill["cycle_end"]))
    sections = [
        Decimal(re.sub(r"[^0-9.]", "", text)) * (-1 if fmt.MINUS in text else 1)
        for text in here.page.locator(".section td").all_inner_texts()
    ]
    assert sum(sections) == bill["total_amount"]
    here.click("Open the whole bill")
    assert "new charges" in here.text.lower() and here.page.title().startswith("Bill for")
    fonts = here.page.evaluate("document.fonts.check('700 16px \"Tandem Bill Sans\"')")
    assert fonts, "the policy has kept the bill's own typeface from being used"
    here.page.go_back()

    here.click("Rollover")
    assert here.page.locator("table.matrix").count() >= 1
    here.click("Plan")
    assert "carriers have confirmed it." in here.text


def test_files_of_a_bill(town: Town) -> None:
    inside = client(town.served, Role.SUBSCRIBER, town.account)
    (bill,) = town.warehouse.rows(
        "select * from billing.bill_documents where account_id = %s order by cycle_start limit 1",
        town.account,
    )
    at = f"/accounts/{town.account}/bills/{bill['bill_id']}/document"
    pdf = inside.get(f"{at}.pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    assert "attachment" in pdf.headers["content-disposition"]
    printed = PdfReader(io.BytesIO(pdf.content)).pages[0].extract_text()
    assert bill["bill_id"] in printed
    assert json.loads(inside.get(f"{at}.json").text)["bill_id"] == bill["bill_id"]
    assert inside.get(f"{at}.xml").status_code == 404


def test_an_order(town: Town, browser: Browser) -> None:
    """A page to look at it, one order however often the form is sent, and what happens next."""
    here = visit(town.served, browser)
    here.enter(Role.SUBSCRIBER, town.other)
    here.go(f"/accounts/{town.other}/plans")
    links = here.page.locator(".offers .go")
    assert links.count() >= 1
    links.first.click()
    here.look()
    here.assert_accessible()
    begins = here.page.locator("dd").nth(1).inner_text()
    assert str(datetime.now(UTC).year) in begins or str(datetime.now(UTC).year + 1) in begins
    before = orders_loaded(town)
    sent = here.page.evaluate(
        "Object.fromEntries(new FormData(document.querySelector('main form')))"
    )
    address = here.page.url.split("?")[0]
    here.page.locator("button.main").click()
    here.look()
    assert "has your order" in here.text and "held back" in here.text
    here.assert_accessible()
    assert orders_loaded(town) == before + 1
    assert town.warehouse.rows(
        "select loaded_by from raw.loads inner join raw.orders using (load_id)"
        " where order_id like 'PORTAL-%%' order by load_id desc limit 1"
    ) == [{"loaded_by": f"subscriber/{town.other}"}]
    again = here.page.request.post(address, form=sent)
    assert again.ok and "has your order" in again.text()
    assert orders_loaded(town) == before + 1
    here.click("Follow it on the page of your plan")
    assert "Received just now by" in here.text
    here.go(f"/accounts/{town.other}/plans")
    assert here.page.locator(".offers .go").count() < links.count() + 1
    assert "It is ordered already." in here.text


def test_orders_of_odd_ids(town: Town) -> None:
    """Where a form leads; carriers of the plan and of the one it replaces have to confirm."""
    replaced = {
        account_id: town.warehouse.rows(
            "select plan_name from integrity.effective_plans inner join catalog.plans"
            " using (plan_id) where account_id = %s and effective_to is null",
            account_id,
        )
        for account_id in (odd.ID, town.account)
    }
    for account_id, plan_id, others in (
        (odd.ID, "WIRELESS500", []),
        (town.account, odd.PLAN, ["Peachtree Wireless"]),  # which has a shared plan
    ):
        inside = client(town.served, Role.SUBSCRIBER, account_id)
        path = of_account(account_id, "plans", plan_id, "order").removeprefix("/portal")
        page = inside.get(path)
        assert page.status_code == 200, page.text
        assert ("every carrier has confirmed" in page.text) == bool(others)
        (held,) = replaced[account_id]
        assert f"It takes the place of {held['plan_name']} (" in page.text
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        done = inside.post(path, data=form)
        assert done.status_code == 303
        placed = inside.get(done.headers["location"].removeprefix("/portal"))
        assert placed.status_code == 200 and "has your order" in placed.text
        assert re.findall(r"<b>([^<]+)</b> is told", placed.text) == others
        inside.get(of_account(account_id, "plan").removeprefix("/portal")).raise_for_status()


def orders_loaded(town: Town) -> int:
    (row,) = town.warehouse.rows(
        "select count(*)::integer as rows from raw.orders where order_id like 'PORTAL-%%'"
    )
    return int(row["rows"])


def test_forms_of_others_do_nothing(town: Town) -> None:
    """Neither a form without the visit's key, nor one that another site sends."""
    inside = client(town.served, Role.SUBSCRIBER, town.account)
    page = inside.get(f"/accounts/{town.account}").text
    found = re.search(r'name="form_key" value="([0-9a-f]{64})"', page)
    assert found is not None
    key = found[1]
    other = client(town.served, Role.SUBSCRIBER, town.account)
    for form, headers in (
        ({}, {}),
        ({"form_key": "0" * 64}, {}),
        ({"form_key": key}, {"Origin": "https://evil.example"}),
        ({"form_key": key}, {"Sec-Fetch-Site": "cross-site"}),
    ):
        answer = inside.post("/leave", data=form or {"x": "1"}, headers=headers)
        assert answer.status_code == 403, (form, headers)
    assert other.post("/leave", data={"form_key": key}).status_code == 403  # another visit's
    assert inside.get(f"/accounts/{town.account}").status_code == 200
    done = inside.post("/leave", data={"form_key": key}, headers={"Origin": town.served.url})
    assert done.status_code == 303
    assert inside.get(f"/accounts/{town.account}").status_code == 401


def test_leaving(town: Town, browser: Browser) -> None:
    here = visit(town.served, browser)
    here.enter(Role.SUBSCRIBER, town.account)
    here.click("Leave", "button")
    assert "You have left" in here.text
    here.assert_accessible()
    answer = here.page.goto(f"{town.served.url}/portal/accounts/{town.account}")
    assert answer is not None and answer.status == 401
    assert town.holder not in here.text


def test_leaving_forgets_the_carrier_too(town: Town) -> None:
    """The page after it is still that carrier's; the next visit is whoever's it is."""
    inside = client(town.served)
    entered = inside.get(
        "/at/wireless/enter", params={"token": token(Role.SUBSCRIBER, town.account)}
    )
    assert "tandem_brand" in inside.cookies and entered.status_code == 303
    page = inside.get(f"/accounts/{town.account}").text
    found = re.search(r'name="form_key" value="([0-9a-f]{64})"', page)
    assert found is not None
    done = inside.post("/leave", data={"form_key": found[1]})
    assert not inside.cookies, dict(inside.cookies)
    after = inside.get(done.headers["location"].removeprefix("/portal")).text
    assert "You have left" in after and "<b>Peachtree Wireless</b>" in after
    assert "<b>Tandem</b>" in inside.get("/left").text
    assert "<b>Piedmont Telephone</b>" in (
        inside.get("/left", headers={"Host": "bills.localhost:8622"}).text
    )


# --- ids, plans and currencies as they may be -----------------------------------------------------


def test_an_id_full_of_signs(town: Town, browser: Browser) -> None:
    """Slashes, question marks, percent signs: every link leads to where it says."""
    here = visit(town.served, browser)
    here.enter(Role.SUBSCRIBER, odd.ID)
    for name in ("Calls", "Bills", "Rollover", "Plan", "Overview"):
        here.click(name)
        assert f"Account {odd.ID}" in here.page.locator(".whose").inner_text()
    here.click("All calls of this period")
    here.click("Show", "button")
    here.click("Bills")
    here.page.locator(".bills h2 a").first.click()
    here.look()
    assert odd.ID in here.page.locator("main").inner_text()
    inside = client(town.served, Role.SUBSCRIBER, odd.ID)
    for link in here.page.locator(".files a").all():
        path = (link.get_attribute("href") or "").removeprefix("/portal")
        assert inside.get(path).status_code == 200, path
    staff = visit(town.served, browser)
    staff.enter(Role.SUPPORT, "kim")
    staff.go("/search?q=K%201")
    staff.click(odd.ID)
    staff.click("Exceptions")
    assert f"Account {odd.ID}" in staff.page.locator(".whose").inner_text()


def test_units_in_words(town: Town, browser: Browser) -> None:
    """Minutes, messages, megabytes: in the words of the bills, also where one page has several."""
    here = visit(town.served, browser)
    here.enter(Role.SUBSCRIBER, odd.ID)
    here.click("Rollover")
    data = here.page.locator("section").filter(
        has=here.page.get_by_role("heading", name="Shared data")
    )
    (left,) = town.warehouse.rows(
        "select sum(remaining_quantity) / 1000000.0 as units from rollover.rollover_buckets"
        " where account_id = %s and pool_id = 'data'",
        odd.ID,
    )
    assert data.locator(".big").inner_text() == f"{fmt.plain(left['units'])} MB to use"
    captions = data.locator("caption").all_inner_texts()
    assert captions and all("in MB" in caption for caption in captions)
    (given,) = here.page.locator("section:has(#adjustments) td:nth-of-type(3)").all_inner_texts()
    assert given == f"60{fmt.NBSP}minutes"
    town.warehouse.execute(
        "update catalog.plan_pools set unit_type = 'event' where pool_id = 'anytime'"
    )
    try:
        here.go(of_account(odd.ID, "rollover").removeprefix("/portal"))
        assert f"60{fmt.NBSP}events" in here.text
    finally:
        town.warehouse.execute(
            "update catalog.plan_pools set unit_type = 'minute' where pool_id = 'anytime'"
        )


@pytest.mark.parametrize(
    "account_id", [odd.ID, "A000014", ".", "..", "a/../b", "%2F", "100%", " ", "a;b", "\u00e9\\"]
)
def test_addresses_and_back(account_id: str) -> None:
    """What a server makes of an address after it has undone one quoting has no slash more."""
    path = of_account(account_id, "orders", account_id)
    received = unquote(path)
    assert received.count("/") == 5 and not {".", ".."} & set(received.split("/"))
    seen = []
    for route in (Route(f"{OF_ACCOUNT}/orders/{{order_id:piece}}", lambda request: request),):
        _, scope = route.matches(
            {"type": "http", "method": "GET", "path": received.removeprefix("/portal")}
        )
        seen.append(scope["path_params"])
    assert seen == [{"account_id": account_id, "order_id": account_id}]


def test_a_plan_of_any_network(town: Town, browser: Browser) -> None:
    """Its services name no carrier: it says so, has overage rates, and is ordered at the biller."""
    here = visit(town.served, browser)
    here.enter(Role.SUBSCRIBER, town.other)
    here.go(f"/accounts/{town.other}/plans")
    offer = here.page.locator(".offers > li").filter(has_text=odd.NAME)
    assert "Any network" in offer.inner_text() and f"20.5{fmt.NBSP}minutes" in offer.inner_text()
    page = client(town.served, Role.SUBSCRIBER, town.other).get(
        f"{of_account(town.other, 'plans', odd.PLAN, 'order')}".removeprefix("/portal")
    )
    assert page.status_code in (200, 409), page.text
    if page.status_code == 200:
        assert "Any network" in page.text and "Piedmont Telephone</dd>" in page.text
    overview = client(town.served, Role.SUBSCRIBER, odd.ID).get(
        of_account(odd.ID).removeprefix("/portal") + "?cycle=2025-07-01"
    )
    assert overview.status_code == 200 and odd.NAME in overview.text
    rates = apart(rates_of(town.warehouse.url))
    assert {(row["carrier_id"], row["service"]): row["overage_rate"] for row in rates} == {
        (carrier, service): Decimal(rate)
        for carrier in ("internet", "wireless", "wireline")
        for service, rate in (("voice", "0.30"), ("data", "0.02"))
    }


def apart(work: Coroutine[Any, Any, T]) -> T:
    """What it comes to, in a thread that has no loop yet: Playwright has one in ours."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


async def rates_of(url: str) -> list[dict[str, Any]]:
    session = await psycopg.AsyncConnection.connect(url, row_factory=dict_row)
    async with session:
        await session.execute("set search_path = support")
        return await reading.overage_rates(session, odd.ID, date(2025, 7, 31), ["voice", "video"])


def test_amounts_have_the_currency_of_the_account(town: Town) -> None:
    """Calls, adjustments, charges so far: none is told in dollars where dollars are not paid."""
    inside = client(town.served, Role.SUBSCRIBER, town.account)
    paths = ["", "/calls", "/rollover", "/plan", "/plans"]
    (charged,) = town.warehouse.rows(
        "select local_date from unbilled.unbilled_detail where account_id = %s"
        " and charge_amount > 0 order by 1 limit 1",
        town.account,
    )
    paths.append(f"/calls?first={charged['local_date']}&last={charged['local_date']}")
    town.warehouse.execute("update catalog.plans set currency = 'CHF'")
    try:
        pages = [inside.get(f"/accounts/{town.account}{path}").text for path in paths]
    finally:
        town.warehouse.execute("update catalog.plans set currency = 'USD'")
    assert [path for path, page in zip(paths, pages, strict=True) if "$" in page] == []
    assert f"CHF{fmt.NBSP}" in pages[-1] and f"CHF{fmt.NBSP}" in pages[-2]


def test_every_plan_costs_no_query(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of plans asks as often for eleven plans as for six."""
    said: list[str] = []
    executing = psycopg.AsyncConnection.execute

    async def counted(session: Any, query: Any, *more: Any, **options: Any) -> Any:
        said.append(query.decode() if isinstance(query, bytes) else str(query))
        return await executing(session, query, *more, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", counted)
    few, many = apart(asked_of(town, said))
    assert (few[1], many[1]) == (6, 11)
    assert few[0] == many[0] <= 12, (few, many)


async def asked_of(town: Town, said: list[str]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Queries and plans of the page of plans, as it is and with five plans more."""
    app = create_app(town.warehouse.settings, Tokens({}), SECRET, Rates(1000, 1000, 10, 10))
    path = of_account(town.account, "plans")
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as inside,
    ):

        async def asked() -> tuple[int, int]:
            said.clear()
            page = await inside.get(path)
            assert page.status_code == 200, page.text
            queries = [one for one in said if one.split()[:1] in (["select"], ["with"])]
            return len(queries), page.text.count('class="amount"')

        await inside.get("/portal/enter", params={"token": token(Role.SUBSCRIBER, town.account)})
        await inside.get(path)
        few = await asked()
        town.warehouse.execute(
            "insert into catalog.plans select (jsonb_populate_record(plans, jsonb_build_object("
            "'plan_id', 'MORE' || number))).* from catalog.plans, generate_series(1, 5) as number"
            " where plan_id = 'SHARE800'"
        )
        try:
            return few, await asked()
        finally:
            town.warehouse.execute("delete from catalog.plans where plan_id like 'MORE%'")


# --- what has ended -----------------------------------------------------------------------------


def said(page: str) -> str:
    """What a page says, in one line."""
    text = re.sub(r"(?s)<(style|header|nav class=.tabs).*?</\1>|<[^>]+>", " ", page)
    return " ".join(html.unescape(text).replace(fmt.NBSP, " ").split())


def test_balances_agree_with_what_is_left(town: Town) -> None:
    """In every open cycle of every account: opening, adjusted, used come to the summary's."""
    matrix = town.warehouse.rows("select * from rollover.rollover_matrix")
    rows = town.warehouse.rows("select * from unbilled.unbilled_summary")
    found = 0
    for key in sorted({(row["account_id"], row["pool_id"]) for row in matrix}):
        of_matrix, of_summary = (
            [row for row in whole if (row["account_id"], row["pool_id"]) == key]
            for whole in (matrix, rows)
        )
        by_start = {row["cycle_start"]: row for row in of_summary}
        for row in provisional(of_matrix, of_summary, date(2027, 1, 1), None):
            if row["is_closed"] or row["rollover_status"] != "active":
                continue
            available = by_start[row["cycle_start"]]["rollover_available_units"]
            assert row["opening_balance"] is not None, key
            assert (
                row["opening_balance"] + row["adjusted_units"] - row["rollover_used_units"]
                == available
            ), key
            assert row["closing_balance"] == available - row["expired_units"]
            found += row["expired_units"] > 0
    assert found, "nothing has lapsed in an open cycle of this town"


def test_a_period_that_has_ended(town: Town) -> None:
    """It speaks in the past, of what was used."""
    row, *_ = town.warehouse.rows(
        """
        select summary.* from unbilled.unbilled_summary as summary
        inner join integrity.accounts using (account_id)
        where summary.pool_id = 'anytime'
            and summary.cycle_end <= (summary.as_of at time zone accounts.time_zone)::date
            and summary.account_id != %s
        order by least(summary.rollover_available_units, 1) desc,
            summary.rollover_expiring_units desc, summary.account_id
        """,
        leavers.ACCOUNT,
    )
    page = client(town.served, Role.SUBSCRIBER, row["account_id"]).get(
        f"/accounts/{row['account_id']}?cycle={row['cycle_start']}"
    )
    text = said(page.text)
    used = row["plan_used_units"] + row["rollover_used_units"] + row["overage_units"]
    assert f"{fmt.plain(used)} minutes used" in text
    expiring, available = row["rollover_expiring_units"], row["rollover_available_units"]
    note = lapsed_note(expiring, available - expiring, "minute", row["cycle_end"])
    assert note and note.replace(fmt.NBSP, " ") in text
    assert "its bill is on its way" in text or "is not billed yet" in text
    for words in (" left ", "Use by", "unless you use", "so far", "At this pace", "to go"):
        assert words not in text, words


def test_an_account_that_is_closed(town: Town, browser: Browser) -> None:
    """It says so, projects nothing, links to the last bill and offers no plans."""
    (bill,) = town.warehouse.rows(
        "select bill_id from billing.bills where account_id = %s order by cycle_start desc limit 1",
        leavers.ACCOUNT,
    )
    path = f"/accounts/{leavers.ACCOUNT}"
    here = visit(town.served, browser, PHONE)
    here.enter(Role.SUBSCRIBER, leavers.ACCOUNT)
    assert "Closed on 20 July 2025." in here.text
    for words in ("to go", "At this pace", "minutes left", "stay within"):
        assert words not in here.text, words
    assert "cannot be used meanwhile" in here.text
    assert "although" in here.text and "of rollover stood" in here.text
    here.assert_accessible()
    here.click("The latest bill")
    assert bill["bill_id"] in here.page.url
    here.click("Rollover")
    kept = "you left the plan on 20 July 2025, until 30 September 2025"
    assert kept in here.text and "Come back" not in here.text
    assert "rollover is not drawn on" in here.text
    here.assert_accessible()
    here.click("Plan")
    assert "Closed on 20 July 2025." in here.text and "See other plans" not in here.text
    inside = client(town.served, Role.SUBSCRIBER, leavers.ACCOUNT)
    assert inside.get(f"{path}?cycle=2025-08-01").status_code == 404


# --- names, and what is nobody's ----------------------------------------------------------------


def test_a_line_on_another_plan(town: Town) -> None:
    """The account's plan and its carrier's differ: it says so, by the plans' names."""
    (row,) = town.warehouse.rows(
        """
        select lines.account_id, lines.service_number, of_line.plan_name as line_plan,
            of_account.plan_name
        from integrity.casi_subscribers as lines
        inner join integrity.effective_plans as held
            on held.account_id = lines.account_id and held.effective_to is null
                and held.effective_from < date '2025-07-15'
        inner join catalog.plans as of_line on of_line.plan_id = lines.plan_id
        inner join catalog.plans as of_account on of_account.plan_id = held.plan_id
        where lines.status = 'active' and lines.account_id not in (
            select account_id from integrity.effective_plans
            where effective_to is null group by account_id having count(*) > 1
        )
            and lines.plan_id != held.plan_id
        order by lines.account_id, lines.service_number limit 1
        """
    )
    text = said(
        client(town.served, Role.SUBSCRIBER, row["account_id"])
        .get(f"/accounts/{row['account_id']}/plan")
        .text
    )
    number = fmt.phone(row["service_number"]).replace(fmt.NBSP, " ")
    assert f"{number} is still on {row['line_plan']} at" in text
    assert f"though the account has {row['plan_name']}" in text
    assert not re.search(r"SHARE\d", text)


def test_exceptions_of_accounts_that_there_are_not(town: Town, browser: Browser) -> None:
    """No link leads nowhere; ids of plans are names; on a phone nothing is cut off."""
    here = visit(town.served, browser, PHONE)
    here.enter(Role.SUPPORT, "kim")
    for path in ("/exceptions?state=all", "/search"):
        here.go(path)
        links = here.page.locator("main a[href*='/accounts/']")
        targets = set(links.evaluate_all("all => all.map(one => one.getAttribute('href'))"))
        for target in sorted(targets):
            assert here.page.request.get(f"{town.served.url}{target}").status == 200, target
    here.go("/exceptions?state=all")
    assert leavers.STRANGER in here.text
    assert "Share" in here.text and not re.search(r"SHARE\d|change_plan|subscribe", here.text)
    assert no_table_moves(here)
    here.assert_accessible()


def no_table_moves(here: Visit) -> bool:
    """Whether no table is wider than its frame."""
    return bool(
        here.page.evaluate(
            "[...document.querySelectorAll('.cards')].every(e => e.scrollWidth <= e.clientWidth)"
            " && document.querySelectorAll('.cards').length > 0"
        )
    )


def test_rollover_on_a_phone(town: Town, browser: Browser) -> None:
    here = visit(town.served, browser, PHONE)
    here.enter(Role.SUPPORT, "kim")
    (adjusted,) = town.warehouse.rows(
        "select account_id from rollover.adjustment_history"
        " where account_id in (select account_id from rollover.rollover_matrix)"
        " order by account_id limit 1"
    )
    for account_id in (town.account, adjusted["account_id"]):
        here.go(f"/accounts/{account_id}/rollover")
        assert no_table_moves(here)
        here.assert_accessible()


def test_bills_tell_free_from_paid(town: Town) -> None:
    """Two lines of one name differ by what paid for them; files for machines are for staff."""
    (line,) = town.warehouse.rows(
        "select account_id, bill_id from billing.bill_lines where treatment = 'free'"
        " order by bill_id limit 1"
    )
    path = f"/accounts/{line['account_id']}/bills"
    own = client(town.served, Role.SUBSCRIBER, line["account_id"])
    desk = client(town.served, Role.SUPPORT, "kim")
    assert "no charge" in said(own.get(f"{path}/{line['bill_id']}").text)
    for page in (path, f"{path}/{line['bill_id']}"):
        assert "JSON" not in own.get(page).text and "JSON" in desk.get(page).text


# --- who may see what ---------------------------------------------------------------------------


def test_tokens(town: Town) -> None:
    """Only a genuine one of now; its address is left at once, the cookie is for us alone."""
    outside = client(town.served)
    answer = outside.get("/enter", params={"token": token(Role.SUBSCRIBER, town.account)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie
    behind_tls = client(town.served).get(
        "/enter",
        params={"token": token(Role.SUBSCRIBER, town.account)},
        headers={"X-Forwarded-Proto": "https"},
    )
    assert "Secure" in behind_tls.headers["set-cookie"]
    then = datetime.now(UTC) - timedelta(hours=2)
    claims = {"aud": "tandem", "role": "subscriber", "sub": town.account, "jti": "x", "iat": then}
    for bad, words in (
        (jwt.encode(claims | {"exp": then + timedelta(hours=1)}, SECRET), "Your visit has ended"),
        (jwt.encode(claims | {"exp": then + timedelta(days=9)}, "f" * 40), "does not work"),
        ("nonsense", "does not work"),
        ("", "come in through your carrier"),
    ):
        refused = client(town.served).get("/enter", params={"token": bad})
        assert refused.status_code == 401 and words in refused.text
        assert "set-cookie" not in refused.headers
    for path in (f"/accounts/{town.account}", "/search", "/exceptions", "/"):
        assert client(town.served).get(path).status_code == 401, path


def test_what_the_browser_is_told(town: Town) -> None:
    inside = client(town.served, Role.SUBSCRIBER, town.account)
    for path in (f"/accounts/{town.account}", "/nowhere", "/left"):
        headers = inside.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"


PAGES = ("", "/calls", "/bills", "/rollover", "/plan", "/plans", "/exceptions")


def test_no_account_but_ones_own(town: Town) -> None:
    inside = client(town.served, Role.SUBSCRIBER, town.account)
    (bill,) = town.warehouse.rows(
        "select bill_id from billing.bills where account_id = %s limit 1", town.other
    )
    others = [f"/accounts/{town.other}{page}" for page in PAGES[:-1]]
    nobody = [path.replace(town.other, "A999999") for path in others]
    mixed = [
        f"/accounts/{town.account}/bills/{bill['bill_id']}",
        f"/accounts/{town.account}/bills/{bill['bill_id']}/document.html",
        f"/accounts/{town.account}/bills/{bill['bill_id']}/document.json",
    ]
    for path in (*others, *nobody, *mixed):
        assert inside.get(path).status_code == 404, path
    assert [inside.get(path).text for path in others] == [inside.get(path).text for path in nobody]
    for path in ("/search?q=a", "/exceptions", f"/accounts/{town.account}/exceptions"):
        assert inside.get(path).status_code == 403, path
    answer = inside.get(f"/accounts/{town.other}/plans/SHARE1000/order")
    assert answer.status_code == 404


def test_the_support_desk(town: Town, browser: Browser) -> None:
    here = visit(town.served, browser)
    here.enter(Role.SUPPORT, "kim")
    (account,) = town.warehouse.rows(
        "select * from integrity.accounts where account_id = %s", town.account
    )
    (line,) = town.warehouse.rows(
        "select service_number from integrity.casi_subscribers where account_id = %s limit 1",
        town.account,
    )
    for text in (
        town.account,
        account["holder_name"],
        account["email"],
        fmt.phone(line["service_number"]).replace(fmt.NBSP, " "),
    ):
        here.go("/search")
        here.page.get_by_label("Account, name, number, e-mail or order").fill(text)
        here.click("Find", "button")
        assert here.page.get_by_role("link", name=town.account, exact=True).count() == 1, text
    here.click(town.account)
    for name in ("Calls", "Bills", "Rollover", "Plan", "Exceptions"):
        here.click(name)
        here.assert_accessible()
    here.click("All exceptions")
    (opened,) = town.warehouse.rows(
        "select count(*) as rows from integrity.bundle_exceptions where is_open"
    )
    assert here.page.get_by_role("status").inner_text().startswith(f"{opened['rows']} exception")
    inside = client(town.served, Role.SUPPORT, "kim")
    assert inside.get(f"/accounts/{town.account}/plans/SHARE1000/order").status_code == 403


def test_a_search_with_many_pages(town: Town) -> None:
    """Each account once, and the count is that of all pages."""
    inside = client(town.served, Role.SUPPORT, "kim")
    town.warehouse.execute(
        "insert into integrity.accounts select (jsonb_populate_record(accounts, jsonb_build_object("
        "'account_id', 'MANY' || number))).* from integrity.accounts,"
        " generate_series(1, 120) as number where account_id = %s",
        town.account,
    )
    try:
        pages = [inside.get("/search", params={"q": "many", "page": page}) for page in (1, 2, 3, 4)]
    finally:
        town.warehouse.execute("delete from integrity.accounts where account_id like 'MANY%%'")
    assert [page.status_code for page in pages] == [200, 200, 200, 404]
    assert "120 accounts, 51 to 100 shown." in pages[1].text
    assert 'href="/portal/search?q=many&amp;page=3"' in pages[1].text
    found = [
        one for page in pages[:3] for one in re.findall(r"/portal/accounts/(MANY\d+)\"", page.text)
    ]
    assert len(found) == len(set(found)) == 120


def test_a_carriers_people(town: Town, browser: Browser) -> None:
    """They read as their own role; what it may not read is said."""
    here = visit(town.served, browser)
    here.enter(Role.CARRIER, "wireline")
    assert "Piedmont Telephone" in here.page.locator(".band").inner_text()
    here.go(f"/accounts/{town.account}/calls")
    (own,) = town.warehouse.rows(
        "select count(*) as rows from unbilled.unbilled_detail"
        " where account_id = %s and carrier_id = 'wireline'",
        town.account,
    )
    assert here.page.get_by_role("status").inner_text().startswith(f"{own['rows']:,} record")
    assert "of your own carrier only" in here.text
    here.click("Bills")
    assert "As a user of a carrier" in here.text
    here.page.locator(".bills a").first.click()
    here.look()
    carriers = set(here.page.locator(".lines td:nth-of-type(1)").all_inner_texts())
    assert "Peachtree Wireless" not in carriers
    inside = client(town.served, Role.CARRIER, "wireline")
    for extension in ("html", "pdf", "json"):
        answer = inside.get(f"{here.page.url.split('/portal')[1]}/document.{extension}")
        assert answer.status_code == 403 and "own lines" in answer.text
    strangers = town.warehouse.rows(
        "select account_id from integrity.accounts where account_id not in ("
        " select account_id from integrity.int_carrier_accounts where carrier_id = 'wireline')"
    )
    for row in strangers[:2]:
        assert inside.get(f"/accounts/{row['account_id']}").status_code == 404
    refused = client(town.served).get("/enter", params={"token": token(Role.CARRIER, "nobody")})
    assert refused.status_code == 401


# --- adjusting ----------------------------------------------------------------------------------


def adjusted(town: Town) -> list[dict[str, Any]]:
    return town.warehouse.rows(
        "select * from raw.rollover_adjustments where adjustment_id like 'PORTAL-%%'"
        " order by load_id"
    )


def sent_form(here: Visit) -> dict[str, str]:
    """What the form on the page would send, but for the button."""
    found: dict[str, str] = here.page.evaluate(
        "Object.fromEntries(new FormData(document.querySelector('main form')))"
    )
    return found


def test_support_gives_units(town: Town, browser: Browser) -> None:
    """From the search to the rollover of the account: told what is wrong, asked again, once."""
    here = visit(town.served, browser)
    here.enter(Role.SUPPORT, "kim")
    here.page.get_by_label("Account, name, number, e-mail or order").fill(town.account)
    here.click("Find", "button")
    here.click(town.account)
    here.click("Rollover")
    here.click("Adjust rollover")
    here.assert_accessible()
    before = len(adjusted(town))
    here.page.get_by_label("Pool").select_option("anytime")
    here.page.get_by_label("How many units").fill("-5")
    here.page.get_by_label("Why").select_option("error_correction")
    here.page.get_by_label("Note for colleagues").fill("Calls were cut off <on June 14>.")
    here.page.get_by_role("button", name="Look at it before it is recorded").click()
    here.page.wait_for_load_state()
    field = here.page.get_by_label("How many units")
    assert field.get_attribute("aria-invalid") == "true" and field.input_value() == "-5"
    assert "A number above 0" in here.page.locator("#quantity-fault").inner_text()
    assert here.page.locator(".fault").count() == 1
    here.assert_accessible()
    here.complaints.clear()  # the browser logs the 422
    field.fill("50.5")
    here.click("Look at it before it is recorded", "button")
    assert f"50.5{fmt.NBSP}minutes" in here.text and "Calls were cut off <on June 14>." in here.text
    here.assert_accessible()
    assert len(adjusted(town)) == before
    here.click("Change it", "button")
    assert here.page.get_by_label("How many units").input_value() == "50.5"
    here.page.get_by_label("How many units").fill("60")
    here.click("Look at it before it is recorded", "button")
    sent = sent_form(here) | {"step": "record"}
    here.click("Record the credit", "button")
    assert "The credit is recorded" in here.text and "The next update" in here.text
    assert "applied." not in here.text
    here.assert_accessible()
    again = here.page.request.post(
        f"{town.served.url}{of_account(town.account, 'adjust')}", form=sent
    )
    assert again.ok and "The credit is recorded" in again.text()
    row = adjusted(town)[-1]
    assert len(adjusted(town)) == before + 1
    assert (row["account_id"], row["pool_id"], row["action"]) == (town.account, "anytime", "credit")
    assert (row["quantity"], row["reason_code"], row["adjusted_by"]) == (
        60,
        "error_correction",
        "support/kim",
    )
    assert row["note"] == "Calls were cut off <on June 14>."
    here.click("Rollover of the account")
    assert f"Credit of 60{fmt.NBSP}minutes" in here.text
    done = here.page.locator("section:has(#adjustments) table").all_inner_texts()
    assert "kim" not in " ".join(done)  # nothing of it is applied before the next build
    subscriber = client(town.served, Role.SUBSCRIBER, town.account)
    shown = subscriber.get(f"/accounts/{town.account}/rollover").text
    assert f"of 60{fmt.NBSP}minutes" in shown and "kim" not in shown and "June 14" not in shown


def test_a_bucket_lives_longer_and_is_sold_again(town: Town, browser: Browser) -> None:
    """Actions on a bucket name it; the form offers those that have what it takes."""
    here = visit(town.served, browser)
    here.enter(Role.SUPPORT, "kim")
    (left,) = town.warehouse.rows(
        "select * from rollover.rollover_buckets where account_id = %s and pool_id = 'data'"
        " and source = 'plan' and remaining_quantity > 0 order by expires_on limit 1",
        odd.ID,
    )
    at = of_account(odd.ID, "adjust").removeprefix("/portal")
    here.go(f"{at}?action=extension")
    here.page.get_by_label("Bucket").select_option(f"{left['earned_cycle_start']} data")
    here.page.get_by_label("By how many periods").fill("0")
    here.page.get_by_label("Why").select_option("expiry_extension")
    here.page.get_by_role("button", name="Look at it before it is recorded").click()
    here.page.wait_for_load_state()
    assert here.page.locator("#extend_cycles-fault").count() == 1
    here.complaints.clear()
    here.page.get_by_label("By how many periods").fill("2")
    here.click("Look at it before it is recorded", "button")
    assert "2 periods" in here.text and "MB left" in here.text.replace(fmt.NBSP, " ")
    here.click("Record the extension", "button")
    row = adjusted(town)[-1]
    assert (row["account_id"], row["extend_cycles"]) == (odd.ID, 2)
    assert row["bucket_cycle_start"] == left["earned_cycle_start"]

    (lapsed,) = town.warehouse.rows(
        "select * from rollover.rollover_buckets where pool_id = 'anytime'"
        " and source = 'plan' and expired_quantity > 0 order by account_id limit 1"
    )
    here.go(f"/accounts/{lapsed['account_id']}/adjust?action=resale")
    here.assert_accessible()
    here.page.get_by_label("Bucket").select_option(f"{lapsed['earned_cycle_start']} anytime")
    here.page.get_by_label("How many units").fill("100000")
    here.page.get_by_label("Why").select_option("resale_expired")
    before = len(adjusted(town))
    here.click("Look at it before it is recorded", "button")
    assert "Mind: Only" in here.text and len(adjusted(town)) == before
    here.assert_accessible()


def test_who_adjusts(town: Town) -> None:
    """Staff, with a form of their own visit, accounts that they see; parts that can be meant so."""
    subscriber = client(town.served, Role.SUBSCRIBER, town.account)
    at = f"/accounts/{town.account}/adjust"
    assert subscriber.get(at).status_code == 403
    assert subscriber.post(at, data={"action": "credit"}).status_code == 403
    before = adjusted(town)
    carrier = client(town.served, Role.CARRIER, "wireless")
    page = carrier.get(at)
    assert page.status_code == 200
    found = re.search(r'name="form_key" value="([0-9a-f]{64})"', page.text)
    assert found is not None
    form = {
        "form_key": found[1],
        "action": "credit",
        "pool_id": "anytime",
        "quantity": "5",
        "reason_code": "error_correction",
        "step": "record",
        "nonce": "1",
    }
    for more, status in (
        ({"form_key": "0" * 64}, 403),
        ({"action": "gift"}, 400),
        ({"pool_id": "nothing"}, 422),
        ({"reason_code": "because"}, 422),
        ({"quantity": "0.0001"}, 422),
        ({"quantity": "NaN"}, 422),
        ({"quantity": "9" * 41}, 422),
        ({"note": "a\0b"}, 422),
        ({"action": "resale", "bucket": "2020-01-01 anytime"}, 422),
        ({"action": "extension", "bucket": "", "extend_cycles": "1"}, 422),
    ):
        answer = carrier.post(at, data=form | more)
        assert answer.status_code == status, (more, answer.text)
        assert "Traceback" not in answer.text and "adjustment_id" not in answer.text
    assert "Choose a pool." in carrier.post(at, data=form | {"pool_id": "x"}).text
    (stranger,) = town.warehouse.rows(
        "select account_id from integrity.accounts where account_id not in ("
        " select account_id from integrity.int_carrier_accounts where carrier_id = 'wireline')"
        " limit 1"
    )
    other = client(town.served, Role.CARRIER, "wireline")
    assert other.get(f"/accounts/{stranger['account_id']}/adjust").status_code == 404
    assert adjusted(town) == before
    assert carrier.get(f"/accounts/{town.account}/adjustments/nothing").status_code == 404
    assert carrier.get(f"/accounts/{town.account}/adjustments/%00").status_code == 404


# --- whose page it is ---------------------------------------------------------------------------


def test_the_page_of_a_carrier(town: Town, browser: Browser) -> None:
    """By path, by host; its name and its colour stay for the visit."""
    here = visit(town.served, browser)
    here.enter(Role.SUBSCRIBER, town.account, at="/at/wireless")
    here.click("Rollover")
    band = here.page.locator(".band")
    assert "Peachtree Wireless" in band.inner_text()
    colours = band.evaluate("e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]")
    assert colours == ["rgb(255, 210, 0)", "rgb(0, 0, 0)"]
    here.assert_accessible()
    plain = client(town.served, Role.SUBSCRIBER, town.account)
    page = plain.get(f"/accounts/{town.account}", headers={"Host": "bills.localhost:8622"}).text
    assert "<b>Piedmont Telephone</b>" in page
    assert "<b>Tandem</b>" in plain.get(f"/accounts/{town.account}").text
    unknown = client(town.served).get(
        "/at/nobody/enter", params={"token": token(Role.SUBSCRIBER, town.account)}
    )
    assert unknown.status_code == 404


# --- for everybody ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(town: Town, browser: Browser, scheme: str) -> None:
    here = visit(town.served, browser, scheme=scheme)
    here.enter(Role.SUBSCRIBER, town.account)
    for page in PAGES[:-1]:
        here.go(f"/accounts/{town.account}{page}")
        here.assert_accessible()
    here.page.locator("main").evaluate(
        "e => e.querySelectorAll('details').forEach(d => d.open = 1)"
    )
    here.assert_accessible()
    staff = visit(town.served, browser, scheme=scheme)
    staff.enter(Role.SUPPORT, "kim")
    staff.go("/search?q=a")
    staff.assert_accessible()
    staff.go("/exceptions?state=all")
    staff.assert_accessible()
    staff.go(f"/accounts/{town.account}/adjust?action=extension")
    staff.assert_accessible()


def test_on_a_phone(town: Town, browser: Browser) -> None:
    """No page is wider than 360 pixels: `look` would say so."""
    here = visit(town.served, browser, PHONE)
    here.enter(Role.SUBSCRIBER, town.account)
    for page in PAGES[:-1]:
        here.go(f"/accounts/{town.account}{page}")
    here.assert_accessible()
    here.go(f"/accounts/{town.account}/bills")
    here.page.locator(".bills h2 a").first.click()
    here.look()
    staff = visit(town.served, browser, PHONE)
    staff.enter(Role.SUPPORT, "kim")
    for path in ("/search?q=a", "/exceptions?state=all", f"/accounts/{town.account}/exceptions"):
        staff.go(path)
    for action in ("credit", "extension"):
        staff.go(f"/accounts/{town.account}/adjust?action={action}")
        staff.assert_accessible()


def test_with_the_keyboard(town: Town, browser: Browser) -> None:
    """The first stop leads to the content; what has the focus is seen."""
    here = visit(town.served, browser)
    here.enter(Role.SUBSCRIBER, town.account)
    here.page.keyboard.press("Tab")
    focus = here.page.locator(":focus")
    assert focus.inner_text() == "Skip to the content" and focus.is_visible()
    here.page.keyboard.press("Enter")
    here.page.keyboard.press("Tab")
    assert here.page.evaluate("document.activeElement.closest('main') !== null")
    assert here.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


# --- what goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/calls?first=yesterday", 400),
        ("/calls?first=2025-13-45", 400),
        ("/calls?first=2025-07-09&last=2025-07-01", 400),
        ("/calls?page=0", 400),
        ("/calls?page=9999999999", 400),
        ("/calls?page=%27%3B", 400),
        ("/calls?page=9999", 404),
        ("/calls?line=%2B10000000000", 400),
        ("/calls?number=%00", 200),
        ("/calls?number=%27+or+1%3D1--", 200),
        ("/calls?number=%3Cscript%3Ealert(1)%3C%2Fscript%3E", 200),
        ("/calls?number=%25", 200),
        ("?cycle=2020-01-01", 404),
        ("?cycle=x", 400),
        ("/bills?page=77", 404),
        ("/bills/nothing", 404),
        ("/bills/%00", 404),
        ("/plans?on=2001-01-01", 400),
        ("/plans?on=soon", 400),
        ("/plans/NONE/order", 404),
        ("/orders/wireless/nothing", 404),
        ("/orders/nobody/nothing", 404),
        ("/nothing", 404),
    ],
)
def test_bad_input(town: Town, path: str, status: int) -> None:
    answer = client(town.served, Role.SUBSCRIBER, town.account).get(
        f"/accounts/{town.account}{path}"
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>" in answer.text and "<script" not in answer.text
    for leak in ("Traceback", "psycopg", "from unbilled_detail", "DETAIL:", "invalid input"):
        assert leak not in answer.text, leak
    if status == 200:
        assert "No calls match this search." in answer.text
    if status == 400:  # and back to where nothing is chosen
        (back,) = re.findall(r'href="([^"]*)">Back to the page', answer.text)
        inside = client(town.served, Role.SUBSCRIBER, town.account)
        assert inside.get(back.removeprefix("/portal")).status_code == 200


def test_days_are_those_of_the_account(town: Town) -> None:
    """An evening in America is the next day in UTC, where instants are kept."""
    (account,) = town.warehouse.rows(
        "select time_zone from integrity.accounts where account_id = %s", town.other
    )
    assert account["time_zone"].startswith("America/")
    town.warehouse.load(
        "rollover_adjustments",
        [
            {
                "adjustment_id": "EVENING",
                "account_id": town.other,
                "pool_id": "anytime",
                "action": "credit",
                "quantity": "1",
                "reason_code": "error_correction",
                "adjusted_at": "2025-07-12T02:30:00Z",
                "adjusted_by": "kim",
            }
        ],
    )
    page = client(town.served, Role.SUBSCRIBER, town.other).get(f"/accounts/{town.other}/rollover")
    assert "Recorded on 11 July 2025" in page.text


def test_an_account_is_found_by_an_order(town: Town) -> None:
    inside = client(town.served, Role.SUPPORT, "kim")
    (order, *_) = town.warehouse.rows(
        "select * from integrity.order_history where account_id = %s", town.account
    )
    page = inside.get("/search", params={"q": order["order_id"]})
    assert page.status_code == 200 and f">{town.account}</a>" in page.text
    assert "<td>order</td>" in page.text


def test_a_pool_that_the_account_has_not(town: Town) -> None:
    """A form that was changed on its way is refused beside the field."""
    inside = client(town.served, Role.SUPPORT, "kim")
    path = of_account(town.account, "adjust").removeprefix("/portal")
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', inside.get(path).text))
    asked = {"pool_id": "none", "quantity": "5", "reason_code": "error_correction"}
    answer = inside.post(path, data=form | {"action": "credit", "step": "look"} | asked)
    assert answer.status_code == 422 and "Choose a pool." in answer.text


def test_bad_input_of_staff(town: Town) -> None:
    inside = client(town.served, Role.SUPPORT, "kim")
    for text in ("<b>x</b>", "' or 1=1 --", "%", "_", "\0", "x" * 5000, "\\"):
        answer = inside.get("/search", params={"q": text})
        assert answer.status_code == 200 and "No account is found by this." in answer.text, text
    assert "&lt;b&gt;" in inside.get("/search", params={"q": "<b>x</b>"}).text
    for path in ("/exceptions?state=x", "/exceptions?kind=x", "/exceptions?page=x"):
        assert inside.get(path).status_code == 400, path
    assert inside.get("/exceptions?page=500").status_code == 404
    assert inside.get("/accounts/A999999").status_code == 404
    assert inside.post("/search", data={"q": "x"}).status_code == 405
    assert (
        inside.post("/leave", content=b"{}", headers={"Content-Type": "text/plain"}).status_code
        == 415
    )


def test_while_the_database_is_away(town: Town, databases: Databases) -> None:
    """A page says so, and the next one is as before; nobody has to do anything."""
    inside = client(town.served, Role.SUBSCRIBER, town.account)
    path = f"/accounts/{town.account}"
    assert inside.get(path).status_code == 200
    with psycopg.connect(databases.server.url("postgres"), autocommit=True) as session:
        name = Databases.IN_USE
        session.execute(f"alter database {name} with allow_connections false")
        session.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s",
            (name,),
        )
        away = inside.get(path)
        session.execute(f"alter database {name} with allow_connections true")
    assert away.status_code == 503 and away.headers["retry-after"]
    assert "We will be right back" in away.text and "in_use" not in away.text
    deadline = time.monotonic() + 20
    while inside.get(path).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_while_the_database_is_of_another_version(town: Town) -> None:
    inside = client(town.served, Role.SUBSCRIBER, town.account)
    path = f"/accounts/{town.account}"
    town.warehouse.execute("alter view portal.accounts rename column time_zone to zone")
    try:
        answer = inside.get(path)
    finally:
        town.warehouse.execute("alter view portal.accounts rename column zone to time_zone")
    assert answer.status_code == 503 and answer.headers["retry-after"]
    assert "We are being updated" in answer.text and "time_zone" not in answer.text
    assert inside.get(path).status_code == 200


def test_guesses_are_counted_and_nothing_of_an_account_is_in_the_log(
    town: Town, tmp_path: Path
) -> None:
    """Runs a server of its own, as what one says is read when it ends."""
    config = tmp_path / "tandem.toml"
    config.write_text(CONFIGURATION)
    with serving(town.warehouse, config, "--unknown-per-minute", 3) as served:
        given = token(Role.SUBSCRIBER, town.account)
        inside = client(served)
        inside.get("/enter", params={"token": given})
        inside.get(f"/accounts/{town.account}")
        inside.get(f"/accounts/{town.other}")
        inside.get(f"/accounts/{town.account}/calls", params={"number": "\0"})
        guesses = [client(served).get("/enter", params={"token": f"{given}{n}"}) for n in range(4)]
        assert [answer.status_code for answer in guesses] == [401, 401, 401, 429]
        assert (
            guesses[-1].headers["retry-after"] and "<h1>Too many requests</h1>" in guesses[-1].text
        )
        assert inside.get(f"/accounts/{town.account}").status_code == 200
    said = served.log.read_text()
    assert given not in said and town.account not in said and town.holder not in said
