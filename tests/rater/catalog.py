"""The catalog (catalog.md): seeds as rows of strings, parsed once, and the look-ups on them."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from pathlib import Path

Row = Mapping[str, str | None]
SECONDS_PER_DAY = 86_400


def text(row: Row, column: str) -> str | None:
    value = row.get(column)
    return value if value else None


def must(row: Row, column: str) -> str:
    value = text(row, column)
    if value is None:
        raise ValueError(f"the catalog lacks {column} in {dict(row)}")
    return value


def fraction(row: Row, column: str) -> Fraction:
    return Fraction(text(row, column) or "0")


def fraction_or_none(row: Row, column: str) -> Fraction | None:
    value = text(row, column)
    return None if value is None else Fraction(value)


def truth(row: Row, column: str) -> bool:
    return (text(row, column) or "false").lower() in {"true", "t", "yes", "1"}


def day(row: Row, column: str) -> date | None:
    value = text(row, column)
    return None if value is None else date.fromisoformat(value)


def seconds_of(clock: str) -> int:
    """`HH:MM` or `HH:MM:SS`; `24:00` is allowed."""
    parts = [int(part) for part in clock.split(":")] + [0, 0]
    return parts[0] * 3600 + parts[1] * 60 + parts[2]


@dataclass(frozen=True)
class Carrier:
    carrier_id: str
    service_kind: str
    rating_platform_id: str | None
    is_biller: bool


@dataclass(frozen=True)
class Plan:
    plan_id: str
    plan_name: str
    monthly_fee: Fraction
    currency: str
    is_integrated: bool
    sync_tolerance_days: int
    rollover_retention_cycles: int
    carriers: frozenset[str]  # those it occupies (rules 7)


@dataclass(frozen=True)
class PlanPool:
    plan_id: str
    pool_id: str
    unit_type: str
    base_units_per_unit: int
    allowance: Fraction  # in units
    burn_order: str
    has_rollover: bool
    rollover_cycles: int  # X
    rollover_cap: Fraction | None  # in units
    resale_rate: Fraction
    extension_rate: Fraction
    deferral_fee_share: Fraction | None


@dataclass(frozen=True)
class PlanService:
    plan_id: str
    carrier_id: str
    service: str
    call_type: str
    direction: str
    treatment: str
    pool_id: str | None
    tariff_id: str | None
    minimum_quantity: int
    increment: int
    overage_rate: Fraction
    priority: int


@dataclass(frozen=True)
class NoChargeRule:
    plan_id: str
    rule_id: str
    rule: str
    scope: str
    rate_period_id: str | None
    carrier_id: str | None
    service: str | None
    unit_factor: Fraction
    allowance: Fraction | None  # in units
    priority: int


@dataclass(frozen=True)
class TariffRow:
    tariff_id: str
    destination_prefix: str
    description: str
    connection_fee: Fraction
    rate: Fraction
    unit_type: str
    base_units_per_unit: int
    minimum_quantity: int
    increment: int
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True)
class TaxRate:
    jurisdiction_id: str
    tax_code: str
    description: str
    charge_category: str
    carrier_id: str
    rate: Fraction
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True)
class Term:
    carrier_id: str
    fixed_fee: Fraction
    remainder_percent: Fraction | None


@dataclass(frozen=True)
class Agreement:
    agreement_id: str
    plan_id: str
    usage_basis: str
    basis_unit_type: str
    usage_share: str
    valid_from: date | None
    valid_to: date | None
    terms: dict[str, Term] = field(hash=False)

    @property
    def by_percent(self) -> bool:
        """When every term has a remainder_percent they replace usage as the basis (catalog)."""
        terms = self.terms.values()
        return bool(terms) and all(term.remainder_percent is not None for term in terms)


def is_valid(valid_from: date | None, valid_to: date | None, on: date) -> bool:
    """`valid_from` is inclusive, `valid_to` exclusive and nullable (catalog)."""
    return (valid_from is None or valid_from <= on) and (valid_to is None or on < valid_to)


def is_any(pattern: str | None, value: str) -> bool:
    """Empty or `*` = any (catalog, no_charge_rules; `*` in plan_services)."""
    return pattern is None or pattern in ("*", value)


class Catalog:
    def __init__(self, seeds: Mapping[str, Sequence[Row]]) -> None:
        self.base_units = {
            must(row, "unit_type"): int(must(row, "base_units_per_unit"))
            for row in seeds["unit_types"]
        }
        self.service_unit_type = {
            must(row, "service"): must(row, "unit_type") for row in seeds["services"]
        }
        self.carriers = {
            must(row, "carrier_id"): Carrier(
                must(row, "carrier_id"),
                must(row, "service_kind"),
                text(row, "rating_platform_id"),
                truth(row, "is_biller"),
            )
            for row in seeds["carriers"]
        }
        self.biller_id = next((c.carrier_id for c in self.carriers.values() if c.is_biller), None)
        self.services = self._plan_services(seeds)
        self.plans = self._plans(seeds)
        self.pools, self.pool_unit_type = self._pools(seeds)
        self.rules = self._rules(seeds)
        self.rate_periods: dict[str, list[tuple[int, int, int]]] = {}
        for row in seeds.get("rate_periods", ()):
            self.rate_periods.setdefault(must(row, "rate_period_id"), []).append(
                (
                    int(must(row, "iso_weekday")),
                    seconds_of(must(row, "start_time")),
                    seconds_of(must(row, "end_time")),
                )
            )
        self.tariffs = self._tariffs(seeds)
        self.jurisdictions = {
            must(row, "jurisdiction_id"): (
                must(row, "level"),
                text(row, "parent_jurisdiction_id"),
            )
            for row in seeds.get("tax_jurisdictions", ())
        }
        self.tax_rates = self._tax_rates(seeds)
        self.agreements = self._agreements(seeds)
        self._service_rows: dict[tuple[str, str, str, str, str], PlanService | None] = {}

    @staticmethod
    def read_seeds(path: Path | str) -> dict[str, list[dict[str, str | None]]]:
        seeds: dict[str, list[dict[str, str | None]]] = {}
        for file in sorted(Path(path).glob("*.csv")):
            with file.open(encoding="utf-8", newline="") as stream:
                seeds[file.stem] = [dict(row) for row in csv.DictReader(stream)]
        return seeds

    # --- parsing ----------------------------------------------------------------------------

    @staticmethod
    def _plan_services(seeds: Mapping[str, Sequence[Row]]) -> dict[str, list[PlanService]]:
        services: dict[str, list[PlanService]] = {}
        for row in seeds["plan_services"]:
            services.setdefault(must(row, "plan_id"), []).append(
                PlanService(
                    plan_id=must(row, "plan_id"),
                    carrier_id=must(row, "carrier_id"),
                    service=must(row, "service"),
                    call_type=must(row, "call_type"),
                    direction=must(row, "direction"),
                    treatment=must(row, "treatment"),
                    pool_id=text(row, "pool_id"),
                    tariff_id=text(row, "tariff_id"),
                    minimum_quantity=int(text(row, "minimum_quantity") or 0),
                    increment=int(text(row, "increment") or 1),
                    overage_rate=fraction(row, "overage_rate"),
                    priority=int(must(row, "priority")),
                )
            )
        for rows in services.values():
            rows.sort(key=lambda r: r.priority)
        return services

    def _plans(self, seeds: Mapping[str, Sequence[Row]]) -> dict[str, Plan]:
        plans = {}
        for row in seeds["plans"]:
            plan_id = must(row, "plan_id")
            # Rules 7: carriers of a plan = those named in its plan_services or, where those
            # are all `*`, all carriers.
            named = {s.carrier_id for s in self.services.get(plan_id, ())} - {"*"}
            plans[plan_id] = Plan(
                plan_id=plan_id,
                plan_name=text(row, "plan_name") or plan_id,
                monthly_fee=fraction(row, "monthly_fee"),
                currency=must(row, "currency"),
                is_integrated=truth(row, "is_integrated"),
                sync_tolerance_days=int(text(row, "sync_tolerance_days") or 0),
                rollover_retention_cycles=int(text(row, "rollover_retention_cycles") or 0),
                carriers=frozenset(named or self.carriers),
            )
        return plans

    def _pools(
        self, seeds: Mapping[str, Sequence[Row]]
    ) -> tuple[dict[str, dict[str, PlanPool]], dict[str, str]]:
        pools: dict[str, dict[str, PlanPool]] = {}
        unit_types: dict[str, str] = {}
        for row in seeds["plan_pools"]:
            pool = PlanPool(
                plan_id=must(row, "plan_id"),
                pool_id=must(row, "pool_id"),
                unit_type=must(row, "unit_type"),
                base_units_per_unit=self.base_units[must(row, "unit_type")],
                allowance=fraction(row, "allowance"),
                burn_order=text(row, "burn_order") or "allowance_first",
                has_rollover=truth(row, "has_rollover"),
                rollover_cycles=int(text(row, "rollover_cycles") or 0),
                rollover_cap=fraction_or_none(row, "rollover_cap"),
                resale_rate=fraction(row, "resale_rate"),
                extension_rate=fraction(row, "extension_rate"),
                deferral_fee_share=fraction_or_none(row, "deferral_fee_share"),
            )
            pools.setdefault(pool.plan_id, {})[pool.pool_id] = pool
            unit_types.setdefault(pool.pool_id, pool.unit_type)
        return pools, unit_types

    @staticmethod
    def _rules(seeds: Mapping[str, Sequence[Row]]) -> dict[str, list[NoChargeRule]]:
        rules: dict[str, list[NoChargeRule]] = {}
        for row in seeds.get("no_charge_rules", ()):
            rules.setdefault(must(row, "plan_id"), []).append(
                NoChargeRule(
                    plan_id=must(row, "plan_id"),
                    rule_id=must(row, "rule_id"),
                    rule=must(row, "rule"),
                    scope=text(row, "scope") or "any",
                    rate_period_id=text(row, "rate_period_id"),
                    carrier_id=text(row, "carrier_id"),
                    service=text(row, "service"),
                    unit_factor=fraction(row, "unit_factor"),
                    allowance=fraction_or_none(row, "allowance"),
                    priority=int(must(row, "priority")),
                )
            )
        for plan_rules in rules.values():
            plan_rules.sort(key=lambda r: (r.priority, r.rule_id))
        return rules

    def _tariffs(self, seeds: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, list[TariffRow]]]:
        tariffs: dict[str, dict[str, list[TariffRow]]] = {}
        for row in seeds.get("tariffs", ()):
            tariff = TariffRow(
                tariff_id=must(row, "tariff_id"),
                destination_prefix=text(row, "destination_prefix") or "",
                description=text(row, "description") or "",
                connection_fee=fraction(row, "connection_fee"),
                rate=fraction(row, "rate"),
                unit_type=must(row, "unit_type"),
                base_units_per_unit=self.base_units[must(row, "unit_type")],
                minimum_quantity=int(text(row, "minimum_quantity") or 0),
                increment=int(text(row, "increment") or 1),
                valid_from=day(row, "valid_from"),
                valid_to=day(row, "valid_to"),
            )
            by_prefix = tariffs.setdefault(tariff.tariff_id, {})
            by_prefix.setdefault(tariff.destination_prefix, []).append(tariff)
        return tariffs

    @staticmethod
    def _tax_rates(seeds: Mapping[str, Sequence[Row]]) -> dict[str, list[TaxRate]]:
        rates: dict[str, list[TaxRate]] = {}
        for row in seeds.get("tax_rates", ()):
            rates.setdefault(must(row, "jurisdiction_id"), []).append(
                TaxRate(
                    jurisdiction_id=must(row, "jurisdiction_id"),
                    tax_code=must(row, "tax_code"),
                    description=text(row, "description") or "",
                    charge_category=text(row, "charge_category") or "*",
                    carrier_id=text(row, "carrier_id") or "*",
                    rate=fraction(row, "rate"),
                    valid_from=day(row, "valid_from"),
                    valid_to=day(row, "valid_to"),
                )
            )
        for rows in rates.values():
            rows.sort(key=lambda r: (r.tax_code, r.charge_category, r.carrier_id))
        return rates

    @staticmethod
    def _agreements(seeds: Mapping[str, Sequence[Row]]) -> list[Agreement]:
        terms: dict[str, dict[str, Term]] = {}
        for row in seeds.get("settlement_terms", ()):
            carrier_id = must(row, "carrier_id")
            terms.setdefault(must(row, "agreement_id"), {})[carrier_id] = Term(
                carrier_id, fraction(row, "fixed_fee"), fraction_or_none(row, "remainder_percent")
            )
        return [
            Agreement(
                agreement_id=must(row, "agreement_id"),
                plan_id=text(row, "plan_id") or "*",
                usage_basis=must(row, "usage_basis"),
                basis_unit_type=must(row, "basis_unit_type"),
                usage_share=must(row, "usage_share"),
                valid_from=day(row, "valid_from"),
                valid_to=day(row, "valid_to"),
                terms=terms.get(must(row, "agreement_id"), {}),
            )
            for row in sorted(
                seeds.get("settlement_agreements", ()), key=lambda r: must(r, "agreement_id")
            )
        ]

    # --- look-ups ---------------------------------------------------------------------------

    def base_units_of_pool(self, pool_id: str) -> int | None:
        """None: no plan of the catalog has the pool."""
        unit_type = self.pool_unit_type.get(pool_id)
        return None if unit_type is None else self.base_units[unit_type]

    def service_row(
        self, plan_id: str, carrier_id: str, service: str, call_type: str, direction: str
    ) -> PlanService | None:
        """Of the rows that match, the lowest `priority` applies (catalog, plan_services)."""
        key = (plan_id, carrier_id, service, call_type, direction)
        if key not in self._service_rows:
            self._service_rows[key] = next(
                (
                    row
                    for row in self.services.get(plan_id, ())
                    if is_any(row.carrier_id, carrier_id)
                    and is_any(row.service, service)
                    and is_any(row.call_type, call_type)
                    and is_any(row.direction, direction)
                ),
                None,
            )
        return self._service_rows[key]

    def tariff_row(
        self, tariff_id: str | None, other_number: str | None, on: date
    ) -> TariffRow | None:
        """Rules 2.4: longest matching prefix of the digits of an E.164 number; a short code or no
        number matches the prefix '' only; among the rows valid on the local date."""
        by_prefix = self.tariffs.get(tariff_id or "", {})
        digits = other_number[1:] if other_number and other_number.startswith("+") else ""
        for length in range(len(digits), -1, -1):
            for row in by_prefix.get(digits[:length], ()):
                if is_valid(row.valid_from, row.valid_to, on):
                    return row
        return None

    def agreement_of(self, plan_id: str, on: date) -> Agreement:
        """Rules 6.1: valid on the last day of the cycle, the plan's own before `*`."""
        for wanted in (plan_id, "*"):
            for agreement in self.agreements:
                if agreement.plan_id == wanted and is_valid(
                    agreement.valid_from, agreement.valid_to, on
                ):
                    return agreement
        raise ValueError(f"no settlement agreement for plan {plan_id} on {on}")

    def jurisdiction_chain(self, jurisdiction_id: str) -> list[str]:
        """Local, state, federal: from the account's lowest one upwards (rules 5.4)."""
        chain = []
        current: str | None = jurisdiction_id
        while current is not None:
            chain.append(current)
            current = self.jurisdictions[current][1]
        return chain
