"""A small catalog and short-hand feeds for hand-written cases."""

from datetime import UTC, date, datetime
from typing import Any

from .cycles import month_after
from .feeds import LoadResult
from .rater import Rater

Seed = list[dict[str, str | None]]
LATER = datetime(2040, 1, 1, tzinfo=UTC)  # the machine's clock of the cases


def table(header: str, *lines: str) -> Seed:
    """Rows of one seed, columns divided by `|`."""
    columns = [column.strip() for column in header.split("|")]
    return [
        dict(zip(columns, [cell.strip() for cell in line.split("|")], strict=True))
        for line in lines
    ]


def small_catalog() -> dict[str, Seed]:
    """SOLO (wireless only, X = 2, R = 1), SHARE (integrated: wireless and wireline), LINE (wireline
    only, no pool), PLAIN (wireless, the pool of SOLO without rollover)."""
    return {
        "carriers": table(
            "carrier_id | carrier_name | service_kind | rating_platform_id | is_biller",
            "wireless | Wireless | wireless | platform | false",
            "wireline | Wireline | wireline | platform | true",
            "internet | Internet | internet | platform | false",
        ),
        "unit_types": table(
            "unit_type | base_unit | base_units_per_unit",
            "minute | second | 60",
            "message | message | 1",
            "megabyte | byte | 1000000",
            "event | event | 1",
        ),
        "services": table(
            "service | unit_type",
            "voice | minute",
            "video | minute",
            "sms | message",
            "mms | message",
            "im | message",
            "page | message",
            "data | megabyte",
            "event | event",
        ),
        "plans": table(
            "plan_id | plan_name | monthly_fee | currency | is_integrated | sync_tolerance_days"
            " | rollover_retention_cycles | valid_from | valid_to",
            "SOLO | Solo | 30.00 | USD | false | 0 | 1 | 2020-01-01 |",
            "PLAIN | Plain | 20.00 | USD | false | 0 | 0 | 2020-01-01 |",
            "SHARE | Share | 30.00 | USD | true | 3 | 2 | 2020-01-01 |",
            "LINE | Line | 12.00 | USD | false | 0 | 0 | 2020-01-01 |",
            "TRIO | Trio | 60.00 | USD | true | 0 | 1 | 2020-01-01 |",
        ),
        "plan_pools": table(
            "plan_id | pool_id | unit_type | allowance | burn_order | has_rollover"
            " | rollover_cycles | rollover_cap | resale_rate | extension_rate | deferral_fee_share",
            "SOLO | any | minute | 100 | allowance_first | true | 2 | | 0.05 | 0.01 |",
            "PLAIN | any | minute | 60 | allowance_first | false | | | | |",
            "SHARE | any | minute | 1000 | allowance_first | true | 6 | | 0.05 | 0.01 | 0.40",
            "TRIO | any | minute | 300 | allowance_first | true | 3 | | 0.05 | 0.01 |",
        ),
        "plan_services": table(
            "plan_id | carrier_id | service | call_type | direction | treatment | pool_id"
            " | tariff_id | minimum_quantity | increment | overage_rate | priority",
            "SOLO | wireless | voice | international | * | metered | | INTL | 0 | 1 | | 5",
            "SOLO | wireless | voice | toll_free | * | free | | | 0 | 60 | | 6",
            "SOLO | wireless | voice | * | * | pool | any | | 60 | 60 | 0.40 | 10",
            "PLAIN | wireless | voice | * | * | pool | any | | 60 | 60 | 0.50 | 10",
            "SHARE | wireless | voice | * | * | pool | any | | 60 | 60 | 0.40 | 10",
            "SHARE | wireline | voice | long_distance | originated | pool | any | | 60 | 6"
            " | 0.10 | 20",
            "SHARE | wireline | voice | * | * | free | | | 0 | 1 | | 30",
            "LINE | wireline | voice | local | * | free | | | 0 | 1 | | 10",
            "LINE | wireline | voice | long_distance | * | metered | | LD | 0 | 1 | | 20",
            "TRIO | wireless | voice | * | * | pool | any | | 60 | 60 | 0.40 | 10",
            "TRIO | wireline | voice | * | * | pool | any | | 60 | 60 | 0.10 | 20",
            "TRIO | internet | voice | * | * | pool | any | | 60 | 60 | 0.10 | 30",
        ),
        "no_charge_rules": [],
        "rate_periods": table(
            "rate_period_id | iso_weekday | start_time | end_time",
            *(f"nights | {weekday} | 00:00 | 06:00" for weekday in range(1, 8)),
            *(f"nights | {weekday} | 21:00 | 24:00" for weekday in range(1, 8)),
        ),
        "tariffs": table(
            "tariff_id | destination_prefix | description | connection_fee | rate | unit_type"
            " | minimum_quantity | increment | valid_from | valid_to",
            "LD | | Long distance | 0 | 0.07 | minute | 18 | 6 | 2020-01-01 |",
            "INTL | 44 | UK | 0.50 | 0.12 | minute | 30 | 6 | 2020-01-01 |",
            "INTL | 447 | UK mobile | 0 | 0.29 | minute | 30 | 6 | 2020-01-01 | 2025-02-01",
            "INTL | 447 | UK mobile | 0 | 0.31 | minute | 30 | 6 | 2025-02-01 |",
        ),
        "tax_jurisdictions": table(
            "jurisdiction_id | level | parent_jurisdiction_id",
            "NOWHERE | federal |",
            "NATION | federal |",
            "STATE | state | NATION",
            "TOWN | local | STATE",
        ),
        "tax_rates": table(
            "jurisdiction_id | tax_code | description | charge_category | carrier_id | rate"
            " | valid_from | valid_to",
            "NATION | FUND | Fund | plan_fee | * | 0.10 | 2020-01-01 | 2025-02-01",
            "NATION | FUND | Fund | plan_fee | * | 0.11 | 2025-02-01 |",
            "STATE | SALES | Sales tax | * | * | 0.04 | 2020-01-01 |",
            "TOWN | TEL | Telephone tax | usage | wireless | 0.03 | 2020-01-01 |",
        ),
        "settlement_agreements": table(
            "agreement_id | plan_id | usage_basis | basis_unit_type | usage_share | valid_from"
            " | valid_to",
            "AG-SHARE | SHARE | billable | minute | usage_carrier | 2020-01-01 |",
            "STANDARD | * | billable | minute | usage_carrier | 2020-01-01 |",
        ),
        "settlement_terms": table(
            "agreement_id | carrier_id | fixed_fee | remainder_percent",
            "AG-SHARE | wireless | 10.00 |",
            "AG-SHARE | wireline | 6.00 |",
            "STANDARD | wireless | 0.00 |",
            "STANDARD | wireline | 0.00 |",
            "STANDARD | internet | 0.00 |",
        ),
    }


def change(
    seeds: dict[str, Seed], seed: str, where: dict[str, str], **values: str
) -> dict[str, Seed]:
    """Changes the rows of a seed that have the values of `where`."""
    hit = [row for row in seeds[seed] if all(row.get(k) == v for k, v in where.items())]
    if not hit:
        raise ValueError(f"no row of {seed} with {where}")
    for row in hit:
        row.update(values)
    return seeds


def rule(plan_id: str, rule_id: str, kind: str, **values: str) -> dict[str, str | None]:
    row: dict[str, str | None] = {
        "plan_id": plan_id,
        "rule_id": rule_id,
        "rule": kind,
        "scope": "any",
        "rate_period_id": "nights" if kind == "rate_period" else "",
        "carrier_id": "",
        "service": "voice",
        "unit_factor": "0",
        "allowance": "",
        "priority": "10",
    }
    return {**row, **values}


class World:
    """One account `A` unless said otherwise; numbers are made up from carrier and account."""

    def __init__(
        self, seeds: dict[str, Seed] | None = None, first_billing_date: date | None = None
    ) -> None:
        self.rater = Rater(seeds or small_catalog(), first_billing_date)
        self.count = 0

    def _id(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count:03d}"

    @staticmethod
    def number(carrier: str = "wireless", account: str = "A") -> str:
        lead = {"wireless": "1", "wireline": "2", "internet": "3"}.get(carrier, "4")
        return f"+1404{lead}" + "".join(f"{ord(letter) % 100:02d}" for letter in account)[-6:]

    def account(
        self,
        account: str = "A",
        day: int = 1,
        zone: str = "UTC",
        opened: str = "2025-01-01",
        closed: str | None = None,
        tax: str = "NOWHERE",
        billing: str | None = None,
    ) -> LoadResult:
        row = {
            "account_id": account,
            "holder_name": "Holder",
            "bill_cycle_day": str(day),
            "time_zone": zone,
            "tax_jurisdiction_id": tax,
            "opened_on": opened,
            "closed_on": closed,
            "billing_system": billing,
        }
        return self.rater.load("accounts", [row])

    def line(
        self,
        carrier: str = "wireless",
        account: str = "A",
        since: str = "2024-01-01T00:00:00Z",
        until: str | None = None,
        plan: str | None = None,
        as_of: str = "2024-01-01T00:00:00Z",
        number: str | None = None,
    ) -> LoadResult:
        row = {
            "account_id": account,
            "service_number": number or self.number(carrier, account),
            "plan_id": plan,
            "status": "active" if until is None else "disconnected",
            "activated_at": since,
            "deactivated_at": until,
        }
        return self.rater.load("subscribers", [row], carrier, datetime.fromisoformat(as_of))

    def change_line(
        self,
        at: str,
        carrier: str = "wireless",
        account: str = "A",
        since: str = "2024-01-01T00:00:00Z",
        until: str | None = None,
        plan: str | None = None,
        number: str | None = None,
    ) -> LoadResult:
        row = {
            "change_id": self._id("ch"),
            "changed_at": at,
            "account_id": account,
            "service_number": number or self.number(carrier, account),
            "plan_id": plan,
            "status": "active" if until is None else "disconnected",
            "activated_at": since,
            "deactivated_at": until,
        }
        return self.rater.load("subscriber_changes", [row], carrier)

    def order(
        self,
        plan: str | None,
        on: str,
        carrier: str = "wireless",
        action: str = "subscribe",
        at: str | None = None,
        status: str = "completed",
        status_at: str | None = None,
        order: str | None = None,
        names: str | None = None,
        account: str = "A",
    ) -> LoadResult:
        row = {
            "order_id": order or self._id("o"),
            "account_id": account,
            "action": action,
            "plan_id": plan,
            "requested_at": at or f"{on}T00:00:00Z",
            "effective_on": on,
            "status": status,
            "status_at": status_at,
            "counterpart_order_id": names,
        }
        return self.rater.load("orders", [row], carrier)

    def share(self, plan: str = "SHARE", on: str = "2025-01-01", account: str = "A") -> None:
        """An integrated plan ordered at each of its carriers."""
        for carrier in sorted(self.rater.catalog.plans[plan].carriers):
            self.order(plan, on, carrier, account=account)

    def solo(self, plan: str = "SOLO", on: str = "2025-01-01", **account: Any) -> "World":
        self.account(**account)
        self.line()
        self.order(plan, on)
        return self

    def call(
        self,
        at: str,
        minutes: int = 0,
        seconds: int = 0,
        cdr: str | None = None,
        carrier: str = "wireless",
        account: str = "A",
        to: str | None = "+14049999999",
        action: str | None = None,
        **values: Any,
    ) -> str:
        """Loads one record; gives its id. `at` without offset is UTC."""
        cdr_id = cdr or self._id("c")
        row = {
            "cdr_id": cdr_id,
            "calling_number": self.number(carrier, account),
            "called_number": to,
            "direction": "originated",
            "service": "voice",
            "call_type": None,
            "started_at": at if at[-1] == "Z" or "+" in at else f"{at}Z",
            "quantity": str(minutes * 60 + seconds),
            "action": action,
            **values,
        }
        result = self.rater.load("cdrs", [row], carrier)
        if result.accepted != 1:
            raise ValueError(f"not accepted: {result}")
        return cdr_id

    def void(self, cdr: str, at: str, carrier: str = "wireless") -> None:
        self.call(at, cdr=cdr, carrier=carrier, action="void")

    def adjust(
        self,
        action: str,
        quantity: str,
        at: str,
        pool: str = "any",
        bucket: str | None = None,
        cycles: int | None = None,
        adjustment: str | None = None,
        account: str = "A",
    ) -> str:
        adjustment_id = adjustment or self._id("j")
        row = {
            "adjustment_id": adjustment_id,
            "account_id": account,
            "pool_id": pool,
            "action": action,
            "quantity": quantity,
            "reason_code": "error_correction",
            "adjusted_at": f"{at}Z" if "T" in at else f"{at}T00:00:00Z",
            "adjusted_by": "me",
            "bucket_cycle_start": bucket,
            "extend_cycles": None if cycles is None else str(cycles),
        }
        self.rater.load("rollover_adjustments", [row])
        return adjustment_id

    def opening(
        self,
        quantity: str,
        earned: str,
        expires: str,
        pool: str = "any",
        deferred: str | None = None,
        as_of: str = "2025-01-01",
        account: str = "A",
    ) -> LoadResult:
        row = {
            "account_id": account,
            "pool_id": pool,
            "earned_cycle_start": earned,
            "expires_on": expires,
            "quantity": quantity,
            "deferred_amount": deferred,
            "as_of": as_of,
        }
        return self.rater.load("rollover_opening", [row])

    def report(
        self,
        cycle: str,
        figures: str = "0 0 0 0 0 0",
        pool: str = "any",
        end: str | None = None,
        fee: str | None = None,
        request: str | None = None,
        account: str = "A",
    ) -> LoadResult:
        """`figures`: allowance, plan_used, overage, rollover_used, accumulated, expired."""
        names = ("allowance", "plan_used", "overage", "rollover_used", "accumulated", "expired")
        start = date.fromisoformat(cycle)
        row = {
            "account_id": account,
            "pool_id": pool,
            "cycle_start": cycle,
            "cycle_end": end or month_after(start).isoformat(),
            **dict(zip(names, figures.split(), strict=True)),
            "reported_at": f"{end or month_after(start).isoformat()}T12:00:00Z",
            "plan_fee": fee,
            "request_id": request,
        }
        return self.rater.load("rollover_results", [row])

    def build(self) -> int | None:
        """What a build ends: the close_id, if anything."""
        return self.rater.end_reported(LATER)

    def close(self, through: str, now: datetime = LATER) -> int | None:
        return self.rater.close(date.fromisoformat(through), now=now)

    def close_each(self, *throughs: str) -> None:
        for through in throughs:
            self.close(through)

    # --- reading --------------------------------------------------------------------------------

    def rows(self, mart: str, as_of: str | None = None, **where: Any) -> list[dict[str, Any]]:
        at = datetime.fromisoformat(as_of) if as_of else None
        return [
            row
            for row in self.rater.mart(mart, at)
            if all(row[column] == value for column, value in where.items())
        ]

    def one(self, mart: str, as_of: str | None = None, **where: Any) -> dict[str, Any]:
        rows = self.rows(mart, as_of, **where)
        if len(rows) != 1:
            raise AssertionError(f"{len(rows)} rows of {mart} with {where}: {rows}")
        return rows[0]

    def usage(self, cdr: str, is_reversal: bool = False) -> dict[str, Any]:
        return self.one("rating.rated_usage", cdr_id=cdr, is_reversal=is_reversal)

    def bucket(self, bucket_id: str) -> dict[str, Any]:
        return self.one("rollover.rollover_buckets", bucket_id=bucket_id)

    def matrix(self, cycle_start: str, **where: Any) -> dict[str, Any]:
        return self.one(
            "rollover.rollover_matrix", cycle_start=date.fromisoformat(cycle_start), **where
        )

    def settled(self, cycle_end: str) -> dict[str, tuple[str, str, str, str]]:
        """Of one bill: carrier -> fixed, remainder, usage, total."""
        return {
            row["carrier_id"]: (
                str(row["fixed_amount"]),
                str(row["remainder_amount"]),
                str(row["usage_amount"]),
                str(row["total_amount"]),
            )
            for row in self.rows(
                "settlement.settlement_lines", cycle_end=date.fromisoformat(cycle_end)
            )
        }

    def lines(self, cycle_end: str) -> list[tuple[str, str]]:
        """Of one bill: section and amount of each line."""
        bill_id = f"A-{date.fromisoformat(cycle_end):%Y%m%d}"
        return [
            (row["section"], str(row["amount"]))
            for row in self.rows("billing.bill_lines", bill_id=bill_id)
        ]
