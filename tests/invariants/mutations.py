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
BUCKETS, POOLS = "rollover.int_bucket_cycles", "rollover.int_pool_cycles"
ADJUSTED = "rollover.int_adjustments_folded"
OF_BUCKET = "bucket_id is not null"
REPORTED = (
    "(account_id, cycle_start) in (select account_id, cycle_start from issued.cycles"
    " where not is_billed)"
)
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
    "assert_closing_usage_is_on_bills",
    "a pool that draws what no record took",
    _update(
        POOLS,
        "rollover_used_quantity = rollover_used_quantity + 60",
        "is_closing and account_id in (select account_id from billing.int_open_cycles"
        " where is_billing)",
    ),
)
_damage(
    "assert_closing_usage_is_on_bills",
    "a cycle of another system's taken for ours",
    "update billing.int_open_cycles set is_billing = true where is_closing and not is_billing",
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

# one more and one less of the same bucket, so that its own row still adds up
for what, change, condition in (
    (
        "a bucket gets more than its adjustment gave",
        "given_quantity = given_quantity + 60, earned_quantity = earned_quantity + 60,"
        " remaining_quantity = remaining_quantity + 60",
        "given_quantity > 0",
    ),
    (
        "a debit takes more than was asked for",
        "debited_quantity = debited_quantity + 60, remaining_quantity = remaining_quantity - 60",
        "debited_quantity > 0 and remaining_quantity > 60",
    ),
    (
        "a bucket of a replaced system is forgotten",
        "is_taken_over = false",
        "is_taken_over",
    ),
    (
        "a bucket gives more than was earned in it",
        "earned_quantity = earned_quantity - 60",
        "accumulated_quantity > 60",
    ),
):
    _damage(
        "assert_closing_buckets_conserved",
        what,
        _update(BUCKETS, change, f"is_closing and {condition}"),
    )
_damage(
    "assert_closing_buckets_conserved",
    "a balance is adjusted by nobody",
    _update(POOLS, "adjusted_quantity = adjusted_quantity + 60", "is_closing and has_rollover"),
)
_damage(
    "assert_closing_buckets_conserved",
    "a credit that no bucket got",
    _update(
        ADJUSTED,
        "applied_quantity = applied_quantity + 60",
        "is_closing and action = 'credit' and applied_quantity > 0",
    ),
)
_damage(
    "assert_closing_buckets_conserved",
    "a debit is forgotten",
    _delete(ADJUSTED, "is_closing and action = 'debit' and applied_quantity > 0"),
)
ONE_TIME = "section = 'one_time' and carrier_id is null"
ON_BILLS = "assert_closing_adjustments_are_on_bills"
_damage(ON_BILLS, "a resale on no line", _delete(LINES, ONE_TIME))
_damage(ON_BILLS, "a cent on its line", _update(LINES, "amount = amount + 0.01", ONE_TIME))
_damage(
    ON_BILLS, "units on its line", _update(LINES, "quantity_units = quantity_units + 1", ONE_TIME)
)
_damage(
    ON_BILLS,
    "an extension is billed twice",
    f"insert into {LINES} select * from {LINES} where {_one(LINES, ONE_TIME)}",
)
_damage(
    ON_BILLS,
    "a line of nobody's wish",
    _delete(ADJUSTED, "is_billing and amount is not null"),
)
_damage(
    ON_BILLS,
    "a resale for nothing",
    _update(ADJUSTED, "amount = null", "is_closing and not is_billing and amount is not null"),
)
_damage(
    ON_BILLS,
    "units sold that cost others",
    _update(
        ADJUSTED,
        "charged_quantity = charged_quantity - 60, applied_quantity = applied_quantity - 120",
        "is_closing and action = 'resale' and applied_quantity > 120",
    ),
)
_damage(
    ON_BILLS,
    "units sold again that had been sold before",
    f"update issued.adjustments set applied_quantity = applied_quantity + 60"
    f" where action = 'resale' and (account_id, bucket_id) in (select account_id, bucket_id"
    f" from {ADJUSTED} where is_closing and action = 'resale')",
)
DEFERRALS = "assert_closing_deferrals_conserved"
for event in ("opening", "defer", "recognise", "breakage"):
    _damage(
        DEFERRALS,
        f"a cent in an entry of {event}",
        _update(ENTRIES, "amount = amount + 0.01", f"{OF_BUCKET} and event = '{event}'"),
    )
    _damage(
        DEFERRALS,
        f"an entry of {event} is gone",
        _delete(ENTRIES, f"{OF_BUCKET} and event = '{event}'"),
    )
_damage(
    DEFERRALS,
    "use taken for breakage",
    _update(
        ENTRIES,
        "event = 'breakage', credit_account = 'breakage_revenue'",
        "event = 'recognise' and amount > 0.05",
    ),
)
_damage(
    DEFERRALS,
    "breakage taken for use",
    _update(
        ENTRIES,
        "event = 'recognise', credit_account = 'rollover_revenue'",
        "event = 'breakage' and amount > 0.05",
    ),
)
_damage(
    DEFERRALS,
    "a bucket earned before is earned again",
    f"update {ENTRIES} set amount = amount * 2 where event = 'recognise'",
)
_damage(
    DEFERRALS,
    "what an earlier close deferred is gone",
    "delete from issued.journal where event in ('defer', 'opening') and bucket_id in"
    f" (select bucket_id from {BUCKETS} where is_closing)",
)
_damage(
    DEFERRALS,
    "a bucket that is deferred and not posted",
    _update(
        BUCKETS, "deferred_amount = deferred_amount + 1", "is_closing and remaining_quantity > 0"
    ),
)

# invariants: nothing is lost

_damage(
    "assert_loads_account_for_every_row",
    "the counts of a load",
    ROWS_OF_LOADS,
    _update("raw.loads", "duplicate = duplicate + 1"),
)
for table in (
    *("cdrs", "accounts", "subscribers", "subscriber_changes", "orders"),
    *("rollover_opening", "rollover_adjustments", "rollover_results"),
):
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
    "assert_adjustment_reasons_are_known",
    "an adjustment for a reason that the catalog does not have",
    _update("raw.rollover_adjustments", "reason_code = 'because'"),
)
_damage(
    "assert_adjustment_reasons_are_known",
    "a reason is taken from the catalog",
    "delete from catalog.adjustment_reasons where reason_code = 'error_correction'",
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
_damage(
    "assert_matrix_is_a_chain",
    "units taken over that were never said to be",
    _update(POOLS, "taken_over_quantity = 0", "not is_after_close and taken_over_quantity > 0"),
)
_damage(
    "assert_matrix_is_a_chain",
    "units taken over in the middle of a chain",
    _update(
        "issued.pool_cycles",
        "taken_over_quantity = taken_over_quantity + 60",
        "cycle_start = '2025-06-01' and has_rollover and account_id in"
        " (select account_id from issued.pool_cycles where cycle_start = '2025-05-01')",
    ),
)
_damage(
    "assert_matrix_is_a_chain",
    "a cycle adjusted by more than its balance shows",
    _update("issued.pool_cycles", "adjusted_quantity = adjusted_quantity + 60", "has_rollover"),
)
USED = "assert_buckets_are_drawn_by_usage"
_damage(
    USED,
    "units drawn that no call took",
    "delete from issued.rated_usage where rollover_quantity > 0",
)
_damage(
    USED,
    "a report's draw taken for one of ours",
    "update issued.cycles set is_billed = true where not is_billed",
)
_damage(
    "assert_plan_use_within_allowance",
    "a report's use taken for ours",
    "update issued.cycles set is_billed = true where not is_billed",
)
_damage(
    "assert_plan_use_within_allowance",
    "a report beyond the allowance",
    _update("issued.pool_cycles", "allowance_quantity = plan_used_quantity - 1", REPORTED),
)
_damage(
    "assert_plan_use_within_allowance",
    "records of ours in a cycle that another system billed",
    "update issued.cycles set is_billed = false where (account_id, cycle_start) in"
    " (select account_id, cycle_start from issued.rated_usage where plan_quantity > 0)",
)
MOVES, MOVED = "assert_adjustments_move_units_once", "issued.adjustments"
for action in ("credit", "debit", "resale"):
    _damage(
        MOVES,
        f"a {action} that moved nothing",
        _update(
            MOVED,
            "applied_quantity = applied_quantity - 60",
            f"action = '{action}' and applied_quantity > 60",
        ),
    )
    _damage(
        MOVES,
        f"a {action} is gone",
        _delete(MOVED, f"action = '{action}' and applied_quantity > 0"),
    )
    _damage(
        MOVES,
        f"a {action} twice",
        f"insert into {MOVED} select (jsonb_populate_record(a, jsonb_build_object("
        f"'adjustment_id', 'g10'))).* from {MOVED} as a where action = '{action}'"
        " and applied_quantity > 0 limit 1",
    )
_damage(
    MOVES,
    "a bucket that nobody gave",
    _update(
        "issued.bucket_cycles",
        "source = 'adjustment', given_quantity = accumulated_quantity",
        "accumulated_quantity > 0",
    ),
)
_damage(
    MOVES,
    "a balance adjusted by nobody",
    _update(
        "issued.pool_cycles",
        "adjusted_quantity = 60",
        "adjusted_quantity = 0 and account_id not in (select account_id from issued.adjustments)",
    ),
)
_damage(
    MOVES,
    "more sold again than had expired",
    "update issued.bucket_cycles set expired_quantity = expired_quantity - 60"
    f" where expired_quantity > 0 and bucket_id in (select bucket_id from {MOVED}"
    " where action = 'resale' and applied_quantity > 0)",
)
_damage(
    MOVES,
    "units sold again before they expired",
    "update issued.bucket_cycles set cycle_start = '2025-06-30' where expired_quantity > 0"
    f" and bucket_id in (select bucket_id from {MOVED} where action = 'resale')",
)
_damage(
    MOVES,
    "sold again more than there was, and nobody was told",
    _update(MOVED, "exception_type = null", "exception_type = 'over_resale'"),
)
for what, change, condition in (
    ("an extension at another price", "amount = amount + 0.01", "action = 'extension'"),
    ("an extension for nothing", "amount = null", "action = 'extension'"),
    ("a resale at another price", "amount = amount + 0.01", "action = 'resale'"),
    ("a credit that costs", "rate = 0.2, amount = 0", "action = 'credit'"),
    ("a resale of other units", "charged_quantity = 0, amount = 0", "action = 'resale'"),
    ("an adjustment that nobody entered", "adjustment_id = 'x'", "action = 'credit'"),
    ("another action than was entered", "action = 'credit'", "action = 'extension'"),
    ("more than was asked for", "quantity = quantity - 60", "applied_quantity = quantity"),
    (
        "counted before it was made",
        "cycle_start = '2025-04-01', cycle_end = '2025-05-01'",
        "action = 'extension' and account_id = 'GIVEN'",
    ),
):
    _damage(MOVES, what, _update(MOVED, change, f"applied_quantity > 0 and {condition}"))
ONE_TIME_LINE = "section = 'one_time' and carrier_id is null"
_damage(
    MOVES,
    "a charge that is on no bill",
    _delete("issued.bill_lines", ONE_TIME_LINE),
)
_damage(
    MOVES,
    "a charge that is on the bill twice",
    "insert into issued.bill_lines select (jsonb_populate_record(b, jsonb_build_object("
    "'line_number', 99))).* from issued.bill_lines as b"
    f" where {ONE_TIME_LINE} limit 1",
)
_damage(
    MOVES,
    "a cent on its line",
    _update("issued.bill_lines", "amount = amount + 0.01", ONE_TIME_LINE),
)
_damage(
    MOVES,
    "a charge for a cycle that another system billed",
    "update issued.cycles set is_billed = true where not is_billed",
)
TAKEN_OVER = "assert_openings_are_taken_over_once"
TAKEN = "exception_type is null"
_damage(TAKEN_OVER, "an opening is gone", _delete("issued.openings", TAKEN))
_damage(
    TAKEN_OVER,
    "an opening that has no bucket",
    _update("issued.openings", "exception_type = null", "exception_type is not null"),
)
_damage(
    TAKEN_OVER,
    "other units than were told",
    _update("issued.openings", "quantity = quantity + 60", TAKEN),
)
_damage(
    TAKEN_OVER,
    "a balance that nobody brought along",
    _update("issued.pool_cycles", "taken_over_quantity = 60", "taken_over_quantity = 0"),
)
_damage(
    TAKEN_OVER,
    "a bucket is gone",
    "delete from issued.bucket_cycles where bucket_id in"
    f" (select bucket_id from issued.openings where {TAKEN})",
)
_damage(
    TAKEN_OVER,
    "a bucket that was there before",
    "insert into issued.bucket_cycles select (jsonb_populate_record(b, jsonb_build_object("
    "'cycle_start', '2025-03-01'))).* from issued.bucket_cycles as b"
    " inner join issued.openings as o using (account_id, bucket_id) limit 1",
)
_damage(
    TAKEN_OVER,
    "a cent in a deferred amount",
    _update("issued.openings", "deferred_amount = deferred_amount + 0.01", TAKEN),
)
_damage(
    TAKEN_OVER,
    "deferred fees posted twice",
    "insert into issued.journal select (jsonb_populate_record(j, jsonb_build_object("
    "'entry_id', j.entry_id || '0'))).* from issued.journal as j where event = 'opening' limit 1",
)
_damage(
    TAKEN_OVER,
    "deferred fees that nobody posted",
    _delete("issued.journal", "event = 'opening'"),
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
EARNED = "assert_deferred_revenue_is_earned_once"
for event in ("opening", "defer", "recognise", "breakage"):
    of_event = f"{OF_BUCKET} and event = '{event}'"
    _damage(
        EARNED,
        f"a cent in an entry of {event}",
        _update("issued.journal", "amount = amount + 0.01", of_event),
    )
    _damage(EARNED, f"an entry of {event} is gone", _delete("issued.journal", of_event))
_damage(
    EARNED,
    "use taken for breakage",
    _update(
        "issued.journal",
        "event = 'breakage', credit_account = 'breakage_revenue'",
        "event = 'recognise' and amount > 0.05",
    ),
)
_damage(
    EARNED,
    "breakage taken for use",
    _update(
        "issued.journal",
        "event = 'recognise', credit_account = 'rollover_revenue'",
        "event = 'breakage' and amount > 0.05",
    ),
)
_damage(
    EARNED,
    "usage revenue of a bucket",
    _update("issued.journal", "credit_account = 'usage_revenue'", "event = 'recognise'"),
)
_damage(
    EARNED,
    "an entry of a bucket and of a bill",
    _update("issued.journal", "bill_id = 'X-20250701'", OF_BUCKET),
)
_damage(
    EARNED,
    "more left to be earned than units are left",
    _update(
        "issued.bucket_cycles",
        "remaining_quantity = remaining_quantity - 6000",
        "deferred_amount > 5 and accumulated_quantity > 6000 and cycle_start = '2025-06-01'",
    ),
)
_damage(
    EARNED,
    "a bucket that was deferred and never posted",
    _update(
        "issued.bucket_cycles",
        "deferred_amount = deferred_amount + 1",
        "cycle_start = '2025-06-01'",
    ),
)
_damage(
    EARNED,
    "a bucket that no cycle knows",
    "delete from issued.bucket_cycles where bucket_id = (select min(bucket_id) from issued.journal"
    " where event = 'defer')",
)
_damage(
    EARNED,
    "entries of a close that the roll-forward does not have",
    _update("issued.journal", "close_id = 99", of_event),
)

# invariants: closed is closed

TAKEN_OUT = "(carrier_id, cdr_id) in (select carrier_id, cdr_id from issued.voided_usage)"
_damage(
    "assert_voided_stay_as_closed",
    "a record taken out is another account's since",
    _update("rating.int_usage_voids", "account_id = 'SOMEONE'", TAKEN_OUT),
)
_damage(
    "assert_voided_stay_as_closed",
    "what is counted in a closed cycle is gone",
    _delete("rating.int_usage_voids", TAKEN_OUT),
)
_damage(
    "assert_voided_stay_as_closed",
    "a record taken out at another time",
    _update("rating.int_usage_voids", "started_at = started_at + interval '1 s'", TAKEN_OUT),
)
_damage(
    "assert_voided_stay_as_closed",
    "frozen in a cycle that is open",
    _update("issued.voided_usage", "cycle_start = cycle_start + 366"),
)
_damage(
    "assert_voided_stay_as_closed",
    "a close passed a record by",
    _update(
        "issued.account_frontiers",
        "closed_through = closed_through + 62",
        "account_id in (select account_id from rating.int_voids_open)",
    ),
)
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
    "assert_closed_cycles_are_billed",
    "a cycle of another system's with a bill of ours",
    f"update {CYCLES} set is_billed = false where (account_id, cycle_start) in"
    " (select account_id, cycle_start from issued.bills)",
)
_damage(
    "assert_closed_cycles_are_billed",
    "a cycle of ours that was left to another system's report",
    f"update {CYCLES} set is_billed = true where not is_billed",
)
_damage(
    "assert_closed_cycles_are_billed",
    "a cycle that has nothing but a one-time line, and no bill",
    "delete from issued.plan_segments where account_id = 'GIVEN'",
    "delete from issued.bills where account_id = 'GIVEN'",
)
ENDED = "assert_reports_end_cycles_once"
for what, change in (
    (
        "a report that drew more than there was",
        "rollover_used_quantity = rollover_used_quantity + 60",
    ),
    ("another use than was reported", "reported_rollover_used_quantity = 0"),
    ("other units earned", "accumulated_quantity = accumulated_quantity + 60"),
    ("other units earned than were reported", "reported_accumulated_quantity = 60"),
    ("other units that could be earned", "expected_accumulated_quantity = 60"),
    ("other units expired", "expired_quantity = expired_quantity + 60"),
    ("other units expired than were reported", "reported_expired_quantity = 60"),
    ("another load than it came with", "load_id = load_id + 1"),
    ("a request that it did not answer", "request_id = 'x'"),
    ("another end of its cycle", "cycle_end = cycle_end + 1"),
    ("another close than its cycle's", "close_id = close_id + 1"),
):
    _damage(ENDED, what, _update("issued.reports", change, "cycle_start = '2025-06-01'"))
_damage(ENDED, "a cycle that ended without report", _delete("issued.reports"))
_damage(ENDED, "a report of a cycle that did not end", _delete(CYCLES, "not is_billed"))
_damage(
    ENDED,
    "a pool without report",
    _delete("issued.pool_cycles", REPORTED),
)
_damage(
    ENDED,
    "a report taken twice",
    _update("issued.pool_cycles", "rollover_used_quantity = rollover_used_quantity * 2", REPORTED),
)
_damage(
    ENDED,
    "less drawn than was reported, though it was there",
    "update issued.reports set rollover_used_quantity = rollover_used_quantity - 60",
    f"update issued.pool_cycles set rollover_used_quantity = rollover_used_quantity - 60"
    f" where {REPORTED}",
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
