"""For each gate and invariant, damage that it must find: what a bug or a hand in it would do."""

from __future__ import annotations

# test -> (what is damaged -> statements); each statement must change at least one row
MUTATIONS: dict[str, dict[str, tuple[str, ...]]] = {}


def _damage(test: str, what: str, *statements: str) -> None:
    MUTATIONS.setdefault(test, {})[what] = statements


def _one(table: str, condition: str = "true") -> str:
    """A condition that picks one row of a table."""
    return f"ctid = (select ctid from {table} where {condition} order by ctid limit 1)"


def _update(table: str, change: str, condition: str = "true") -> str:
    return f"update {table} set {change} where {_one(table, condition)}"


def _delete(table: str, condition: str = "true") -> str:
    return f"delete from {table} where {_one(table, condition)}"


def _drop(table: str, constraint: str) -> str:
    return f"alter table {table} drop constraint {constraint}"


ROWS_OF_LOADS = _drop("raw.loads", "loads_account_for_every_row")
SUM_OF_SECTIONS = _drop("issued.bills", "bills_total_of_sections")
SUMS_OF_CLOSE = _drop("issued.money_totals", "close_balances")
USED_POOL = "is_closing and plan_used_quantity > 60"
POOL_TERMS = "terms_id in (select terms_id from catalog.int_usage_terms where treatment = 'pool')"
FREE_TERMS = "terms_id in (select terms_id from catalog.int_usage_terms where treatment = 'free')"
DRAWN_NOW = "used_quantity > 60 and not is_after_close"
LAST_CYCLE = (
    "not is_after_close and cycle_end ="
    " (select max(cycle_end) from rollover.int_bucket_cycles where not is_after_close)"
)
OF_DRAWN = f"bucket_id in (select bucket_id from rollover.int_bucket_cycles where {DRAWN_NOW})"
PLAN_USE = "plan_quantity > 60 and rollover_quantity = 0 and overage_quantity = 0"

# gates: control

_damage(
    "assert_load_control_balances",
    "a row of a file is gone",
    ROWS_OF_LOADS,
    _update("raw.loads", "accepted = accepted - 1"),
)
for column in (
    "bill_amount",
    "line_amount",
    "settlement_amount",
    "tax_amount",
    "receivable_amount",
):
    _damage(
        "assert_money_control_balances",
        f"a cent in {column}",
        SUMS_OF_CLOSE,
        _update("issued.money_totals", f"{column} = {column} + 0.01"),
    )
_damage(
    "assert_usage_control_balances", "an unbilled record is gone", _delete("rating.int_usage_open")
)
_damage(
    "assert_usage_control_balances",
    "a suspended record is gone",
    _delete("rating.int_usage_suspended"),
)
_damage("assert_usage_control_balances", "a void is gone", _delete("rating.int_usage_voids"))
_damage(
    "assert_usage_control_balances",
    "a billed record is counted twice",
    _update("issued.usage_totals", "records = records + 1"),
)
_damage(
    "assert_usage_control_balances",
    "a record more was accepted",
    ROWS_OF_LOADS,
    _update("raw.loads", "accepted = accepted + 1", "feed = 'cdrs'"),
)
_damage(
    "assert_usage_control_balances",
    "terms of unbilled records are gone",
    _delete("catalog.int_usage_terms", "terms_id in (select terms_id from rating.int_usage_open)"),
)
_damage(
    "assert_usage_control_balances",
    "the cycle of unbilled records is gone",
    _delete(
        "billing.int_open_cycles",
        "(account_id, cycle_start) in (select account_id, cycle_start from rating.int_usage_open)",
    ),
)

# gates: what a close is about to issue

LINES, BILLS = "billing.int_closing_bill_lines", "billing.int_closing_bills"
SUMS = "billing.int_closing_usage_by_terms"
SHARES, ENTRIES = "settlement.int_closing_settlement_lines", "accounting.int_closing_journal"
_damage(
    "assert_closing_bills_equal_lines",
    "a cent on a bill",
    _update(BILLS, "total_amount = total_amount + 0.01"),
)
_damage(
    "assert_closing_bills_equal_lines", "a cent on a line", _update(LINES, "amount = amount + 0.01")
)
_damage(
    "assert_closing_bills_equal_lines",
    "a cent in another section",
    _update(BILLS, "usage_amount = usage_amount + 0.01, tax_amount = tax_amount - 0.01"),
)
_damage("assert_closing_bills_equal_lines", "lines without bill", _delete(BILLS))
_damage(
    "assert_closing_bills_equal_lines",
    "bill without lines",
    f"delete from {LINES} where bill_id = (select min(bill_id) from {LINES})",
)
_damage(
    "assert_closing_bills_equal_lines", "a line of nothing is gone", _delete(LINES, "amount = 0")
)
_damage(
    "assert_closing_settlement_is_revenue",
    "a cent in a share",
    _update(SHARES, "total_amount = total_amount + 0.01"),
)
_damage(
    "assert_closing_settlement_is_revenue",
    "parts that are not the share",
    _update(SHARES, "usage_amount = usage_amount + 0.01"),
)
_damage(
    "assert_closing_settlement_is_revenue",
    "bill without shares",
    f"delete from {SHARES} where bill_id = (select min(bill_id) from {SHARES})",
)
_damage(
    "assert_closing_settlement_is_revenue",
    "shares without bill",
    f"delete from {LINES} where bill_id = (select min(bill_id) from {LINES})",
)
_damage(
    "assert_closing_journal_equals_bills",
    "a cent in an entry",
    _update(ENTRIES, "amount = amount + 0.01"),
)
_damage("assert_closing_journal_equals_bills", "an entry is gone", _delete(ENTRIES))
_damage(
    "assert_closing_journal_equals_bills",
    "tax taken for revenue",
    _update(ENTRIES, "credit_account = 'usage_revenue'", "credit_account = 'tax_payable'"),
)
_damage(
    "assert_closing_journal_equals_bills",
    "an entry to the account that it comes from",
    _update(ENTRIES, "debit_account = credit_account"),
)
_damage(
    "assert_closing_usage_is_on_bills",
    "free usage that is paid by nobody",
    _update(SUMS, "no_charge_quantity = 0", f"no_charge_quantity > 0 and {POOL_TERMS}"),
)
_damage(
    "assert_closing_usage_is_on_bills",
    "a record whose units do not add up",
    _update(SUMS, "unconserved_records = 1"),
)
_damage(
    "assert_closing_usage_is_on_bills",
    "charges that are on no line",
    _update(SUMS, "charge_amount = charge_amount + 0.01"),
)
_damage(
    "assert_closing_usage_is_on_bills",
    "usage of the plan taken for usage of rollover units",
    _update(
        SUMS,
        "plan_quantity = plan_quantity - 60, rollover_quantity = rollover_quantity + 60",
        "plan_quantity > 60",
    ),
)
_damage(
    "assert_closing_usage_is_on_bills",
    "all records of some terms are gone",
    _delete(SUMS, "billable_quantity > 0"),
)
_damage(
    "assert_closing_usage_is_on_bills",
    "a record drops out of the cycle's bill",
    _delete(
        "rating.int_usage_open",
        "billable_quantity > 0 and (account_id, cycle_start) in (select account_id,"
        " cycle_start from billing.int_open_cycles where is_closing)",
    ),
)
_damage(
    "assert_closing_usage_is_on_bills",
    "a cent on a usage line",
    _update(LINES, "amount = amount + 0.01", "section = 'usage'"),
)
_damage(
    "assert_closing_usage_is_on_bills",
    "units on a usage line",
    _update(LINES, "quantity_units = quantity_units + 1", "section = 'usage'"),
)
_damage(
    "assert_closing_usage_is_on_bills",
    "a cent on a reversal",
    _update(LINES, "amount = amount + 0.01", "section = 'one_time' and carrier_id is not null"),
)
_damage(
    "assert_closing_usage_is_on_bills",
    "a line of a service that nobody used",
    _update(LINES, "service = 'video'", "section = 'usage' and service = 'voice'"),
)
_damage(
    "assert_closing_usage_is_on_bills",
    "a pool gives more than is taken",
    _update("rollover.int_pool_cycles", "plan_used_quantity = plan_used_quantity + 60", USED_POOL),
)
_damage(
    "assert_closing_buckets_conserved",
    "a bucket loses a minute",
    _update(
        "rollover.int_bucket_cycles",
        "remaining_quantity = remaining_quantity - 60",
        "is_closing and remaining_quantity > 60",
    ),
)
_damage(
    "assert_closing_buckets_conserved",
    "a bucket opens with more than was left",
    _update(
        "rollover.int_bucket_cycles",
        "opening_quantity = opening_quantity + 60, used_quantity = used_quantity + 60",
        "is_closing and opening_quantity > 0",
    ),
)
_damage(
    "assert_closing_buckets_conserved",
    "a bucket of the last close is forgotten",
    _delete(
        "rollover.int_bucket_cycles",
        "is_closing and opening_quantity > 0 and bucket_id in (select bucket_id from"
        " rollover.int_buckets_carried)",
    ),
)
_damage(
    "assert_closing_buckets_conserved",
    "a pool that is not the sum of its buckets",
    _update(
        "rollover.int_pool_cycles",
        "closing_quantity = closing_quantity + 60",
        "is_closing and has_rollover",
    ),
)
_damage(
    "assert_closing_buckets_conserved",
    "a pool that earns more than was unused",
    _update(
        "rollover.int_pool_cycles",
        "capped_quantity = capped_quantity + 60",
        "is_closing and has_rollover",
    ),
)

# invariants: nothing is lost

_damage(
    "assert_loads_account_for_every_row",
    "the counts of a load",
    ROWS_OF_LOADS,
    _update("raw.loads", "duplicate = duplicate + 1"),
)
for table in ("cdrs", "accounts", "subscribers", "subscriber_changes", "orders"):
    _damage(
        "assert_loads_account_for_every_row",
        f"a stored row of {table} is gone",
        _delete(f"raw.{table}"),
    )
_damage("assert_loads_account_for_every_row", "a refused row is gone", _delete("raw.rejects"))
_damage(
    "assert_loads_account_for_every_row",
    "a refused row without a reason",
    _update("raw.rejects", "reason = ''"),
)
_damage(
    "assert_loads_account_for_every_row",
    "rows of a load that nobody knows",
    _update("raw.cdrs", "load_id = 999999"),
)
_damage(
    "assert_records_have_one_outcome",
    "an unbilled record is gone",
    _delete("rating.int_usage_open"),
)
_damage(
    "assert_records_have_one_outcome",
    "a billed record is gone",
    _delete("issued.rated_usage", "not is_reversal"),
)
_damage(
    "assert_records_have_one_outcome",
    "a record that waits and is billed",
    "insert into rating.int_usage_suspended (carrier_id, cdr_id, reason, quantity, load_id,"
    " started_at) select carrier_id, cdr_id, 'no_plan', quantity, load_id, started_at"
    " from issued.rated_usage where not is_reversal limit 1",
)
_damage("assert_records_have_one_outcome", "a void is gone", _delete("rating.int_usage_voids"))
_damage(
    "assert_records_have_one_outcome",
    "a rated record that nobody sent",
    _delete("raw.cdrs", "action = 'new'"),
)
_damage(
    "assert_outcomes_agree_with_control",
    "a cent in the control",
    _update("issued.usage_totals", "charge_amount = charge_amount + 0.01"),
)
_damage(
    "assert_outcomes_agree_with_control",
    "a record more in the control",
    _update("issued.usage_totals", "records = records + 1"),
)
_damage("assert_outcomes_agree_with_control", "a record less that was sent", _delete("raw.cdrs"))
_damage(
    "assert_outcomes_agree_with_control",
    "a billed record is gone",
    _delete("issued.rated_usage", "not is_reversal"),
)

# invariants: units are conserved

_damage(
    "assert_usage_quantities_conserved",
    "a minute too many from the plan",
    _update("issued.rated_usage", "plan_quantity = plan_quantity + 60", POOL_TERMS),
)
_damage(
    "assert_usage_quantities_conserved",
    "less than nothing from the plan",
    _update(
        "issued.rated_usage",
        "plan_quantity = plan_quantity - 6000000, overage_quantity = overage_quantity + 6000000",
        POOL_TERMS,
    ),
)
_damage(
    "assert_funding_equals_usage",
    "rollover from no bucket",
    _update(
        "issued.rated_usage", "plan_quantity = plan_quantity - 60, rollover_quantity = 60", PLAN_USE
    ),
)
_damage(
    "assert_funding_equals_usage",
    "a bucket that pays less than the record says",
    _update("rollover.int_bucket_cycles", "range_to = range_from + used_quantity - 1", DRAWN_NOW),
)
_damage(
    "assert_buckets_conserved",
    "a bucket gives more than was earned",
    _update(
        "rollover.int_bucket_cycles",
        "used_quantity = used_quantity + 60",
        "not is_after_close and opening_quantity > 0",
    ),
)
_damage(
    "assert_buckets_conserved",
    "a bucket with less than nothing",
    _update(
        "rollover.int_bucket_cycles",
        "debited_quantity = debited_quantity + 6000000,"
        " remaining_quantity = remaining_quantity - 6000000",
        f"opening_quantity > 0 and {LAST_CYCLE}",
    ),
)
_damage(
    "assert_buckets_are_drawn_by_usage",
    "a minute used by no call",
    _update(
        "rollover.int_bucket_cycles",
        "used_quantity = used_quantity + 60, remaining_quantity = remaining_quantity - 60",
        "not is_after_close and remaining_quantity > 60",
    ),
)
_damage(
    "assert_buckets_are_drawn_by_usage",
    "a bucket of another pool",
    _update("rollover.int_bucket_cycles", "used_quantity = 0", DRAWN_NOW),
)
_damage(
    "assert_buckets_drawn_in_their_life",
    "drawn after it expired",
    f"update rollover.int_bucket_cycles set expires_on = available_from where {OF_DRAWN}",
)
_damage(
    "assert_buckets_drawn_in_their_life",
    "drawn before it was there",
    f"update rollover.int_bucket_cycles set available_from = expires_on where {OF_DRAWN}",
)
_damage(
    "assert_plan_use_within_allowance",
    "a plan that gives more than it has",
    _update(
        "issued.pool_cycles",
        "allowance_quantity = plan_used_quantity - 1",
        "plan_used_quantity > 0",
    ),
)
_damage(
    "assert_plan_use_within_allowance",
    "a pool that counts other units than its records",
    _update(
        "issued.pool_cycles",
        "plan_used_quantity = plan_used_quantity + 1",
        "plan_used_quantity > 0",
    ),
)
_damage(
    "assert_plan_use_within_allowance",
    "overage while the plan has units",
    _update(
        "issued.pool_cycles", "allowance_quantity = allowance_quantity + 60", "overage_quantity > 0"
    ),
)
_damage(
    "assert_plan_use_within_allowance",
    "records of a pool that has no cycle",
    _delete("issued.pool_cycles", "plan_used_quantity > 0"),
)
_damage(
    "assert_matrix_is_a_chain",
    "a cycle that does not go on from the one before",
    _update(
        "rollover.int_pool_cycles",
        "opening_quantity = opening_quantity + 60, closing_quantity = closing_quantity + 60",
        "not is_after_close and has_rollover",
    ),
)
_damage(
    "assert_matrix_is_a_chain",
    "units that expire out of nothing",
    _update("issued.pool_cycles", "expired_quantity = expired_quantity + 60", "has_rollover"),
)
_damage(
    "assert_matrix_is_a_chain",
    "a balance that is in no bucket",
    _update(
        "rollover.int_bucket_cycles",
        "remaining_quantity = remaining_quantity - 60",
        f"remaining_quantity > 60 and {LAST_CYCLE}",
    ),
)

# invariants: money is conserved

_damage(
    "assert_bills_equal_lines",
    "a cent on a bill",
    SUM_OF_SECTIONS,
    _update("issued.bills", "total_amount = total_amount + 0.01"),
)
_damage(
    "assert_bills_equal_lines",
    "a cent in another section",
    _update(
        "issued.bills", "plan_fee_amount = plan_fee_amount + 0.01, tax_amount = tax_amount - 0.01"
    ),
)
_damage(
    "assert_bills_equal_lines",
    "a cent on a line",
    _update("issued.bill_lines", "amount = amount + 0.01"),
)
_damage(
    "assert_bills_equal_lines",
    "a line of nothing is gone",
    _delete("issued.bill_lines", "amount = 0"),
)
_damage("assert_bills_equal_lines", "lines without bill", _delete("issued.bills"))
_damage(
    "assert_bills_equal_lines",
    "bill without lines",
    "delete from issued.bill_lines where bill_id = (select min(bill_id) from issued.bill_lines)",
)
_damage(
    "assert_usage_lines_equal_records",
    "a cent on a usage line",
    _update("issued.bill_lines", "amount = amount + 0.01", "section = 'usage'"),
)
_damage(
    "assert_usage_lines_equal_records",
    "units on a usage line",
    _update("issued.bill_lines", "quantity_units = quantity_units + 1", "section = 'usage'"),
)
_damage(
    "assert_usage_lines_equal_records",
    "a usage line is gone",
    _delete("issued.bill_lines", "section = 'usage'"),
)
_damage(
    "assert_usage_lines_equal_records",
    "a billed record is gone",
    _delete("issued.rated_usage", "billable_quantity > 0"),
)
_damage(
    "assert_settlement_is_revenue",
    "a cent in a share",
    _update("issued.settlement_lines", "total_amount = total_amount + 0.01"),
)
_damage(
    "assert_settlement_is_revenue",
    "parts that are not the share",
    _update("issued.settlement_lines", "fixed_amount = fixed_amount + 0.01"),
)
_damage(
    "assert_settlement_is_revenue",
    "bill without shares",
    "delete from issued.settlement_lines"
    " where bill_id = (select min(bill_id) from issued.settlement_lines)",
)
_damage(
    "assert_settlement_is_revenue",
    "shares without bill",
    "delete from issued.bill_lines where bill_id = (select min(bill_id) from issued.bills)",
    "delete from issued.bills where bill_id = (select min(bill_id) from issued.bills)",
)
_damage(
    "assert_settlement_is_revenue",
    "a bill that settles less than its lines",
    _update("issued.bill_lines", "amount = amount + 0.01", "section = 'plan_fee'"),
)
STATEMENTS = "issued.settlement_statements"
for column in ("bills", "fixed_amount", "remainder_amount", "usage_amount", "total_amount"):
    _damage(
        "assert_statements_equal_settlement",
        f"{column} of a statement",
        _update(STATEMENTS, f"{column} = {column} + 1"),
    )
_damage(
    "assert_statements_equal_settlement",
    "a carrier is paid too much",
    _update(
        STATEMENTS,
        "net_payable_amount = net_payable_amount + 0.01",
        "carrier_id is distinct from collected_by",
    ),
)
_damage(
    "assert_statements_equal_settlement",
    "the biller pays itself",
    _update(STATEMENTS, "net_payable_amount = total_amount", "carrier_id = collected_by"),
)
_damage("assert_statements_equal_settlement", "a statement is gone", _delete(STATEMENTS))
_damage(
    "assert_taxes_stay_with_biller",
    "tax paid to a carrier",
    _update(
        STATEMENTS,
        "net_payable_amount = net_payable_amount + 1",
        "carrier_id is distinct from collected_by",
    ),
)
_damage(
    "assert_taxes_stay_with_biller",
    "a tax line of a carrier",
    _update("issued.bill_lines", "carrier_id = 'wireless'", "section = 'tax'"),
)
_damage(
    "assert_taxes_stay_with_biller",
    "a tax line is gone",
    _delete("issued.bill_lines", "section = 'tax' and amount > 0"),
)
_damage(
    "assert_taxes_stay_with_biller",
    "a carrier collects what the biller billed",
    f"update {STATEMENTS} set collected_by = 'wireless'",
)
_damage(
    "assert_journal_equals_bills",
    "a cent in an entry",
    _update("issued.journal", "amount = amount + 0.01"),
)
_damage("assert_journal_equals_bills", "an entry is gone", _delete("issued.journal"))
_damage(
    "assert_journal_equals_bills",
    "tax taken for revenue",
    _update("issued.journal", "credit_account = 'plan_revenue'", "credit_account = 'tax_payable'"),
)
_damage(
    "assert_journal_equals_bills",
    "an account that the catalog does not have",
    _update("issued.journal", "debit_account = 'cash'"),
)
_damage(
    "assert_journal_equals_bills",
    "an entry to the account that it comes from",
    _update("issued.journal", "credit_account = debit_account"),
)
_damage(
    "assert_journal_equals_bills",
    "entries of a bill that was not issued",
    "update issued.journal set bill_id = 'X-20250701'"
    " where bill_id = (select min(bill_id) from issued.journal)",
)

# invariants: closed is closed

_damage(
    "assert_closed_cycles_hold_nothing_open",
    "a bill of an open cycle",
    _update(
        "issued.account_frontiers",
        "closed_through = closed_through - 40",
        "account_id in (select account_id from issued.bills)",
    ),
)
_damage(
    "assert_closed_cycles_hold_nothing_open",
    "billed records of an account never closed",
    _delete("issued.account_frontiers", "account_id in (select account_id from issued.bills)"),
)
CYCLES, OPEN_CYCLES = "issued.cycles", "billing.int_open_cycles"
GOES_ON = "account_id in (select account_id from issued.cycles)"
_damage(
    "assert_cycles_follow_each_other",
    "a closed cycle that reaches into the next",
    _update(CYCLES, "cycle_end = cycle_end + 1"),
)
_damage(
    "assert_cycles_follow_each_other",
    "a closed cycle without an end",
    _update(CYCLES, "cycle_end = cycle_start"),
)
_damage(
    "assert_cycles_follow_each_other",
    "an hour in two cycles",
    _update(
        CYCLES,
        "cycle_end_at = cycle_end_at + interval '1 hour'",
        f"account_id in (select account_id from {OPEN_CYCLES})",
    ),
)
_damage(
    "assert_cycles_follow_each_other",
    "an hour in no cycle",
    _update(
        CYCLES,
        "cycle_end_at = cycle_end_at - interval '1 hour'",
        f"(account_id, cycle_end) in (select account_id, cycle_start from {OPEN_CYCLES})",
    ),
)
_damage(
    "assert_cycles_follow_each_other",
    "a cycle with a plan that is missing",
    _delete(
        OPEN_CYCLES,
        f"is_first_open and {GOES_ON} and (account_id, cycle_start) in"
        " (select account_id, cycle_start from billing.int_cycle_plan_segments)",
    ),
)
_damage("assert_closed_cycles_are_billed", "a closed cycle without bill", _delete("issued.bills"))
_damage(
    "assert_closed_cycles_are_billed",
    "a bill of another cycle",
    _update("issued.bills", "cycle_start = cycle_start + 1"),
)
_damage(
    "assert_closed_cycles_are_billed",
    "a bill with another end",
    _update("issued.bills", "cycle_end = cycle_end + 1"),
)
_damage(
    "assert_closed_cycles_are_billed",
    "a bill whose cycle is gone",
    _delete(
        CYCLES, "(account_id, cycle_start) in (select account_id, cycle_start from issued.bills)"
    ),
)
_damage(
    "assert_closed_cycles_are_billed",
    "a bill under another number",
    _update("issued.bills", "bill_id = bill_id || '0'"),
)
_damage(
    "assert_records_are_in_their_cycle",
    "a billed record marked late that was not",
    _update("issued.rated_usage", "is_late = not is_late", "not is_reversal"),
)
_damage(
    "assert_records_are_in_their_cycle",
    "a record billed before it was made",
    _update(
        "issued.rated_usage", "started_at = started_at + interval '40 days'", "not is_reversal"
    ),
)
_damage(
    "assert_records_are_in_their_cycle",
    "a late record that is not marked",
    _update("rating.int_usage_open", "is_late = false", "is_late"),
)
_damage(
    "assert_records_are_in_their_cycle",
    "a billed record in no cycle",
    _delete(
        CYCLES,
        "(account_id, cycle_start) in (select account_id, cycle_start from issued.rated_usage)",
    ),
)
ISSUED = "assert_issued_equals_its_totals"
for table, column in (
    ("bill_lines", "amount"),
    ("settlement_lines", "total_amount"),
    ("journal", "amount"),
    ("rated_usage", "charge_amount"),
):
    _damage(
        ISSUED, f"{column} in {table}", _update(f"issued.{table}", f"{column} = {column} + 0.01")
    )
for table in ("bills", "bill_lines", "settlement_lines", "journal", "rated_usage", "cycles"):
    of_something = {
        "bill_lines": "amount > 0",
        "settlement_lines": "total_amount > 0",
    }.get(table, "true")
    _damage(ISSUED, f"a row of {table} is gone", _delete(f"issued.{table}", of_something))
_damage(
    ISSUED,
    "a bill is changed",
    SUM_OF_SECTIONS,
    _update("issued.bills", "total_amount = total_amount + 0.01"),
)
_damage(ISSUED, "the sums of a close are gone", _delete("issued.money_totals"))
