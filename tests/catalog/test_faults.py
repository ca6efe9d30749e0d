"""One mutation of the shipped catalog per rule: it is found, named, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tandem import catalog
from tandem.database import Connection
from tests.properties.hostile_catalog import Seeds, hostile_catalog, read_seeds
from tests.support.warehouse import PROJECT, Databases

RULES = {
    path.stem.removeprefix("catalog_faults__")
    for path in (PROJECT / "models" / "catalog" / "faults").glob("*.sql")
}


@dataclass(frozen=True)
class Mutation:
    """A broken catalog.

    Attributes:
        rule: which rule it breaks.
        statements: what breaks it, in the schema catalog.
        says: one of the faults found, in words.
        also: further rules that it cannot help breaking.
    """

    rule: str
    statements: str
    says: str
    also: tuple[str, ...] = ()


# a plan and a pool that an earlier catalog had
OLD_PLAN = "insert into issued.names values (1, 'plan', 'OLD', 'Old', null)"
OLD_POOL = """
insert into issued.usage_terms values (1, 'SHARE800', 'wireless', 'platform', 'voice', 'local',
    'originated', 'pool', 'nights', null, 'minute', 60, 'anytime', null, null, false, 60, 60, 0.4);
insert into issued.pool_cycles values ('A1', 'nights', '2026-01-01', '2026-02-01', 1, 'SHARE800',
    'Nights', 'minute', 60, true, false, 'active', '2026-01-01', null, null, 600, 0, 0, 0, 0, 0, 0,
    0, 600, 0, 0, 0, 600, 0, 0, 600, 600, 600);
insert into issued.bucket_cycles values ('A1', 'A1-nights-20260101-plan', '2026-01-01',
    '2026-02-01', 1, 'nights', 'plan', '2026-01-01', '2026-02-01', '2026-08-01', 6, 600, 0, 0, 0,
    600, 0, 0, 0, 0, 600, 'available', null, null);
"""
CLOSED = """
insert into issued.account_frontiers values
    ('A1', 1, '2026-01-01', '2026-02-01', '2026-02-01 00:00:00+00')
"""

MUTATIONS = (
    Mutation(
        "missing_values",
        "update plans set monthly_fee = null where plan_id = 'SHARE800'",
        "plans SHARE800: monthly_fee is empty",
    ),
    Mutation(
        "missing_values",
        "update carriers set carrier_name = ' ' where carrier_id = 'internet'",
        "carriers internet: carrier_name is empty",
    ),
    Mutation(
        "missing_values",
        "update tariffs set valid_from = null where destination_prefix = '49'"
        " and tariff_id = 'MESSAGE'",
        "tariffs MESSAGE prefix 49: valid_from is empty",
    ),
    Mutation(
        "repeated_keys",
        "insert into adjustment_reasons select * from adjustment_reasons limit 1",
        "adjustment_reasons error_correction: 2 rows have the same reason_code",
    ),
    Mutation(
        "repeated_keys",
        "insert into plans select * from plans where plan_id = 'WIRELINE_LD'",
        "plans WIRELINE_LD: 2 rows have the same plan_id",
        # a plan that is there twice matches, and is settled, as one
    ),
    Mutation(
        "repeated_keys",
        "insert into settlement_terms values ('SHARE800-2020', 'wireline', 1, null)",
        "settlement_terms SHARE800-2020 wireline: 2 rows have the same agreement_id, carrier_id",
    ),
    Mutation(
        "unknown_references",
        "update no_charge_rules set rate_period_id = 'nights' where plan_id = 'SHARE800'",
        "no_charge_rules SHARE800 night_weekend: rate_period_id 'nights' is not in rate_periods",
    ),
    Mutation(
        "unknown_references",
        "insert into settlement_terms values ('SHARE800-2020', 'satellite', 1, null)",
        "settlement_terms SHARE800-2020 satellite: carrier_id 'satellite' is not in carriers",
    ),
    Mutation(
        "unknown_references",
        "update tax_jurisdictions set parent_jurisdiction_id = 'USA' where level = 'state'",
        "tax_jurisdictions US-GA: parent_jurisdiction_id 'USA' is not in tax_jurisdictions",
    ),
    Mutation(
        "unknown_references",
        "update plan_services set tariff_id = 'MESSAGES' where priority = 41",
        "plan_services SHARE800 wireless page * originated priority 41:"
        " tariff_id 'MESSAGES' is not in tariffs",
    ),
    Mutation(
        "unknown_words",
        "update plan_pools set burn_order = 'oldest_first' where plan_id = 'SHARE800'",
        "plan_pools SHARE800 anytime:"
        " burn_order 'oldest_first' is none of allowance_first, rollover_first",
    ),
    Mutation(
        "unknown_words",
        "update tax_rates set charge_category = 'fees' where tax_code = 'SF-UUT'"
        " and charge_category = 'plan_fee'",
        "tax_rates US-CA-SAN-FRANCISCO SF-UUT fees *:"
        " charge_category 'fees' is none of plan_fee, usage, one_time, *",
    ),
    Mutation(
        "figures_out_of_range",
        "update plans set monthly_fee = -1 where plan_id = 'SHARE800'",
        "plans SHARE800: monthly_fee is -1, it must be at least 0",
    ),
    Mutation(
        "figures_out_of_range",
        "update plans set monthly_fee = 'NaN' where plan_id = 'SHARE800'",
        "plans SHARE800: monthly_fee is NaN, it must be at least 0",
    ),
    Mutation(
        "figures_out_of_range",
        "update tax_rates set rate = 4 where tax_code = 'GA-SALES'",
        "tax_rates US-GA GA-SALES * *: rate is 4, it must be from 0 to 1",
    ),
    Mutation(
        "figures_out_of_range",
        "update tariffs set increment = 0 where tariff_id = 'VIDEO'",
        "tariffs VIDEO: increment is 0, it must be from 1 to 1000000000000",
    ),
    Mutation(
        "figures_out_of_range",
        "update plan_pools set deferral_fee_share = 40 where plan_id = 'SHARE800'",
        "plan_pools SHARE800 anytime: deferral_fee_share is 40, it must be from 0 to 1",
        also=("deferred_over_fee",),
    ),
    Mutation(
        "figures_out_of_range",
        "update plan_pools set rollover_cycles = 2000000000 where plan_id = 'SHARE800'",
        "plan_pools SHARE800 anytime: rollover_cycles is 2000000000, it must be from 0 to 1200",
    ),
    Mutation(
        "figures_out_of_range",
        "update plans set rollover_retention_cycles = 1201 where plan_id = 'SHARE800'",
        "plans SHARE800: rollover_retention_cycles is 1201, it must be from 0 to 1200",
    ),
    Mutation(
        "figures_out_of_range",
        "update plan_pools set allowance = 1000000000.5 where plan_id = 'SHARE800'",
        "plan_pools SHARE800 anytime: allowance is 1000000000.5, it must be from 0 to 1000000000",
    ),
    Mutation(
        "validity_backwards",
        "update tariffs set valid_to = valid_from where tariff_id = 'VIDEO'",
        "tariffs VIDEO: valid_from 2020-01-01 is not before valid_to 2020-01-01",
    ),
    Mutation(
        "validity_backwards",
        "update plans set valid_to = '2019-01-01' where plan_id = 'SHARE800'",
        "plans SHARE800: valid_from 2020-01-01 is not before valid_to 2019-01-01",
    ),
    Mutation(
        "not_one_biller",
        "update carriers set is_biller = true where carrier_id = 'internet'",
        "carriers internet, wireline: 2 carriers are biller, exactly one must be",
    ),
    Mutation(
        "not_one_biller",
        "update carriers set is_biller = false",
        "carriers: 0 carriers are biller, exactly one must be",
    ),
    Mutation(
        "wrong_unit_types",
        "update unit_types set base_units_per_unit = 1048576 where unit_type = 'megabyte'",
        "unit_types megabyte: it is 1000000 byte, not 1048576 byte",
    ),
    Mutation(
        "wrong_unit_types",
        "insert into unit_types values ('hour', 'second', 3600)",
        "unit_types hour: there is no such unit",
    ),
    Mutation(
        "wrong_services",
        "update services set unit_type = 'event' where service = 'page'",
        "services page: its unit is message, not event",
        ("tariffs_of_other_units",),
    ),
    Mutation(
        "wrong_services",
        "insert into services values ('fax', 'minute')",
        "services fax: no feed can bring this service",
    ),
    Mutation(
        "mixed_currencies",
        "update plans set currency = 'EUR' where plan_id = 'SHARE800'",
        "plans EUR, USD: all plans of a catalog must be in one currency",
    ),
    Mutation(
        "lonely_integrated_plans",
        "update plans set is_integrated = true where plan_id = 'WIRELESS500'",
        "plans WIRELESS500: the plan is integrated, but wireless is its only carrier",
    ),
    Mutation(
        "ambiguous_services",
        "update plan_services set priority = 20 where plan_id = 'SHARE800' and priority = 13",
        "plan_services SHARE800 wireless voice * * priority 20:"
        " row wireless voice toll_free * has the same priority and can match the same call",
    ),
    Mutation(
        "ambiguous_services",
        "insert into plan_services select * from plan_services"
        " where plan_id = 'WIRELINE_LD' and priority = 106",
        "plan_services WIRELINE_LD wireline event * * priority 106:"
        " row wireline event * * has the same priority and can match the same call",
    ),
    Mutation(
        "incomplete_treatments",
        "update plan_services set overage_rate = null where plan_id = 'SHARE800' and priority = 20",
        "plan_services SHARE800 wireless voice * * priority 20:"
        " treatment pool needs an overage_rate",
    ),
    Mutation(
        "incomplete_treatments",
        "update plan_services set tariff_id = null where plan_id = 'SHARE800' and priority = 31",
        "plan_services SHARE800 wireless sms * originated priority 31:"
        " treatment metered needs a tariff_id",
    ),
    Mutation(
        "incomplete_treatments",
        "update plan_services set pool_id = 'anytime' where plan_id = 'SHARE800' and priority = 13",
        "plan_services SHARE800 wireless voice toll_free * priority 13:"
        " treatment free draws on no pool",
    ),
    Mutation(
        "pools_without_row",
        "delete from plan_pools where plan_id = 'SHARE1000' and pool_id = 'messages'",
        "plan_services SHARE1000 wireless sms * * priority 30:"
        " the plan has no pool 'messages' in plan_pools",
    ),
    Mutation(
        "pools_of_two_units",
        "insert into plan_pools select 'SHARE800', pool_id, pool_name, 'event', allowance,"
        " burn_order,"
        " false from plan_pools where pool_id = 'messages'",
        "plan_pools pool messages: plans count it in event and in message",
    ),
    Mutation(
        "usage_without_row",
        "delete from plan_services where plan_id = 'SHARE800' and priority = 40",
        "plan_services SHARE800: no row for wireless page local terminated",
    ),
    Mutation(
        "usage_without_row",
        "insert into carrier_services values ('wireline', 'page', 'local', 'terminated')",
        "plan_services WIRELINE_LD: no row for wireline page local terminated",
    ),
    Mutation(
        "pools_of_other_units",
        "update plan_services set pool_id = 'anytime'"
        " where plan_id = 'SHARE1000' and priority = 30",
        "plan_pools SHARE1000 anytime:"
        " the pool is counted in minute, but sms of wireless draws on it in message",
    ),
    Mutation(
        "tariffs_of_other_units",
        "update plan_services set tariff_id = 'VIDEO' where plan_id = 'SHARE800' and priority = 31",
        "tariffs VIDEO: the tariff is per minute, but plan SHARE800 meters sms of wireless by it"
        " in message",
    ),
    Mutation(
        "incomplete_rollover",
        "update plan_pools set rollover_cycles = 0 where plan_id = 'SHARE800'",
        "plan_pools SHARE800 anytime: the pool has rollover, but rollover_cycles is below 1",
    ),
    Mutation(
        "incomplete_rollover",
        "update plan_pools set has_rollover = true where pool_id = 'messages'",
        "plan_pools SHARE1000 messages: the pool has rollover, but no resale_rate",
    ),
    Mutation(
        "dear_rollover_units",
        "update plan_pools set resale_rate = 0.10 where plan_id = 'SHARE800'",
        "plan_pools SHARE800 anytime: resale_rate 0.10 is not below the lowest overage rate, 0.10",
    ),
    Mutation(
        "deferred_over_fee",
        "insert into plan_pools select (jsonb_populate_record(plan_pools, jsonb_build_object("
        "'pool_id', 'second', 'deferral_fee_share', 0.6))).* from plan_pools"
        " where plan_id = 'WIRELESS500' and pool_id = 'anytime'",
        "plan_pools WIRELESS500: its deferral_fee_share sum to 1.10, which is over 1",
    ),
    Mutation(
        "ambiguous_no_charge_rules",
        "update no_charge_rules set priority = 10 where plan_id = 'SHARE1000'",
        "no_charge_rules SHARE1000 mobile_to_mobile:"
        " rule night_weekend has the same priority and can hold for the same call",
    ),
    Mutation(
        "limited_part_rates",
        "update no_charge_rules set unit_factor = 0.5 where plan_id = 'WIRELESS500'",
        "no_charge_rules WIRELESS500 night_weekend:"
        " an allowance goes with unit_factor 0 only, not with 0.5",
    ),
    Mutation(
        "incomplete_no_charge_rules",
        "update no_charge_rules set rate_period_id = null where plan_id = 'SHARE800'",
        "no_charge_rules SHARE800 night_weekend: rate_period needs a rate_period_id",
    ),
    Mutation(
        "incomplete_no_charge_rules",
        "update no_charge_rules set rate_period_id = 'nights_weekends'"
        " where plan_id = 'SHARE_DATA'",
        "no_charge_rules SHARE_DATA mobile_to_mobile_on_net:"
        " mobile_to_mobile has no rate_period_id",
    ),
    Mutation(
        "allowances_over_units",
        "update no_charge_rules set service = '*', allowance = 100 where rule = 'rate_period'"
        " and plan_id = 'SHARE1000'",
        "no_charge_rules SHARE1000 night_weekend:"
        " its allowance is over pools that are counted in message and in minute",
    ),
    Mutation(
        "wrong_times",
        "update rate_periods set end_time = '25:00' where end_time = '24:00' and iso_weekday = 6",
        "rate_periods nights_weekends weekday 6 from 00:00: end_time '25:00' is no time of day",
    ),
    Mutation(
        "wrong_times",
        "update rate_periods set end_time = '20:00' where start_time = '21:00' and iso_weekday = 1",
        "rate_periods nights_weekends weekday 1 from 21:00:"
        " start_time 21:00 is not before end_time 20:00",
    ),
    Mutation(
        "wrong_prefixes",
        "update tariffs set destination_prefix = '+52' where destination_prefix = '52'",
        "tariffs INTERNATIONAL prefix +52:"
        " a destination_prefix is digits alone, without + or blanks",
    ),
    Mutation(
        "overlapping_tariffs",
        "update tariffs set valid_to = '2026-02-01' where valid_to = '2026-01-01'",
        "tariffs EVENT: two rows are valid on 2026-01-01",
    ),
    Mutation(
        "overlapping_taxes",
        "update tax_rates set valid_to = null where tax_code = 'FUSF'",
        "tax_rates US FUSF plan_fee *: two rows are valid on 2025-07-01",
    ),
    Mutation(
        "overlapping_agreements",
        "update settlement_agreements set plan_id = 'SHARE800', valid_from = '2025-03-01'"
        " where plan_id = 'WIRELINE_LD'",
        "settlement_agreements SHARE800-2020 and WIRELINE_LD-2020:"
        " both are valid for plan SHARE800 on 2025-03-01",
    ),
    Mutation(
        "tariffs_of_two_units",
        "update tariffs set tariff_id = 'DATA' where tariff_id = 'EVENT';"
        " update plan_services set treatment = 'free', tariff_id = null where tariff_id = 'EVENT';"
        " update plan_services set treatment = 'free', tariff_id = null where tariff_id = 'DATA'",
        "tariffs DATA: its rows are per event and per megabyte",
        ("overlapping_tariffs",),
    ),
    Mutation(
        "jurisdiction_cycles",
        "update tax_jurisdictions set parent_jurisdiction_id = 'US-GA-ATLANTA'"
        " where jurisdiction_id = 'US-GA'",
        "tax_jurisdictions US-GA: it is above itself",
    ),
    Mutation(
        "jurisdiction_levels",
        "update tax_jurisdictions set parent_jurisdiction_id = 'US-CO'"
        " where jurisdiction_id = 'US-GA'",
        "tax_jurisdictions US-GA: it is state, and its parent US-CO is state",
    ),
    Mutation(
        "plans_without_agreement",
        "update settlement_agreements set valid_to = '2026-03-01' where plan_id = 'SHARE800';"
        " update settlement_agreements set valid_to = '2026-05-01' where plan_id = '*'",
        "settlement_agreements plan SHARE800: no agreement is valid on 2026-05-01",
    ),
    Mutation(
        "agreements_without_carriers",
        "delete from settlement_terms where agreement_id = 'SHARE800-2020'",
        "settlement_agreements SHARE800-2020: no carrier has terms in it",
    ),
    Mutation(
        "agreements_without_carriers",
        "update settlement_agreements set valid_to = '2026-03-01' where plan_id = 'WIRELINE_LD';"
        " delete from settlement_terms where agreement_id = 'STANDARD-2020'"
        " and carrier_id = 'wireline'",
        "settlement_agreements STANDARD-2020: no carrier of plan WIRELINE_LD has terms in it",
    ),
    Mutation(
        "missing_values",
        "insert into exception_waivers values"
        " ('W1', 'mismatched', 'A1', null, null, null, '2026-03-01')",
        "exception_waivers W1: reason is empty",
    ),
    Mutation(
        "unknown_words",
        "insert into exception_waivers values"
        " ('W1', 'mismatch', 'A1', null, null, 'agreed', '2026-03-01')",
        "exception_waivers W1: exception_type 'mismatch' is none of counterpart_failed, mismatched,"
        " missing_counterpart, unknown_plan, unknown_account, plan_mismatch, over_resale",
    ),
    Mutation(
        "unknown_references",
        "insert into exception_waivers values"
        " ('W1', 'mismatched', 'A1', 'nobody', null, 'agreed', '2026-03-01')",
        "exception_waivers W1: carrier_id 'nobody' is not in carriers",
    ),
    Mutation(
        "repeated_keys",
        "insert into exception_waivers select 'W1', 'mismatched', 'A1', null, null, 'agreed',"
        " date '2026-03-01' from generate_series(1, 2)",
        "exception_waivers W1: 2 rows have the same waiver_id",
    ),
    Mutation(
        "partial_percents",
        "update settlement_terms set remainder_percent = 30 where agreement_id = 'SHARE800-2020'"
        " and carrier_id = 'wireless'",
        "settlement_terms SHARE800-2020:"
        " remainder_percent is given for wireless, but not for wireline",
    ),
    Mutation(
        "wrong_percents",
        "update settlement_terms set remainder_percent = 36 where remainder_percent = 35",
        "settlement_terms SHARE_DATA-2020: its remainder_percent sum to 101, not to 100",
    ),
    Mutation(
        "missing_journal_accounts",
        "delete from journal_accounts where journal_account = 'breakage_revenue'",
        "journal_accounts breakage_revenue: the row is missing",
    ),
    Mutation(
        "plans_in_use",
        f"{OLD_PLAN}; insert into issued.plan_segments values"
        " ('A1', '2026-01-01', 'OLD', '2026-01-01', '2026-02-01', '{wireless}', 1)",
        "plans OLD: the row is missing, but account A1 was billed by it",
    ),
    Mutation(
        "pools_in_use",
        OLD_POOL + CLOSED,
        "plan_pools pool nights: no plan has it counted in minute,"
        " but account A1 holds units of it",
    ),
    Mutation(
        "pools_in_use",
        OLD_POOL.replace("nights", "messages") + CLOSED,
        "plan_pools pool messages: no plan has it counted in minute,"
        " but account A1 holds units of it",
    ),
    Mutation(
        "carriers_in_use",
        "insert into raw.loads values"
        " (1, 'orders', 'satellite', null, 'orders.csv', '', 1, 3, 2, 1, 0, null, now(), 'me')",
        "carriers satellite: the row is missing, but loads have brought 2 records of it",
    ),
)

# What looks odd and is allowed.
LEGAL = {
    "a plan that was billed to nobody is gone": OLD_PLAN,
    "a pool is gone, and its last units went with a later close": (
        OLD_POOL + CLOSED.replace("2026-02", "2026-03")
    ),
    "a completed order for a plan that never was there": (
        "insert into raw.orders values (1, 1, 'wireless', 'o1', 'A1', 'subscribe', 'NONE', null,"
        " now(), '2026-01-01', 'completed', now(), null)"
    ),
    "two rate periods of one priority that have nothing in common": (
        "insert into rate_periods values ('noon', 3, '12:00', '13:00');"
        " insert into no_charge_rules values"
        " ('SHARE800', 'noon', 'rate_period', 'any', 'noon', 'wireless', 'voice', 0, null, 20)"
    ),
    "a tariff that follows another on the day it ends": (
        "update tariffs set valid_to = '2026-03-01' where tariff_id = 'VIDEO';"
        " insert into tariffs select tariff_id, destination_prefix, description, 0, 1, unit_type,"
        " 0, 1, '2026-03-01', null from tariffs where tariff_id = 'VIDEO'"
    ),
    "a general agreement that takes over when a plan's own ends": (
        "update settlement_agreements set valid_to = '2026-03-01' where plan_id = 'SHARE800'"
    ),
    "terms of a carrier that the plan does not have": (
        "insert into settlement_terms values ('SHARE800-2020', 'internet', 1, null)"
    ),
    "a row that another one always goes before": (
        "insert into plan_services values ('SHARE800', 'wireless', 'sms', 'local', '*', 'pool',"
        " 'anytime', null, 0, 1, 0.9, 900)"
    ),
}


@pytest.fixture(scope="module")
def connection(
    databases: Databases, prepared: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Connection]:
    """A database with the shipped catalog; what a test changes is rolled back."""
    folder = tmp_path_factory.mktemp("faults")
    with (
        databases.warehouse(folder, template=prepared) as warehouse,
        psycopg.connect(warehouse.url) as session,
    ):
        session.execute("set search_path to catalog")
        session.commit()
        yield session


@pytest.fixture(autouse=True)
def _roll_back(connection: Connection) -> Iterator[None]:
    yield
    connection.rollback()


def load(connection: Connection, seeds: Seeds) -> None:
    for name, rows in seeds.items():
        if not rows:
            continue
        columns = ", ".join(rows[0])
        places = ", ".join(["%s"] * len(rows[0]))
        connection.execute(f"truncate {name}".encode())
        with connection.cursor() as cursor:
            cursor.executemany(
                f"insert into {name} ({columns}) values ({places})".encode(),
                [[value or None for value in row.values()] for row in rows],
            )


def test_shipped_catalog_has_no_faults(connection: Connection) -> None:
    assert catalog.faults(connection) == []


def test_hostile_catalog_has_no_faults(connection: Connection) -> None:
    load(connection, hostile_catalog(PROJECT / "seeds"))
    assert catalog.faults(connection) == []


def test_an_empty_catalog_has_faults_and_no_error(connection: Connection) -> None:
    for name in read_seeds(PROJECT / "seeds"):
        connection.execute(f"truncate {name}".encode())
    rules = {fault.rule for fault in catalog.faults(connection)}
    assert rules == {
        "not_one_biller",
        "wrong_unit_types",
        "wrong_services",
        "missing_journal_accounts",
    }


@pytest.mark.parametrize(
    "mutation", MUTATIONS, ids=[f"{m.rule}-{place}" for place, m in enumerate(MUTATIONS)]
)
def test_a_fault_is_found_and_named(connection: Connection, mutation: Mutation) -> None:
    connection.execute(mutation.statements.encode())
    found = catalog.faults(connection)
    assert mutation.says in [str(fault) for fault in found]
    assert {fault.rule for fault in found} == {mutation.rule, *mutation.also}


@pytest.mark.parametrize("case", LEGAL)
def test_what_is_allowed_is_no_fault(connection: Connection, case: str) -> None:
    connection.execute(LEGAL[case].encode())
    assert [str(fault) for fault in catalog.faults(connection)] == []


def test_every_value_can_be_missing_without_an_error(connection: Connection) -> None:
    """Rules are for whole catalogs, but must not stumble over what another rule reports."""
    for name, rows in read_seeds(PROJECT / "seeds").items():
        for column in rows[0] if rows else ():
            with connection.transaction(force_rollback=True):
                connection.execute(f"update {name} set {column} = null".encode())
                catalog.faults(connection)


def test_every_rule_has_a_mutation_and_is_looked_at() -> None:
    listed = (PROJECT / "models" / "catalog" / "catalog_faults.sql").read_text()
    assert {mutation.rule for mutation in MUTATIONS} == RULES
    assert all(f"'{rule}'" in listed for rule in RULES)


def test_every_seed_with_a_history_has_a_snapshot() -> None:
    snapshots = {path.name for path in Path(PROJECT / "snapshots").glob("*.sql")}
    assert snapshots == {f"{name}_history.sql" for name in catalog.WITH_HISTORY}
