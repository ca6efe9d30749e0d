"""Rating one record, without charging it (rules 1 and 2)."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from .account import AccountView
from .arith import ZERO_MICRO, ceil_to, charge, round_int
from .casi import Casi
from .catalog import Catalog, NoChargeRule, PlanService, is_any
from .cycles import Cycle
from .feeds import Cdr


@dataclass
class Suspended:
    cdr: Cdr
    reason: str
    account_id: str | None
    cycle_start: date | None


@dataclass
class Usage:
    """A rated record; charging fills in who pays for it."""

    cdr: Cdr
    account_id: str
    plan_id: str
    treatment: str
    pool_id: str | None
    unit_type: str
    base_units_per_unit: int
    category: str
    is_late: bool
    landing: int  # ordinal of the cycle in which it lands
    rate: Fraction | None
    local_started_at: datetime
    billable_quantity: int = 0
    no_charge_quantity: int = 0
    plan_quantity: int = 0
    rollover_quantity: int = 0
    overage_quantity: int = 0
    metered_quantity: int = 0
    no_charge_reason: str | None = None
    charge_amount: Decimal = ZERO_MICRO
    to_charge: int = 0  # what is left for the limited no-charge rule and the pool to pay
    limited_rule: NoChargeRule | None = None
    cycle: Cycle | None = None  # the one in which it lands
    is_closed: bool = False
    is_reversal: bool = False
    void: Cdr | None = None  # of a reversal
    fundings: list[tuple[str, str | None, int]] = field(default_factory=list)

    @property
    def charging_order(self) -> tuple[datetime, str, str]:
        """Rules 3."""
        return (self.cdr.started_at, self.cdr.carrier_id, self.cdr.cdr_id)


class RecordRater:
    def __init__(self, catalog: Catalog, casi: Casi) -> None:
        self.catalog = catalog
        self.casi = casi

    def rate(self, cdr: Cdr, view: AccountView) -> Usage | Suspended:
        """Line and account are known; the other suspense reasons are tested here, in the order
        of rules 1.3."""
        landing = view.calendar.landing(cdr.started_at)

        def suspended(reason: str) -> Suspended:
            return Suspended(cdr, reason, view.account_id, landing.start)

        own = view.calendar.of_instant(cdr.started_at)
        if own is None:
            return suspended("before_billing")
        local = view.local(cdr.started_at)
        on = local.date()
        plan_id = view.plan_at(cdr.carrier_id, on)
        if plan_id is None:
            return suspended("no_plan")
        # Rules 2.1: `plan_services` gives the treatment. No match: suspended `no_tariff`.
        row = self.catalog.service_row(
            plan_id, cdr.carrier_id, cdr.service, cdr.call_type, cdr.direction
        )
        if row is None:
            return suspended("no_tariff")
        unit_type = self.catalog.service_unit_type[cdr.service]
        usage = Usage(
            cdr=cdr,
            account_id=view.account_id,
            plan_id=plan_id,
            treatment=row.treatment,
            pool_id=row.pool_id if row.treatment == "pool" else None,
            unit_type=unit_type,
            base_units_per_unit=self.catalog.base_units[unit_type],
            category="anytime" if row.treatment == "pool" else row.treatment,
            # Rules 1, Cycles: late when its own cycle was closed before it could be rated.
            is_late=own.ordinal < view.calendar.first_open,
            landing=landing.ordinal,
            rate=row.overage_rate if row.treatment == "pool" else None,
            local_started_at=local,
        )
        if row.treatment == "metered" and not self._meter(usage, row, on):
            return suspended("no_rate")
        # Rules 2.2: quantity 0: no charge, all quantities 0.
        if cdr.quantity == 0:
            usage.no_charge_reason = "zero_duration"
            return usage
        if row.treatment != "metered":
            usage.billable_quantity = max(
                row.minimum_quantity, ceil_to(cdr.quantity, row.increment)
            )
        if row.treatment == "free":
            usage.no_charge_quantity = usage.billable_quantity
            usage.no_charge_reason = "free_service"
        elif row.treatment == "pool":
            self._apply_no_charge_rules(usage)
        return usage

    def _meter(self, usage: Usage, row: PlanService, on: date) -> bool:
        """Rules 2.4. False: no rate. A record of quantity 0 needs none."""
        cdr = usage.cdr
        tariff = self.catalog.tariff_row(row.tariff_id, cdr.other_number, on)
        if tariff is None:
            return cdr.quantity == 0
        usage.rate = tariff.rate
        if cdr.quantity > 0:
            quantity = max(tariff.minimum_quantity, ceil_to(cdr.quantity, tariff.increment))
            usage.billable_quantity = usage.metered_quantity = quantity
            usage.charge_amount = charge(
                tariff.connection_fee + quantity * tariff.rate / tariff.base_units_per_unit
            )
        return True

    def _apply_no_charge_rules(self, usage: Usage) -> None:
        """Rules 2.3: by priority; the first whose conditions hold applies, alone."""
        usage.to_charge = usage.billable_quantity
        for rule in self.catalog.rules.get(usage.plan_id, ()):
            if not self._holds(rule, usage):
                continue
            # Rules 2.5: category by the rule that applied.
            usage.category = (
                "mobile_to_mobile" if rule.rule == "mobile_to_mobile" else "night_weekend"
            )
            if rule.unit_factor != 0:
                # billable = round half up(billable * factor) to a whole base unit, charged normally
                usage.billable_quantity = round_int(usage.billable_quantity * rule.unit_factor)
                usage.to_charge = usage.billable_quantity
            elif rule.allowance is None:
                usage.no_charge_quantity = usage.billable_quantity
                usage.no_charge_reason = rule.rule_id
                usage.to_charge = 0
            else:
                usage.limited_rule = rule  # no charge while it lasts, in charging order
            return

    def _holds(self, rule: NoChargeRule, usage: Usage) -> bool:
        cdr = usage.cdr
        if not (is_any(rule.carrier_id, cdr.carrier_id) and is_any(rule.service, cdr.service)):
            return False
        if rule.rule == "mobile_to_mobile":
            carrier = self.catalog.carriers.get(cdr.carrier_id)
            if carrier is None or carrier.service_kind != "wireless" or cdr.service != "voice":
                return False
            if self._other_party_type(cdr) != "mobile":
                return False
            if rule.scope == "on_net":
                return self._other_party_carrier(cdr) in self.catalog.carriers
            return True
        if rule.rule == "rate_period":
            # local start time within the period (the start decides; a call is not split)
            local = usage.local_started_at
            second = local.hour * 3600 + local.minute * 60 + local.second
            return any(
                weekday == local.isoweekday() and start <= second < end
                for weekday, start, end in self.catalog.rate_periods.get(
                    rule.rate_period_id or "", ()
                )
            )
        return False

    def _other_party_type(self, cdr: Cdr) -> str:
        """Feeds, cdrs: when absent it is `mobile` if the other number is a line of a wireless
        carrier in force at started_at, else `unknown`; an explicit `unknown` stays."""
        if cdr.other_party_type is not None:
            return cdr.other_party_type
        for period in self.casi.lines_in_force(cdr.other_number, cdr.started_at):
            carrier = self.catalog.carriers.get(period.carrier_id)
            if carrier is not None and carrier.service_kind == "wireless":
                return "mobile"
        return "unknown"

    def _other_party_carrier(self, cdr: Cdr) -> str | None:
        """Feeds, cdrs: when absent, derived from known lines."""
        if cdr.other_party_carrier_id is not None:
            return cdr.other_party_carrier_id
        lines = self.casi.lines_in_force(cdr.other_number, cdr.started_at)
        return lines[0].carrier_id if lines else None
