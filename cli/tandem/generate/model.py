"""The records of a town before they become files: accounts, orders, lines, calls by script."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from tandem.generate.places import INTERNET, WIRELESS, WIRELINE

#: What a household may hold, and its share of all. TWO_PLANS is one plan at each carrier.
TWO_PLANS = "WIRELESS500+WIRELINE_LD"
OFFERS = {
    "SHARE1000": 0.40,
    "SHARE800": 0.25,
    "SHARE_DATA": 0.15,
    "WIRELESS500": 0.08,
    "WIRELINE_LD": 0.04,
    TWO_PLANS: 0.08,
}
#: Carriers whose services each plan of the catalog takes in.
PLAN_CARRIERS = {
    "SHARE1000": (WIRELESS, WIRELINE),
    "SHARE800": (WIRELESS, WIRELINE),
    "SHARE_DATA": (WIRELESS, INTERNET),
    "WIRELESS500": (WIRELESS,),
    "WIRELINE_LD": (WIRELINE,),
}
#: Days by which the dates of the orders for a plan may differ.
SYNC_TOLERANCE_DAYS = {
    "SHARE1000": 0,
    "SHARE800": 3,
    "SHARE_DATA": 0,
    "WIRELESS500": 0,
    "WIRELINE_LD": 0,
}

#: Mistakes in orders, and the exceptions that each makes: of which type, and how many.
ORDER_FAULTS = {
    "missing_counterpart": ("missing_counterpart", 1),
    "late_counterpart": ("missing_counterpart", 1),
    "slow_counterpart": ("missing_counterpart", 1),
    "third_missing": ("missing_counterpart", 2),
    "counterpart_failed": ("counterpart_failed", 1),
    "failed_then_retried": ("counterpart_failed", 1),
    "withdrawn": ("counterpart_failed", 1),
    "called_off": ("counterpart_failed", 0),
    "mismatched_date": ("mismatched", 2),
    "mismatched_plan": ("mismatched", 2),
    "mismatched_action": ("mismatched", 2),
    "unknown_plan": ("unknown_plan", 1),
    "refused_late": ("missing_counterpart", 1),
    "unknown_account": ("unknown_account", 1),
}
#: Those after which the carriers agree in the end.
HEALING_FAULTS = ("late_counterpart", "slow_counterpart", "failed_then_retried")


@dataclass(slots=True)
class Account:
    """A subscriber. `rows` are its rows of the accounts feed, each with when it was sent.

    `plans` are the plans in effect at the end of the run by carrier, by orders in step.
    """

    index: int
    account_id: str
    city: int
    offer: str
    bill_cycle_day: int
    opened_on: date
    holder_name: str
    address: tuple[str, str, str]
    email: str
    closed_on: date | None = None
    story: str = ""
    fault: str = ""
    plans: dict[int, str | None] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    rows: list[AccountRow] = field(default_factory=list)


@dataclass(slots=True)
class AccountRow:
    """One row of the accounts feed. `late` ones come after the close of their month."""

    sent_at: int
    cells: tuple[str, ...]
    late: bool = False


@dataclass(slots=True)
class Order:
    """An order at one carrier, with its states as (since when, status) in order."""

    carrier: int
    account: Account
    action: str
    plan_id: str
    requested_at: int
    effective_on: date
    service_number: str = ""
    states: list[tuple[int, str]] = field(default_factory=list)
    counterpart: Order | None = None
    order_id: str = ""

    @property
    def done_at(self) -> int | None:
        """When it was completed, if it was."""
        return next((at for at, status in self.states if status == "completed"), None)


@dataclass(slots=True)
class Snapshot:
    """A line as its carrier's subscriber data show it from `at` on.

    `announced`: a change record says so (else only the next batch does); `late`: the record
    comes after the close of its month, and batches before that do not know it either.
    """

    at: int
    plan_id: str
    status: str
    activated_at: int
    deactivated_at: int | None
    name: str
    email: str
    announced: bool = True
    late: bool = False


@dataclass(slots=True)
class Line:
    """A service number of one carrier and account; `usage` are the times in which it is used."""

    index: int
    carrier: int
    account: Account
    number: int
    weight: float
    snapshots: list[Snapshot] = field(default_factory=list)
    usage: list[tuple[int, int]] = field(default_factory=list)

    def active(self, at: int) -> bool:
        """Whether it is used at the instant."""
        return any(begin <= at < end for begin, end in self.usage)


@dataclass(slots=True)
class Adjustment:
    """A row of rollover_adjustments without its id; `sent_at` decides the folder."""

    sent_at: int
    cells: tuple[str, ...]
    adjustment_id: str = ""


@dataclass(frozen=True, slots=True)
class OpeningBalance:
    """A row of rollover_opening: units that a household brings from another billing system."""

    account: Account
    pool_id: str
    earned_cycle_start: date
    expires_on: date
    quantity: str
    deferred_amount: str
    as_of: int


#: Fates of a call: what happens to its record on the way.
ON_TIME, LATE, VOID_BEFORE_BILL, VOID_AFTER_BILL, VOID_BEFORE_RECORD = range(5)


@dataclass(slots=True)
class ScriptedCall:
    """A call that a story or an edge case needs: its other end is a stranger."""

    line: Line
    at: int
    quantity: int
    service: str = "voice"
    terminated: bool = False
    call_type: str = "local"
    other: int = 0
    other_type: str = ""
    fate: int = ON_TIME


@dataclass(slots=True)
class Population:
    """Everybody, and all that happens to them besides their calls."""

    accounts: list[Account] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    openings: list[OpeningBalance] = field(default_factory=list)
    script: list[ScriptedCall] = field(default_factory=list)
    #: Indices of lines that the last batch should have and has not.
    absent: set[int] = field(default_factory=set)
    stories: dict[str, Story] = field(default_factory=dict)
    trouble: Counter[str] = field(default_factory=Counter)
    #: Accounts by kind of trouble, for what concerns orders and what carriers say of lines.
    cases: dict[str, list[str]] = field(default_factory=dict)
    #: Exceptions of bundle integrity that the trouble with orders and plans makes, by type.
    exceptions: Counter[str] = field(default_factory=Counter)
    numbers_used: list[int] = field(default_factory=lambda: [0, 0, 0])

    def note(self, kind: str, account: Account) -> None:
        """Count trouble of an account, and keep whose it is."""
        self.trouble[kind] += 1
        self.cases.setdefault(kind, []).append(account.account_id)


@dataclass(frozen=True)
class Story:
    """A household worth looking at: which accounts, and what happens to them."""

    account_ids: tuple[str, ...]
    what: str
