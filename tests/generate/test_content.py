"""Content: the rows of the feeds make sense together, and look like life."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tandem.generate import Summary, Town, generate
from tandem.generate.calls import CALL_TYPES, DIRECTIONS, PRODUCED, SERVICES
from tandem.generate.model import OFFERS, ORDER_FAULTS, PLAN_CARRIERS, SYNC_TOLERANCE_DAYS
from tandem.generate.places import CARRIERS, PREFIXES, own_number, unlisted_number

from .conftest import CLEAN
from .reading import Row, Warehouse, other, read_rows, served

SEEDS = Path(__file__).parents[2] / "seeds"
LAST_ZONE = ZoneInfo("America/Los_Angeles")


def seed(name: str) -> list[Row]:
    with (SEEDS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def cdrs(load: Warehouse) -> list[tuple[str, str, Row]]:
    """Path, carrier and row of every accepted CDR."""
    return [(str(path), str(path).split(".")[1], row) for path, row in load.feed("cdrs")]


Period = tuple[datetime, datetime | None, str]


def periods(load: Warehouse) -> dict[tuple[str, str], set[Period]]:
    """Of every carrier and number the times in which an account had it."""
    found: dict[tuple[str, str], dict[tuple[str, datetime], datetime | None]] = defaultdict(dict)
    for feed in ("subscribers", "subscriber_changes"):
        for path, row in load.feed(feed):
            carrier = str(path).split(".")[1]
            begin = at(row["activated_at"])
            end = at(row["deactivated_at"]) if row["deactivated_at"] else None
            known = found[carrier, row["service_number"]].get((row["account_id"], begin))
            found[carrier, row["service_number"]][row["account_id"], begin] = end or known
    return {
        key: {(begin, end, account) for (account, begin), end in spans.items()}
        for key, spans in found.items()
    }


def holder(lines: dict[tuple[str, str], set[Period]], carrier: str, row: Row) -> str | None:
    moment = at(row["started_at"])
    matches = [
        (begin, account)
        for begin, end, account in lines.get((carrier, served(row)), ())
        if begin <= moment and (end is None or moment < end)
    ]
    return max(matches)[1] if matches else None


# The catalog.


def test_carriers_produce_what_the_catalog_says_they_can() -> None:
    kinds = {row["carrier_id"]: row["service_kind"] for row in seed("carriers")}
    assert tuple(kinds) == CARRIERS
    catalog = {tuple(row.values()) for row in seed("carrier_services")}
    for carrier, name in enumerate(CARRIERS):
        mine = {
            (kinds[name], SERVICES[s], CALL_TYPES[t], DIRECTIONS[d])
            for s, t, d in zip(*PRODUCED[carrier].nonzero(), strict=True)
        }
        assert mine == {row for row in catalog if row[0] == kinds[name]}


def test_plans_are_those_of_the_catalog() -> None:
    plans = {row["plan_id"]: row for row in seed("plans")}
    assert set(PLAN_CARRIERS) == set(plans) == set("+".join(OFFERS).split("+"))
    for plan, tolerance in SYNC_TOLERANCE_DAYS.items():
        assert int(plans[plan]["sync_tolerance_days"]) == tolerance
    carriers = defaultdict(set)
    for row in seed("plan_services"):
        carriers[row["plan_id"]].add(row["carrier_id"])
    for plan, indices in PLAN_CARRIERS.items():
        assert {CARRIERS[i] for i in indices} == carriers[plan]
    jurisdictions = {row["jurisdiction_id"] for row in seed("tax_jurisdictions")}
    assert {"US-GA-ATLANTA", "US-CO-DENVER", "US-CA-SAN-FRANCISCO"} <= jurisdictions


def test_adjustments_name_reasons_and_pools_of_the_catalog(tmp_path: Path) -> None:
    summary = generate(
        Town(accounts=120, months=6, seed=2, calls_per_account_per_day=0.1, adjustments=True),
        tmp_path / "town",
    )
    rows = [row for _, row in Warehouse(summary).feed("rollover_adjustments")]
    reasons = {row["reason_code"] for row in seed("adjustment_reasons")}
    assert {row["reason_code"] for row in rows} <= reasons
    assert {row["pool_id"] for row in rows} <= {row["pool_id"] for row in seed("plan_pools")}
    assert {row["action"] for row in rows} == {"credit", "debit", "extension", "resale"}
    plain = replace(CLEAN, adjustments=False, accounts=20)
    files = generate(plain, tmp_path / "plain").files
    assert not any(file.feed == "rollover_adjustments" for file in files)


# Who is who.


def test_numbers_are_unique_whatever_the_size_of_the_town() -> None:
    for city in range(3):
        numbers = {own_number(city, counter) for counter in range(50_000)}
        numbers |= {unlisted_number(city, counter) for counter in range(40)}
        assert len(numbers) == 50_040
        assert all(len(str(number)) == 11 and str(number)[0] == "1" for number in numbers)


def test_lines_belong_to_accounts_and_numbers_to_one_line_at_a_time(
    troubled_load: Warehouse,
) -> None:
    accounts = {row["account_id"] for _, row in troubled_load.feed("accounts")}
    for spans in periods(troubled_load).values():
        assert {account for _, _, account in spans} <= accounts
        for (_, end, _), (begin, _, _) in pairwise(sorted(spans)):
            assert end is not None
            assert end <= begin


def test_served_numbers_are_lines_in_force_but_for_the_unknown_ones(
    troubled: Summary, troubled_load: Warehouse
) -> None:
    lines = periods(troubled_load)
    unknown = 0
    numbers = {number for _, number in lines}
    for _, carrier, row in cdrs(troubled_load):
        if row["action"] == "new" and holder(lines, carrier, row) is None:
            assert served(row) not in numbers
            unknown += 1
    chosen = troubled.trouble["cdrs.unknown_number"]
    assert 0 < chosen <= unknown <= chosen + troubled.trouble["cdrs.correction"]


def test_plans_begin_at_local_midnight(clean: Summary, clean_load: Warehouse) -> None:
    zones = {r["account_id"]: ZoneInfo(r["time_zone"]) for _, r in clean_load.feed("accounts")}
    opened = {r["account_id"]: r["opened_on"] for _, r in clean_load.feed("accounts")}
    mover = clean.stories["mover"].account_ids[0]
    first = [file.path for file in clean.files if ".20260531T" in file.path]
    rows = [row for path in first for row in clean_load.files[path].accepted]
    assert len({zones[row["account_id"]] for row in rows}) == 3
    for row in rows:
        if row["account_id"] != mover:
            local = at(row["activated_at"]).astimezone(zones[row["account_id"]])
            assert f"{local:%Y-%m-%d %H:%M:%S}" == f"{opened[row['account_id']]} 00:00:00"


def test_clean_town_knows_every_served_number(clean_load: Warehouse) -> None:
    lines = periods(clean_load)
    assert all(holder(lines, carrier, row) for _, carrier, row in cdrs(clean_load))


def test_a_number_is_used_again_by_another_household(
    troubled: Summary, troubled_load: Warehouse
) -> None:
    giver, taker = troubled.stories["number_given_up"].account_ids
    lines = periods(troubled_load)
    shared = [key for key, spans in lines.items() if {giver, taker} <= {who for _, _, who in spans}]
    assert len(shared) == 1
    users = Counter(
        holder(lines, carrier, row)
        for _, carrier, row in cdrs(troubled_load)
        if (carrier, served(row)) == shared[0]
    )
    assert users[giver] > 0
    assert users[taker] > 0


def test_cdr_ids_are_unique_and_tell_carrier_and_day(clean_load: Warehouse) -> None:
    seen = set()
    for _, carrier, row in cdrs(clean_load):
        prefix, day, number = row["cdr_id"].split("-")
        assert prefix == PREFIXES[CARRIERS.index(carrier)]
        assert day == f"{at(row['started_at']).astimezone(UTC):%Y%m%d}"
        assert len(number) == 7
        seen.add(row["cdr_id"])
    assert len(seen) == len(cdrs(clean_load))


# When.


def month_cut(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=LAST_ZONE)


def test_a_month_folder_has_the_month_to_its_end_in_every_time_zone(
    clean_load: Warehouse,
) -> None:
    start = datetime(2026, 6, 1, tzinfo=ZoneInfo("America/New_York"))
    cuts = [start, month_cut(date(2026, 7, 1)), month_cut(date(2026, 8, 1))]
    found: dict[str, list[datetime]] = defaultdict(list)
    for path, _, row in cdrs(clean_load):
        found[path[:7]].append(at(row["started_at"]))
    assert sorted(found) == ["2026-06", "2026-07"]
    for (low, high), times in zip(
        pairwise(cuts), (found["2026-06"], found["2026-07"]), strict=True
    ):
        assert low <= min(times) < low + timedelta(hours=6)
        assert high - timedelta(hours=3) < max(times) < high


def test_daily_files_have_their_utc_day(tmp_path: Path) -> None:
    town = replace(CLEAN, accounts=30, months=1, split="day")
    load = Warehouse(generate(town, tmp_path / "town"))
    for path, _, row in cdrs(load):
        assert at(row["started_at"]).astimezone(UTC).date().isoformat() == path.split(".")[2]
    days = {path.split(".")[2] for path, _, _ in cdrs(load)}
    assert len(days) == 31  # the last hours of June in San Francisco are July in UTC


def test_calls_at_cycle_boundaries_and_ties(troubled: Summary, troubled_load: Warehouse) -> None:
    assert troubled.trouble["cdrs.cycle_boundary"] > 0
    assert troubled.trouble["cdrs.tie"] > 0
    lines = periods(troubled_load)
    zones = {r["account_id"]: ZoneInfo(r["time_zone"]) for _, r in troubled_load.feed("accounts")}
    midnight, moments = 0, Counter[tuple[str, str]]()
    for _, carrier, row in cdrs(troubled_load):
        account = holder(lines, carrier, row)
        if account in zones and row["action"] == "new":
            local = at(row["started_at"]).astimezone(zones[account])
            midnight += local.strftime("%H:%M:%S") == "00:00:00"
            moments[account, local.isoformat()] += 1
    assert midnight > 0
    assert max(moments.values()) >= 3


def test_calls_in_the_hour_that_comes_twice(tmp_path: Path) -> None:
    town = Town(
        accounts=60,
        months=1,
        seed=4,
        first_month=date(2026, 11, 1),
        calls_per_account_per_day=0.5,
    )
    summary = generate(town, tmp_path / "town")
    assert summary.trouble["cdrs.clock_change"] > 0
    times = {row["started_at"] for _, c, row in cdrs(Warehouse(summary)) if c != "wireline"}
    change = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
    for moment in (change - timedelta(minutes=30), change, change + timedelta(minutes=30)):
        assert moment.strftime("%Y-%m-%dT%H:%M:%SZ") in times


# Calls between our own lines.


def test_on_net_calls_have_a_record_at_both_ends(clean_load: Warehouse) -> None:
    lines = periods(clean_load)
    carriers = defaultdict(set)
    for carrier, number in lines:
        carriers[number].add(carrier)
    ends: dict[str, Counter[tuple[str, ...]]] = {d: Counter() for d in DIRECTIONS}
    across = 0
    for _, carrier, row in cdrs(clean_load):
        if other(row) not in carriers:
            continue
        key = ("calling_number", "called_number", "service", "quantity")
        moment = at(row["started_at"]).astimezone(UTC).isoformat()
        ends[row["direction"]][(moment, *(row[name] for name in key))] += 1
        across += row["direction"] == "originated" and carrier not in carriers[other(row)]
    assert ends["originated"] == ends["terminated"]
    assert across > 0
    share = 2 * ends["originated"].total() / len(cdrs(clean_load))
    assert 0.05 < share < 0.4


# Kinds of records.


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A clean town at the usual rate, billed on the first."""
    town = Town(accounts=200, months=1, seed=8, trouble=False, bill_cycle_days=(1,))
    return Warehouse(generate(town, Path(tmp_path_factory.mktemp("usual"))))


def test_records_are_of_every_kind_and_of_kinds_their_carrier_produces(usual: Warehouse) -> None:
    rows = cdrs(usual)
    kinds = {row["carrier_id"]: row["service_kind"] for row in seed("carriers")}
    catalog = {tuple(row.values()) for row in seed("carrier_services")}
    found = {
        (kinds[carrier], row["service"], row["call_type"], row["direction"])
        for _, carrier, row in rows
    }
    assert found <= catalog
    assert {kind[1] for kind in found} == set(SERVICES)
    assert {kind[2] for kind in found} == set(CALL_TYPES)
    voice = [row for _, _, row in rows if row["service"] == "voice"]
    lengths = sorted(int(row["quantity"]) for row in voice)
    assert 0.02 < lengths.count(0) / len(lengths) < 0.1
    assert 60 < lengths[len(lengths) // 2] < 400
    assert 0.001 < sum(length > 3600 for length in lengths) / len(lengths) < 0.03
    foreign = {
        other(row)[1:] for row in voice if row["call_type"] == "international" and other(row)
    }
    prefixes = {
        r["destination_prefix"] for r in seed("tariffs") if r["tariff_id"] == "INTERNATIONAL"
    }
    reached = {p for p in prefixes if p and any(number.startswith(p) for number in foreign)}
    assert len(reached) > len(prefixes) / 2
    assert any(row["direction"] == "terminated" and not row["calling_number"] for row in voice)
    assert {"411", "911", "*86"} <= {row["called_number"] for row in voice}
    types = Counter(row["other_party_type"] for row in voice)
    assert types[""] > len(voice) / 2
    assert all(types[kind] > 0 for kind in ("mobile", "fixed", "unknown"))
    assert any(row["other_party_carrier_id"] for row in voice)
    assert all(not other(row) for _, _, row in rows if row["service"] == "data")
    assert max(int(row["quantity"]) for _, _, row in rows if row["service"] == "data") > 50_000_000


def test_days_have_peaks_and_weekends_differ(clean_load: Warehouse) -> None:
    zones = {r["account_id"]: ZoneInfo(r["time_zone"]) for _, r in clean_load.feed("accounts")}
    lines = periods(clean_load)
    hours: dict[bool, Counter[int]] = {True: Counter(), False: Counter()}
    mover = {"A000012"}
    for _, carrier, row in cdrs(clean_load):
        account = holder(lines, carrier, row)
        if account and account not in mover and row["service"] == "voice":
            local = at(row["started_at"]).astimezone(zones[account])
            hours[local.weekday() >= 5][local.hour] += 1
    work, weekend = hours[False], hours[True]
    assert work[9] > 5 * work[3]
    assert work[18] > work[13]
    assert work[9] / work.total() > weekend[9] / weekend.total()
    assert weekend[13] > weekend[8]


# How much.


def rows_of(summary: Summary, feed: str = "cdrs") -> int:
    return sum(file.rows for file in summary.files if file.feed == feed)


@pytest.mark.parametrize(
    ("accounts", "rate", "months"), [(150, 1.5, 1), (150, 12.0, 1), (90, 6.0, 3)]
)
def test_volume_is_what_was_asked_for(
    tmp_path: Path, accounts: int, rate: float, months: int
) -> None:
    town = Town(
        accounts=accounts, months=months, seed=3, calls_per_account_per_day=rate, trouble=False
    )
    summary = generate(town, tmp_path / "town")
    days = {1: 30, 3: 92}[months]
    assert summary.cdrs == rows_of(summary)
    assert abs(summary.cdrs / (accounts * rate * days) - 1) < 0.04
    assert summary.accounts == accounts
    assert len(summary.folders) == months


def test_every_size_of_town_can_be_built(tmp_path: Path) -> None:
    for accounts in (1, 2, 8, 9, 10, 12, 13, 14):
        town = Town(accounts=accounts, months=1, seed=accounts, calls_per_account_per_day=2.0)
        summary = generate(town, tmp_path / str(accounts))
        rows = [row for _, row in Warehouse(summary).feed("accounts")]
        assert len({row["account_id"] for row in rows}) == accounts == summary.accounts


def test_bill_cycle_days_are_restricted_or_mixed(tmp_path: Path, clean_load: Warehouse) -> None:
    mixed = Counter(row["bill_cycle_day"] for _, row in clean_load.feed("accounts"))
    assert mixed.most_common(1)[0][0] == "1"
    assert len(mixed) > 2
    town = replace(CLEAN, bill_cycle_days=(1,), months=1)
    load = Warehouse(generate(town, tmp_path / "town"))
    assert {row["bill_cycle_day"] for _, row in load.feed("accounts")} == {"1"}


def test_batches_per_month(tmp_path: Path) -> None:
    town = replace(CLEAN, batches_per_month=4, months=1)
    files = generate(town, tmp_path / "town").files
    nights = [
        f.path.split(".")[2] for f in files if f.feed == "subscribers" and f.carrier == "wireless"
    ]
    assert nights == [f"2026{day}T080000Z" for day in ("0531", "0608", "0615", "0622", "0630")]


def test_shares_of_plans_and_cities(tmp_path: Path) -> None:
    town = Town(accounts=2000, months=1, seed=1, calls_per_account_per_day=0.1, trouble=False)
    load = Warehouse(generate(town, tmp_path / "town"))
    accounts = [row for _, row in load.feed("accounts")]
    cities = Counter({r["account_id"]: r["city"] for r in accounts}.values())
    assert cities["Atlanta"] > 0.5 * 2000
    plans = Counter(
        row["plan_id"]
        for path, row in load.feed("orders")
        if row["action"] == "subscribe" and row["status"] == "completed" and "wireless" in str(path)
    )
    total = 2000
    assert 0.35 < plans["SHARE1000"] / total < 0.46
    assert 0.20 < plans["SHARE800"] / total < 0.30
    assert 0.12 < plans["SHARE_DATA"] / total < 0.18
    assert 0.12 < plans["WIRELESS500"] / total < 0.20


def test_a_good_share_of_accounts_exceeds_its_allowance_and_many_leave_units(
    usual: Warehouse,
) -> None:
    allowances = {
        r["plan_id"]: 60 * int(r["allowance"])
        for r in seed("plan_pools")
        if r["pool_id"] == "anytime"
    }
    lines = periods(usual)
    zones = {r["account_id"]: ZoneInfo(r["time_zone"]) for _, r in usual.feed("accounts")}
    plans: dict[str, set[str]] = defaultdict(set)
    for feed in ("subscribers", "subscriber_changes"):
        for path, row in usual.feed(feed):
            if ".wireless." in str(path):
                plans[row["account_id"]].add(row["plan_id"])
    mobiles = {number for carrier, number in lines if carrier == "wireless"}
    used = Counter[str]()
    for _, carrier, row in cdrs(usual):
        account = holder(lines, carrier, row)
        if account is None or len(plans[account]) != 1 or row["service"] != "voice":
            continue
        (plan,) = plans[account]
        local = at(row["started_at"]).astimezone(zones[account])
        night = local.weekday() >= 5 or not 6 <= local.hour < 21
        mobile = row["other_party_type"] == "mobile" or other(row) in mobiles
        free = {"SHARE1000": mobile or night, "SHARE_DATA": other(row) in mobiles}.get(plan, night)
        pooled = (carrier == "wireless" and row["call_type"] != "toll_free" and not free) or (
            (carrier, row["call_type"], row["direction"])
            == ("wireline", "long_distance", "originated")
            and plan.startswith("SHARE")
        )
        used[account] += -(-int(row["quantity"]) // 60) * 60 if pooled else 0
    shares = sorted(
        used[account] / allowances[next(iter(mine))]
        for account, mine in plans.items()
        if len(mine) == 1
    )
    assert len(shares) > 150
    assert 0.15 < sum(share > 1 for share in shares) / len(shares) < 0.40
    assert 0.25 < sum(share < 0.5 for share in shares) / len(shares) < 0.60
    assert shares[-1] > 2


# Orders and subscriber data.


def order_states(load: Warehouse) -> dict[tuple[str, str], list[Row]]:
    states: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for path, row in load.feed("orders"):
        states[str(path).split(".")[1], row["order_id"]].append(row)
    return states


def test_clean_orders_have_their_counterpart_within_a_day(clean_load: Warehouse) -> None:
    orders = [(carrier, rows) for (carrier, _), rows in order_states(clean_load).items()]
    named = 0
    for carrier, rows in orders:
        first = rows[0]
        if first["action"] not in ("subscribe", "change_plan", "cancel"):
            continue
        assert rows[-1]["status"] == "completed"
        for needed in PLAN_CARRIERS[first["plan_id"]]:
            if CARRIERS[needed] == carrier:
                continue
            matches = [
                theirs
                for where, theirs in orders
                if where == CARRIERS[needed]
                and all(
                    theirs[0][name] == first[name]
                    for name in ("account_id", "action", "plan_id", "effective_on")
                )
                and abs(at(theirs[0]["requested_at"]) - at(first["requested_at"]))
                <= timedelta(hours=72)
            ]
            assert len(matches) == 1
            last = matches[0][-1]
            done = at(last["status_at"] or last["requested_at"])
            assert done <= at(first["requested_at"]) + timedelta(hours=24)
            named += last["counterpart_order_id"] == first["order_id"]
    assert named > 0


def test_some_orders_are_completed_in_a_later_file(clean_load: Warehouse) -> None:
    paths = defaultdict(set)
    for path, row in clean_load.feed("orders"):
        paths[str(path).split(".")[1], row["order_id"]].add(path)
    assert any(len(files) > 1 for files in paths.values())


def test_order_trouble_is_there(troubled: Summary, troubled_load: Warehouse) -> None:
    for kind in set(ORDER_FAULTS) - {"slow_counterpart"}:
        assert troubled.trouble[f"orders.{kind}"] >= 1
    states = order_states(troubled_load)
    final = Counter(rows[-1]["status"] for rows in states.values())
    made = {kind: troubled.trouble[f"orders.{kind}"] for kind in ORDER_FAULTS}
    refused = ("counterpart_failed", "failed_then_retried", "refused_late")
    assert final["failed"] == sum(made[kind] for kind in refused)
    assert final["withdrawn"] == made["withdrawn"] + 2 * made["called_off"]
    strange = [rows for rows in states.values() if rows[0]["plan_id"] == "SHARE9000"]
    assert len(strange) == troubled.trouble["orders.unknown_plan"]
    account = troubled.stories["one_sided_order"].account_ids[0]
    changes = [
        rows
        for rows in states.values()
        if rows[0]["account_id"] == account and rows[0]["action"] == "change_plan"
    ]
    assert len(changes) == 1


def casi_differences(load: Warehouse) -> Counter[str]:
    """Rows of the batches after the first that differ from what was known of the line before."""
    rows = []
    for feed in ("subscribers", "subscriber_changes"):
        for path, row in load.feed(feed):
            parts = str(path).split(".")
            moment = row.get("changed_at") or parts[2]
            rows.append((at(moment), feed == "subscribers", parts[1], row))
    rows.sort(key=lambda item: item[:3])
    found = Counter[str]()
    known: dict[tuple[str, ...], dict[str, str]] = {}
    first = min(moment for moment, batch, _, _ in rows if batch)
    for moment, batch, carrier, row in rows:
        key = (carrier, row["account_id"], row["service_number"])
        state = {k: v for k, v in row.items() if k not in ("change_id", "changed_at")}
        if batch and moment > first and known.get(key) != state:
            found["changed" if key in known else "unheard of"] += 1
        known[key] = state
    last = max(moment for moment, batch, _, _ in rows if batch)
    in_last = {
        (carrier, row["account_id"], row["service_number"])
        for moment, batch, carrier, row in rows
        if batch and moment == last
    }
    before = {
        (carrier, row["account_id"], row["service_number"])
        for moment, _, carrier, row in rows
        if moment <= last
    }
    found["missing"] = len(before - in_last)
    return found


def test_clean_batches_agree_with_the_changes(clean_load: Warehouse) -> None:
    assert casi_differences(clean_load).total() == 0


def test_batches_disagree_as_the_summary_says(troubled: Summary, troubled_load: Warehouse) -> None:
    found = casi_differences(troubled_load)
    folders = [
        str(path).split("/")[0]
        for path, _ in troubled_load.feed("subscriber_changes")
        if "-late/" in str(path)
    ]
    assert len(folders) == troubled.trouble["subscriber_changes.late"]
    # A line that is announced after the last close is in no batch yet.
    unheard = folders.count(troubled.folders[-1])
    assert found["missing"] == troubled.trouble["subscribers.missing_in_batch"] + unheard
    assert found["changed"] == troubled.trouble["subscribers.unannounced_change"]
    assert found["unheard of"] == troubled.trouble["subscribers.unannounced_line"]


# Trouble on the way of CDRs.


def test_late_records_are_of_cycles_that_were_closed(
    troubled: Summary, troubled_load: Warehouse
) -> None:
    lines = periods(troubled_load)
    accounts = {row["account_id"]: row for _, row in reversed(troubled_load.feed("accounts"))}
    records = voids = 0
    before: set[tuple[str, str, str]] = set()
    for path, carrier, row in cdrs(troubled_load):
        folder = path.split("/")[0]
        key = (carrier, row["cdr_id"], row["action"])
        before.add(key)
        if not folder.endswith("-late"):
            continue
        if row["action"] == "void":
            assert (carrier, row["cdr_id"], "new") in before
            voids += 1
            continue
        records += 1
        account = accounts[str(holder(lines, carrier, row))]
        local = at(row["started_at"]).astimezone(ZoneInfo(account["time_zone"])).date()
        assert local.isoformat()[:7] == folder[:7]
        assert int(account["bill_cycle_day"]) == 1 or local.day < int(account["bill_cycle_day"])
    trouble = troubled.trouble
    assert records == trouble["cdrs.late"] + trouble["cdrs.void_before_record"]
    assert voids <= trouble["cdrs.void_after_bill"]


def test_voids_come_before_the_bill_after_it_and_before_their_record(
    troubled: Summary, troubled_load: Warehouse
) -> None:
    came: dict[tuple[str, str, str], tuple[int, str, Row]] = {}
    for place, (path, carrier, row) in enumerate(cdrs(troubled_load)):
        came[carrier, row["cdr_id"], row["action"]] = (place, path.split("/")[0], row)
    kinds = Counter[str]()
    for (carrier, cdr_id, action), (place, folder, row) in came.items():
        if action != "void":
            continue
        record_place, record_folder, record = came[carrier, cdr_id, "new"]
        assert {**record, "action": "void"} == row
        if place < record_place:
            kinds["cdrs.void_before_record"] += 1
        elif folder == record_folder:
            kinds["cdrs.void_before_bill"] += 1
        else:
            assert folder > record_folder
            kinds["cdrs.void_after_bill"] += 1
    assert kinds == {kind: n for kind, n in troubled.trouble.items() if kind in kinds}
    assert len(kinds) == 3
    assert troubled.trouble["cdrs.correction"] > 0


def test_the_biller_sends_some_accounts_late(troubled: Summary, troubled_load: Warehouse) -> None:
    first = {}
    for path, row in troubled_load.feed("accounts"):
        first.setdefault(row["account_id"], (str(path).split("/")[0], row["opened_on"]))
    late = [
        a for a, (folder, opened) in first.items() if folder > "2026-06" and opened < "2026-06-02"
    ]
    assert len(late) == troubled.trouble["accounts.late"]


# Stories.


def pool_minutes(load: Warehouse, account: str, month: str) -> dict[str, float]:
    """Minutes of daytime voice by carrier that no rule makes free, for a story in Atlanta."""
    lines = periods(load)
    zone = ZoneInfo("America/New_York")
    total: dict[str, float] = defaultdict(float)
    for _, carrier, row in cdrs(load):
        local = at(row["started_at"]).astimezone(zone)
        if (
            row["service"] == "voice"
            and row["call_type"] in ("local", "long_distance")
            and (carrier == "wireless" or row["call_type"] == "long_distance")
            and (carrier == "wireless" or row["direction"] == "originated")
            and f"{local:%Y-%m}" == month
            and local.weekday() < 5
            and 6 <= local.hour < 21
            and row["other_party_type"] != "mobile"
            and holder(lines, carrier, row) == account
        ):
            total[carrier] += int(row["quantity"]) / 60
    return total


def test_stories_have_fixed_accounts(clean: Summary, troubled: Summary) -> None:
    assert list(clean.stories) == list(troubled.stories)
    assert [s.account_ids for s in clean.stories.values()] == [
        s.account_ids for s in troubled.stories.values()
    ]
    assert clean.stories["overage"].account_ids == ("A000001",)
    assert clean.stories["everything"].account_ids == ("A000002",)
    assert "late" not in clean.stories["everything"].what


def test_the_overage_story_runs_through_allowance_and_rollover(clean_load: Warehouse) -> None:
    heavy = pool_minutes(clean_load, "A000001", "2026-06")
    quiet = pool_minutes(clean_load, "A000001", "2026-07")
    # 1000 of allowance and 323 that ten days of May left over.
    assert sum(heavy.values()) > 1000 + 323 + 60
    assert all(heavy[carrier] > 200 for carrier in ("wireless", "wireline"))
    assert sum(quiet.values()) < 600


def test_the_quiet_story_leaves_units(clean_load: Warehouse) -> None:
    assert 0 < sum(pool_minutes(clean_load, "A000003", "2026-06").values()) < 500


def test_the_story_of_everything_has_everything(
    troubled: Summary, troubled_load: Warehouse
) -> None:
    account = troubled.stories["everything"].account_ids[0]
    lines = periods(troubled_load)
    mine = [
        (path, row)
        for path, carrier, row in cdrs(troubled_load)
        if holder(lines, carrier, row) == account
    ]
    assert {"international", "roaming"} <= {row["call_type"] for _, row in mine}
    assert sum(row["action"] == "void" for _, row in mine) >= 4
    assert sum("-late/" in path and row["action"] == "new" for path, row in mine) >= 3
    assert any(
        row["action"] == "change_plan" and row["account_id"] == account
        for _, row in troubled_load.feed("orders")
    )


def test_the_data_story_exceeds_its_allowance(clean: Summary, clean_load: Warehouse) -> None:
    account = clean.stories["data_heavy"].account_ids[0]
    lines = periods(clean_load)
    size = Counter[str]()
    for path, carrier, row in cdrs(clean_load):
        if row["service"] == "data" and holder(lines, carrier, row) == account:
            size[path[:7]] += int(row["quantity"])
    assert size["2026-06"] > 2_500_000_000
    assert size["2026-07"] < 2_000_000_000


# Wording of files.


def test_carriers_have_habits_of_their_own(clean: Summary) -> None:
    rows = {
        carrier: read_rows(clean.out / "2026-06" / f"cdrs.{carrier}.2026-06.csv")[1]
        for carrier in CARRIERS
    }
    offsets = {c: {row["started_at"][19:] for row in rows[c] if row} for c in CARRIERS}
    assert offsets == {"wireless": {"Z"}, "wireline": {"-04:00"}, "internet": {"Z"}}
    assert {row["action"] for row in rows["wireless"] if row} == {"new"}
    assert {row["action"] for row in rows["internet"] if row} == {""}
