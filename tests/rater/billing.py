"""Bills, their lines and taxes (rules 5)."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from .account import AccountView
from .arith import ZERO_CENTS, in_units, money
from .catalog import is_any, is_valid
from .charging import CycleResult
from .cycles import Cycle


@dataclass
class BillLine:
    section: str  # plan_fee | usage | one_time | tax
    charge_category: str | None  # of taxes: plan_fee | usage | one_time; None on tax lines
    plan_id: str | None
    carrier_id: str | None
    description: str
    amount: Decimal
    service: str | None = None
    call_type: str | None = None
    treatment: str | None = None
    quantity_units: Decimal | None = None
    unit_type: str | None = None
    rate: Decimal | None = None
    line_number: int = 0

    @property
    def is_reversal(self) -> bool:
        return self.section == "one_time" and self.charge_category == "usage"


@dataclass
class Bill:
    bill_id: str
    account_id: str
    cycle: Cycle
    biller_id: str | None
    currency: str | None
    issued_at: datetime
    close_id: int
    lines: list[BillLine] = field(default_factory=list)

    def amount(self, section: str | None = None) -> Decimal:
        amounts = [x.amount for x in self.lines if section is None or x.section == section]
        return sum(amounts, ZERO_CENTS)


def decimal_rate(rate: Fraction | None) -> Decimal | None:
    """Rates come from decimals, so that this is exact."""
    return None if rate is None else Decimal(rate.numerator) / Decimal(rate.denominator)


def make_bill(
    view: AccountView, result: CycleResult, close_id: int, issued_at: datetime
) -> Bill | None:
    """One bill per account and closed cycle in which it had at least one plan day, rated record
    or one-time line."""
    if not (result.segments or result.usages or result.reversals or result.one_times):
        return None
    currencies = [plan.currency for plan in view.catalog.plans.values()]
    bill = Bill(
        bill_id=f"{view.account_id}-{result.cycle.end:%Y%m%d}",
        account_id=view.account_id,
        cycle=result.cycle,
        biller_id=view.catalog.biller_id,
        currency=currencies[0] if currencies else None,
        issued_at=issued_at,
        close_id=close_id,
    )
    bill.lines += plan_fee_lines(view, result)
    bill.lines += usage_lines(result)
    bill.lines += one_time_lines(view, result)
    bill.lines += tax_lines(view, bill)
    for number, line in enumerate(bill.lines, start=1):
        line.line_number = number
    return bill


def plan_fee_lines(view: AccountView, result: CycleResult) -> list[BillLine]:
    """Rules 5.1: per plan segment."""
    return [
        BillLine(
            section="plan_fee",
            charge_category="plan_fee",
            plan_id=segment.plan_id,
            carrier_id=None,
            description=view.catalog.plans[segment.plan_id].plan_name,
            amount=fee,
        )
        for segment, fee in sorted(
            zip(result.segments, result.fees, strict=True),
            key=lambda pair: (pair[0].start, pair[0].plan_id),
        )
    ]


def usage_lines(result: CycleResult) -> list[BillLine]:
    """Rules 5.2: one line per plan, carrier, service, call_type and treatment; no-charge and
    in-plan usage appear with amount 0."""
    groups: dict[tuple[str, str, str, str, str], list[int]] = {}
    charges: dict[tuple[str, str, str, str, str], Decimal] = {}
    units: dict[tuple[str, str, str, str, str], tuple[str, int]] = {}
    for usage in result.usages:
        key = (
            usage.plan_id,
            usage.cdr.carrier_id,
            usage.cdr.service,
            usage.cdr.call_type,
            usage.treatment,
        )
        groups.setdefault(key, []).append(usage.billable_quantity)
        charges[key] = charges.get(key, Decimal(0)) + usage.charge_amount
        units[key] = (usage.unit_type, usage.base_units_per_unit)
    lines = []
    for key in sorted(groups):
        plan_id, carrier_id, service, call_type, treatment = key
        unit_type, base_units_per_unit = units[key]
        lines.append(
            BillLine(
                section="usage",
                charge_category="usage",
                plan_id=plan_id,
                carrier_id=carrier_id,
                service=service,
                call_type=call_type,
                treatment=treatment,
                description=f"{service} {call_type}",
                quantity_units=in_units(sum(groups[key]), base_units_per_unit),
                unit_type=unit_type,
                amount=money(charges[key]),
            )
        )
    return lines


def one_time_lines(view: AccountView, result: CycleResult) -> list[BillLine]:
    """Rules 5.3: one line per resale, extension and reversal."""
    lines = []
    for action in ("resale", "extension"):
        for item in result.one_times:
            if item.adjustment.action != action:
                continue
            unit_type = view.catalog.pool_unit_type[item.adjustment.pool_id]
            lines.append(
                BillLine(
                    section="one_time",
                    charge_category="one_time",
                    plan_id=item.plan_id,
                    carrier_id=None,
                    description=f"{action} {item.adjustment.adjustment_id}",
                    quantity_units=in_units(item.quantity, view.catalog.base_units[unit_type]),
                    unit_type=unit_type,
                    rate=decimal_rate(item.rate),
                    amount=item.amount,
                )
            )
    for reversal in result.reversals:
        # Rules 1.4: a `one_time` line of its own, of the original's carrier, rounded; taxed under
        # the category `usage`.
        lines.append(
            BillLine(
                section="one_time",
                charge_category="usage",
                plan_id=reversal.plan_id,
                carrier_id=reversal.cdr.carrier_id,
                service=reversal.cdr.service,
                call_type=reversal.cdr.call_type,
                treatment=reversal.treatment,
                description=f"reversal {reversal.cdr.cdr_id}",
                quantity_units=Decimal("0.000000"),
                unit_type=reversal.unit_type,
                amount=money(reversal.charge_amount),
            )
        )
    return lines


def tax_lines(view: AccountView, bill: Bill) -> list[BillLine]:
    """Rules 5.4: per jurisdiction of the account's chain (local, state, federal) and row of
    tax_rates valid on the last day of the cycle; no line on a base of 0."""
    lines = []
    assert view.account.tax_jurisdiction_id is not None
    for jurisdiction_id in view.catalog.jurisdiction_chain(view.account.tax_jurisdiction_id):
        for tax in view.catalog.tax_rates.get(jurisdiction_id, ()):
            if not is_valid(tax.valid_from, tax.valid_to, bill.cycle.last_day):
                continue
            base = ZERO_CENTS
            for line in bill.lines:
                covers_category = is_any(tax.charge_category, line.charge_category or "")
                # a row with a carrier covers that carrier's lines only
                if covers_category and is_any(tax.carrier_id, line.carrier_id or ""):
                    base += line.amount
            if base == 0:
                continue
            lines.append(
                BillLine(
                    section="tax",
                    charge_category=None,
                    plan_id=None,
                    carrier_id=None,
                    description=f"{jurisdiction_id} {tax.tax_code} {tax.description}",
                    rate=decimal_rate(tax.rate),
                    amount=money(tax.rate * Fraction(base)),
                )
            )
    return lines
