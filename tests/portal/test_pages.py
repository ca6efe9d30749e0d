"""The pages in a real browser and over HTTP: one town, one server for all of them.

They are in one file, as each test process would make the town again.
"""

from __future__ import annotations

import html
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest
from playwright.sync_api import Browser, expect
from pypdf import PdfReader

from tandem.bills import format as fmt
from tandem.serve.portal.balances import lapsed_note, provisional
from tandem.tokens import Role
from tests.cli.town import load_folder, make_town
from tests.portal import leavers
from tests.portal.support import (
    PHONE,
    Visit,
    browsing,
    client,
    token,
    visit,
)
from tests.serve.support import SECRET, Served, serving
from tests.support.warehouse import Databases, Warehouse

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
    """

    warehouse: Warehouse
    served: Served
    account: str
    other: str
    holder: str


@pytest.fixture(scope="module")
def town(
    make_warehouse: Callable[[], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    warehouse = make_warehouse()
    folder = make_town(tmp_path_factory.mktemp("town"))
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
        where account_id in (select account_id from billing.bills)
            and account_id in (
                select account_id from rollover.rollover_matrix where opening_balance > 0
            )
        group by account_id having count(distinct carrier_id) > 1
        order by count(*) desc, account_id limit 2
        """
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
    again = here.page.request.post(address, form=sent)
    assert again.ok and "has your order" in again.text()
    assert orders_loaded(town) == before + 1
    here.click("Follow it on the page of your plan")
    assert "Received just now by" in here.text
    here.go(f"/accounts/{town.other}/plans")
    assert here.page.locator(".offers .go").count() < links.count() + 1
    assert "It is ordered already." in here.text


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
        here.page.get_by_label("Account, name, number or e-mail").fill(text)
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
