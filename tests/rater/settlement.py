"""Settlement of a bill between the carriers (rules 6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from .account import AccountView
from .arith import ZERO_CENTS, apportion, money
from .billing import Bill
from .catalog import Agreement
from .charging import CycleResult


@dataclass
class SettlementLine:
    bill: Bill
    agreement_id: str
    carrier_id: str
    fixed_amount: Decimal = ZERO_CENTS
    usage_weight: Fraction = Fraction(0)
    remainder_amount: Decimal = ZERO_CENTS
    usage_amount: Decimal = ZERO_CENTS

    @property
    def total_amount(self) -> Decimal:
        return self.fixed_amount + self.remainder_amount + self.usage_amount


@dataclass
class Share:
    """What of a bill falls under one agreement."""

    agreement: Agreement
    plans: set[str] = field(default_factory=set)
    fee: Decimal = ZERO_CENTS  # F
    fixed: dict[str, Decimal] = field(default_factory=dict)  # f_c
    usage: dict[str, Decimal] = field(default_factory=dict)  # by carrier, reversals included
    one_time: Decimal = ZERO_CENTS

    def taking_part(self, carriers_of: Mapping[str, frozenset[str]]) -> list[str]:
        """Of a `*` agreement only the carriers of the plan take part (catalog)."""
        if self.agreement.plan_id != "*":
            return sorted(self.agreement.terms)
        of_plans = frozenset().union(*(carriers_of[plan_id] for plan_id in self.plans))
        return sorted(of_plans & self.agreement.terms.keys())


def settle(view: AccountView, result: CycleResult, bill: Bill) -> list[SettlementLine]:
    shares = share_out(view, result, bill)
    lines = []
    for agreement_id in sorted(shares):
        lines += settle_agreement(view, result, bill, shares[agreement_id])
    return lines


def share_out(view: AccountView, result: CycleResult, bill: Bill) -> dict[str, Share]:
    """Rules 6.1: the fee of each plan segment under the agreement of its plan, usage revenue under
    that of the plan of the record, resale and extension under that of the plan that decides."""
    shares: dict[str, Share] = {}

    def share_of(plan_id: str) -> Share:
        agreement = view.catalog.agreement_of(plan_id, bill.cycle.last_day)
        share = shares.setdefault(agreement.agreement_id, Share(agreement))
        share.plans.add(plan_id)
        return share

    for segment, fee in zip(result.segments, result.fees, strict=True):
        share = share_of(segment.plan_id)
        share.fee += fee
        # Rules 6.2: f_c = round(fixed_fee * days / days of cycle, 2) summed over segments; of a
        # `*` agreement for the carriers of the segment's plan.
        for carrier_id, term in share.agreement.terms.items():
            carriers = view.catalog.plans[segment.plan_id].carriers
            if share.agreement.plan_id != "*" or carrier_id in carriers:
                fixed = money(term.fixed_fee * segment.days / bill.cycle.days)
                share.fixed[carrier_id] = share.fixed.get(carrier_id, ZERO_CENTS) + fixed
    for line in bill.lines:
        if line.section in ("plan_fee", "tax"):
            continue
        assert line.plan_id is not None
        share = share_of(line.plan_id)
        if line.charge_category == "usage":  # usage lines and reversals
            assert line.carrier_id is not None
            share.usage[line.carrier_id] = (
                share.usage.get(line.carrier_id, ZERO_CENTS) + line.amount
            )
        else:
            share.one_time += line.amount
    return shares


def settle_agreement(
    view: AccountView, result: CycleResult, bill: Bill, share: Share
) -> list[SettlementLine]:
    agreement = share.agreement
    carriers_of = {plan_id: plan.carriers for plan_id, plan in view.catalog.plans.items()}
    carriers = share.taking_part(carriers_of)
    lines = {
        carrier_id: SettlementLine(bill, agreement.agreement_id, carrier_id)
        for carrier_id in carriers  # every carrier taking part has a row, zeros too
    }
    weights = weigh(result, share, carriers)
    for carrier_id in carriers:
        lines[carrier_id].usage_weight = weights[carrier_id]
    if carriers and not any(weights.values()):
        # All weights 0: by the agreement's fixed fees; those 0 too: equally.
        weights = {c: agreement.terms[c].fixed_fee for c in carriers}
        if not any(weights.values()):
            weights = dict.fromkeys(carriers, Fraction(1))
    # Rules 6.2: F alone is compared with the fixed fees.
    fixed = {c: share.fixed.get(c, ZERO_CENTS) for c in carriers}
    remainder = share.fee - sum(fixed.values(), ZERO_CENTS)
    if remainder < 0:
        fixed = apportion(share.fee, fixed)
        remainder = ZERO_CENTS
    for carrier_id in carriers:
        lines[carrier_id].fixed_amount = fixed[carrier_id]
    # Rules 6.4: usage revenue goes to the carrier of the usage, or joins the remainder; under
    # either, a carrier outside the terms keeps its usage revenue and gets a line.
    for carrier_id, amount in share.usage.items():
        if agreement.usage_share == "pooled" and carrier_id in lines:
            remainder += amount
        else:
            line = lines.setdefault(
                carrier_id, SettlementLine(bill, agreement.agreement_id, carrier_id)
            )
            line.usage_amount += amount
    remainder += share.one_time  # other one-time revenue joins the remainder
    if carriers:
        for carrier_id, amount in apportion(remainder, weights).items():
            lines[carrier_id].remainder_amount = amount
    return [lines[carrier_id] for carrier_id in sorted(lines)]


def weigh(result: CycleResult, share: Share, carriers: list[str]) -> dict[str, Fraction]:
    """Rules 6.3: its usage in the whole cycle under the plans of the agreement, in pools of the
    agreement's basis_unit_type, or its percent."""
    agreement = share.agreement
    if agreement.by_percent:
        return {c: agreement.terms[c].remainder_percent or Fraction(0) for c in carriers}
    weights = dict.fromkeys(carriers, Fraction(0))
    for usage in result.usages:
        if usage.pool_id is None or usage.cdr.carrier_id not in weights:
            continue
        if usage.plan_id not in share.plans or usage.unit_type != agreement.basis_unit_type:
            continue
        quantity = usage.plan_quantity + usage.rollover_quantity + usage.overage_quantity
        if agreement.usage_basis == "all":
            quantity += usage.no_charge_quantity
        weights[usage.cdr.carrier_id] += quantity
    return weights
