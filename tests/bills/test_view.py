"""What a bill says: its figures, words and refusals."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tandem.bills import BillError
from tandem.bills import format as fmt
from tandem.bills.charges import sections_of
from tandem.bills.model import Step
from tandem.bills.view import view_of
from tandem.rollover.buckets import sentences

from . import factory

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        ("1234.5", 2, "1,234.50"),
        ("-5", 2, f"{MINUS}5.00"),
        ("0.005", 2, "0.01"),
        ("0.0049", 2, "<0.01"),
        ("-0.0001", 2, f"{MINUS}<0.01"),
        ("0", 2, "0.00"),
        ("999999999999.995", 2, "1,000,000,000,000.00"),
    ],
)
def test_numbers_round_half_up_and_never_hide_a_small_amount(
    value: str, decimals: int, text: str
) -> None:
    assert fmt.number(Decimal(value), decimals) == text


def test_money_rates_and_units() -> None:
    assert fmt.money(Decimal("-68.52"), "USD") == f"{MINUS}$68.52"
    assert fmt.money(Decimal("0.085"), "USD") == "$0.085"
    assert fmt.money(Decimal(7), "CHF") == "CHF\N{NO-BREAK SPACE}7.00"
    assert fmt.percent(Decimal("0.0425")) == "4.25%"
    assert fmt.counted(Decimal(1), "minute") == "1\N{NO-BREAK SPACE}minute"
    assert fmt.counted(Decimal("46.500000"), "minute") == "46.5\N{NO-BREAK SPACE}minutes"
    assert fmt.clock("9.500000") == "9:30"
    assert fmt.clock("0.016667") == "0:01"
    assert fmt.aligned(Decimal("0.200000"), 4) == "0.20\N{FIGURE SPACE}\N{FIGURE SPACE}"


def test_dates_times_and_numbers() -> None:
    day = fmt.date_of
    assert fmt.period(day("2026-06-01"), day("2026-07-01")) == "1\N{EN DASH}30 June 2026"
    assert fmt.period(day("2026-06-15"), day("2026-07-15")) == "15 June \N{EN DASH} 14 July 2026"
    across = fmt.period(day("2026-12-15"), day("2027-01-15"))
    assert across == "15 December 2026 \N{EN DASH} 14 January 2027"
    assert fmt.call_time("00:05:09") == "12:05\N{NO-BREAK SPACE}am"
    assert fmt.call_time("12:00:00") == "12:00\N{NO-BREAK SPACE}pm"
    assert fmt.call_date("2026-06-03", 2026) == "Wed 3 Jun"
    assert fmt.call_date("2025-12-31", 2026) == "Wed 31 Dec 2025"
    assert fmt.phone("+14045550123") == "(404)\N{NO-BREAK SPACE}555-0123"
    assert fmt.phone("+442079460018") == "+442079460018"
    assert fmt.phone("411") == "411"
    # Issued at 02:00 UTC on the 2nd is still the evening of the 1st in New York.
    assert str(fmt.local_date("2026-07-02T02:00:00+00:00", "America/New_York")) == "2026-07-01"
    assert str(fmt.local_date("2026-07-02T02:00:00+00:00", "No/Where")) == "2026-07-02"
    assert str(fmt.next_month(day("2026-01-31"))) == "2026-02-28"


def test_text_loses_what_could_repaint_its_surroundings() -> None:
    assert fmt.clean("a\x1b[31mb\r\nc\u202ed\x00") == "a [31mb cd"
    assert fmt.clean(" 東京  Łódź \ue000") == "東京 Łódź \N{REPLACEMENT CHARACTER}"
    assert fmt.clean(None) == ""


def test_the_sum_names_every_part_and_why() -> None:
    view = view_of(factory.document(60, reversal=True))
    assert [(row.label, row.note) for row in view.sums[:1]] == [("Plan", "Share 1000")]
    assert [row.label for row in view.sums] == ["Plan", "Usage", "One-time", "Taxes"]
    assert view.sums[1].note == "overage $5.00, outside your plan $5.38"
    assert view.total == "$" + factory.document(60, reversal=True)["totals"]["total_amount"]


def test_the_chart_in_words_and_in_proportion() -> None:
    document = factory.document(60)
    pool = document["pools"][0]
    pool |= {
        "allowance_units": "1000.000000",
        "plan_used_units": "1000.000000",
        "rollover_used_units": "80.000000",
        "overage_units": "20.000000",
        "no_charge_units": "310.000000",
    }
    shown = view_of(document).pools[0]
    assert shown.sentence.replace("\N{NO-BREAK SPACE}", " ") == (
        "You used 1,100 minutes: all 1,000 in your plan, 80 from rollover and 20 as overage."
        " Another 310 were at no charge."
    )
    assert [(part.kind, part.width) for part in shown.segments] == [
        ("plan", "90.909"),
        ("rollover", "7.273"),
        ("overage", "1.818"),
    ]
    assert shown.allowance_at == "90.909"
    assert [figure.value for figure in shown.figures] == ["1,000", "80", "20", "310"]


@pytest.mark.parametrize(
    ("quantity", "amount", "how"),
    [
        ("1478", "206.70", "in part overage at $0.15 per message"),
        ("1378", "206.70", "overage at $0.15 per message"),
        ("1378.03", "206.70", "overage at $0.15 per message"),
        ("1478", "0.00", "within your plan"),
    ],
)
def test_a_line_of_which_the_plan_paid_a_part_says_so(quantity: str, amount: str, how: str) -> None:
    """Else 1,478 messages at 0.15 seem to be 206.70: a customer who multiplies asks for money."""
    document = factory.document(60)
    line = next(line for line in document["lines"] if line.get("treatment") == "pool")
    line |= {
        "unit_type": "message", "quantity_units": quantity, "amount": amount, "rate": "0.150000",
    }  # fmt: skip
    shown = [
        row.how
        for section in sections_of(document, "USD")
        for group in section.groups
        for row in group.lines
    ]
    assert how in shown


@pytest.mark.parametrize("overage", ["0.000001", "1", "999999999"])
def test_a_bar_is_never_wider_than_whole_and_shows_every_part(overage: str) -> None:
    document = factory.document(5)
    document["pools"][0] |= {"plan_used_units": "3", "overage_units": overage}
    segments = view_of(document).pools[0].segments
    assert sum(Decimal(part.width) for part in segments) == pytest.approx(100, abs=Decimal("0.01"))
    assert all(Decimal(part.width) >= Decimal("0.5") for part in segments)


def test_carriers_share_a_pool_only_where_the_usage_says_so() -> None:
    document = factory.document(60)
    spans = view_of(document).pools[0].spans
    assert [span.carrier for span in spans] == ["Peachtree Wireless", "Piedmont Telephone"]
    used = sum(
        Decimal(document["pools"][0][f"{part}_units"])
        for part in ("plan_used", "rollover_used", "overage")
    )
    assert sum(Decimal(span.value.replace(",", "")) for span in spans) == used
    document["usage_by_line"][1]["plan_units"] = "1.000000"
    assert view_of(document).pools[0].spans == []


def test_rollover_says_how_much_until_when_and_warns_of_the_next_to_go() -> None:
    rollover = view_of(factory.document(60, minutes=700)).pools[0].rollover
    assert rollover is not None
    assert rollover.sentence.endswith("Use 30 of it by 31 July 2026, in your next period.")
    first, *others = rollover.buckets
    assert (first.use_by, first.state, first.is_next) == ("31 Jul 2026", "expires next", True)
    assert not any(bucket.is_next for bucket in others)
    assert [step.sign for step in rollover.steps] == ["", "+", MINUS, "+", "="]


def test_rollover_that_a_plan_does_not_use_is_kept_not_promised() -> None:
    document = factory.document(60, minutes=700)
    for bucket in document["pools"][0]["buckets"]:
        bucket["status"] = "retained"
    rollover = view_of(document).pools[0].rollover
    assert rollover is not None
    assert rollover.sentence.endswith(
        "It is kept for you, but not used: on 30 June 2026, the last day of this period, you had"
        " no plan with rollover for it."
    )
    assert "Kept" in [note.label for note in view_of(document).notes]
    assert {bucket.state for bucket in rollover.buckets} == {"kept"}


def test_what_did_not_fit_under_the_limit_is_told() -> None:
    document = factory.document(60, minutes=700)
    document["pools"][0]["rollover"]["capped_units"] = "12.000000"
    rollover = view_of(document).pools[0].rollover
    assert rollover is not None
    assert rollover.note.startswith("12\N{NO-BREAK SPACE}minutes more did not fit")


def adjusted(**values: Any) -> dict[str, Any]:
    return factory.document(40, minutes=1020, adjusted=True, **values)


def signed(step: Step) -> Decimal:
    value = Decimal(step.value.replace(",", ""))
    return -value if step.sign == MINUS else value


def test_the_position_adds_up_and_tells_each_adjustment_apart() -> None:
    rollover = view_of(adjusted()).pools[0].rollover
    assert rollover is not None
    assert [(step.sign, step.value, step.label) for step in rollover.steps] == [
        ("", "56.5", "brought forward"),
        ("+", "70", "from your previous billing"),
        ("+", "25", "credited"),
        ("+", "15", "bought back"),
        (MINUS, "12", "taken back"),
        (MINUS, "25.2", "used"),
        (MINUS, "10", "expired"),
        ("+", "0", "newly earned"),
        ("=", "119.3", "left from 1 July"),
    ]
    *terms, left = rollover.steps
    assert sum(map(signed, terms)) == signed(left)


@pytest.mark.parametrize("make", [adjusted, factory.archived, lambda: factory.document(60)])
def test_each_bucket_adds_up(make: Callable[[], dict[str, Any]]) -> None:
    rollover = view_of(make()).pools[0].rollover
    assert rollover is not None
    assert rollover.note == ""
    for bucket in rollover.buckets:
        taken = sum(Decimal(cell.text) for cell in bucket.cells)
        assert Decimal(bucket.started) - taken == Decimal(bucket.remaining)
        assert Decimal(bucket.fill) <= Decimal(bucket.length)


def test_a_bucket_says_how_it_came_and_until_when_it_lasts() -> None:
    rollover = view_of(adjusted()).pools[0].rollover
    assert rollover is not None
    assert rollover.columns == ["Used", "Taken back", "Expired"]
    assert [(b.use_by, b.earned, b.origin, b.state) for b in rollover.buckets] == [
        ("30 Jun 2026", "1 Apr 2026", "", "expired"),
        ("31 Jul 2026", "1 Aug 2025", "previous billing", "expires next"),
        ("31 Aug 2026", "1 Jul 2025", "previous billing, prolonged", ""),
        ("31 Jan 2027", "1 Feb 2026", "", ""),
        ("31 May 2027", "1 Jun 2026", "credit", ""),
        ("31 May 2027", "1 Jun 2026", "bought back", ""),
    ]
    labels = {note.label for note in view_of(adjusted()).notes}
    assert {"Previous billing", "Bought back", "Prolonged", "Taken back"} <= labels
    assert "Archived" not in labels


def test_the_warning_knows_of_buckets_that_last_longer_but_are_used_first() -> None:
    """Who uses just the 30 minutes that are due would lose them: 2.8 of a prolonged bucket are
    older, and so used first."""
    document = adjusted()
    rollover = view_of(document).pools[0].rollover
    assert rollover is not None
    assert rollover.sentence.replace("\N{NO-BREAK SPACE}", " ") == (
        "You have 119.3 minutes of rollover. Use 30 of it by 31 July 2026, in your next period;"
        " 2.8 minutes that last longer are used first."
    )
    due = document["pools"][0]["rollover"]["expiring_next_units"]
    assert Decimal(due) == sum(Decimal(b.remaining) for b in rollover.buckets if b.is_next)
    # a life is counted in periods: another bill cycle day moves the date, not the warning
    for bucket in document["pools"][0]["buckets"]:
        if bucket["use_by"] == "2026-07-31":
            bucket["use_by"] = "2026-08-14"
    moved = view_of(document).pools[0].rollover
    assert moved is not None
    assert "Use 30 of it by 14 August 2026, in your next period" in moved.sentence


def test_what_is_left_is_what_rollover_show_says() -> None:
    document = adjusted()
    rows = [
        {
            "status": bucket["status"],
            "remaining_units": Decimal(bucket["remaining_units"]),
            "use_by": date.fromisoformat(bucket["use_by"]),
            "expires_on": date.fromisoformat(bucket["use_by"]) + timedelta(days=1),
        }
        for bucket in document["pools"][0]["buckets"]
    ]
    assert sentences(rows, "minute", date(2026, 8, 1)) == [
        "119.3 minutes left to use.",
        "30 expire with this cycle unless used by 31 July 2026.",
    ]


def test_archived_rollover_is_told_and_an_allowance_that_is_gone_is_not_drawn() -> None:
    view = view_of(factory.archived())
    pool = view.pools[0]
    assert pool.rollover is not None
    assert pool.rollover.sentence.replace("\N{NO-BREAK SPACE}", " ") == (
        "You have no rollover left. 76.5 minutes were archived, because your plan no longer has"
        " this rollover."
    )
    assert [(step.sign, step.value) for step in pool.rollover.steps] == [
        ("", "76.5"), (MINUS, "76.5"), ("=", "0"),
    ]  # fmt: skip
    assert pool.rollover.columns == ["Used", "Archived"]
    assert {(b.use_by, b.state) for b in pool.rollover.buckets} == {("", "archived")}
    assert [charted.name for charted in view.charted] == ["Messages"]
    assert view.pooled == "messages"
    assert "Archived" in {note.label for note in view.notes}


def test_adjustments_that_buckets_do_not_account_for_are_told_as_one() -> None:
    document = adjusted()
    for bucket in document["pools"][0]["buckets"]:
        del bucket["given_units"]
    rollover = view_of(document).pools[0].rollover
    assert rollover is not None
    assert [(s.sign, s.value, s.label) for s in rollover.steps[2:3]] == [("+", "28", "adjusted")]


def test_rollover_without_adjustments_is_told_as_ever() -> None:
    """Documents that know nothing of adjustments, and those in which there are none."""
    document = factory.document(60, minutes=700)
    del document["pools"][0]["buckets"][3]
    position = document["pools"][0]["rollover"]
    position |= {"adjusted_units": "0.000000", "closing_balance": "431.400000"}
    bucket = document["pools"][0]["buckets"][-1]
    bucket |= {"opening_units": bucket["accumulated_units"], "accumulated_units": "0.000000"}
    old = copy.deepcopy(document)
    for key in ("taken_over_units", "expiring_next_units"):
        del old["pools"][0]["rollover"][key]
    new_keys = ("given", "accumulated", "debited", "archived")
    for bucket in old["pools"][0]["buckets"]:
        for key in ("is_taken_over", "is_extended", "cycles_left", *new_keys):
            del bucket[f"{key}_units" if key in new_keys else key]
    assert view_of(old) == view_of(document)
    rollover = view_of(old).pools[0].rollover
    assert rollover is not None
    assert [step.label for step in rollover.steps] == [
        "brought forward", "used", "newly earned", "left from 1 July",
    ]  # fmt: skip
    assert rollover.columns == ["Used"]


def test_sums_that_rounding_breaks_are_owned_up_to() -> None:
    document = factory.document(60, minutes=700)
    position = document["pools"][0]["rollover"]
    third = Decimal("0.333333")
    position["opening_balance"] = str(Decimal(position["opening_balance"]) + third)
    position["accumulated_units"] = str(Decimal(position["accumulated_units"]) + third)
    position["closing_balance"] = str(Decimal(position["closing_balance"]) + 2 * third)
    rollover = view_of(document).pools[0].rollover
    assert rollover is not None
    assert rollover.note == "Figures are rounded to hundredths; their sums are not."


def test_one_time_lines_say_what_made_their_amount() -> None:
    document = adjusted(reversal=True)
    view = view_of(document)
    (section,) = [part for part in view.sections if part.title.startswith("One-time")]
    shown = [
        (group.title, line.description, line.how, line.quantity.replace("\N{NO-BREAK SPACE}", " "))
        for group in section.groups
        for line in group.lines
    ]
    assert shown == [
        (
            "Rollover",
            "Anytime minutes, expired units bought back, from the period of 1 Jun 2025",
            "$0.20 per minute",
            "15.0 min",
        ),
        (
            "Rollover",
            "Anytime minutes, life prolonged by 2 periods, from the period of 1 Jul 2025",
            "$0.02 per minute and period",
            "40.0 min \N{MULTIPLICATION SIGN} 2",
        ),
        ("Peachtree Wireless", "Calls, long distance, reversed, of 12 May 2026", "", ""),
    ]
    (one_time,) = [row for row in view.sums if row.label == "One-time"]
    assert one_time.note == f"rollover $4.60, reversed {MINUS}$3.60"
    alone = view_of(adjusted())
    (one_time,) = [row for row in alone.sums if row.label == "One-time"]
    assert one_time.note == "rollover bought back and prolonged"
    assert [group.title for part in alone.sections for group in part.groups][-2:] == ["", ""]
    # calls alone need no words
    (one_time,) = [
        row for row in view_of(factory.document(9, reversal=True)).sums if row.label == "One-time"
    ]
    assert one_time.note == ""


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"funding": "plan"}, "Plan"),
        ({"funding": "plan+rollover+overage"}, "Plan + rollover + overage"),
        ({"no_charge_reason": "night_weekend"}, "Free: nights & weekends"),
        ({"no_charge_reason": "mobile_to_mobile"}, "Free: mobile to mobile"),
        ({"no_charge_reason": "free_service"}, "Free with your plan"),
        ({"no_charge_reason": "zero_duration"}, "Free: not connected"),
        ({"no_charge_reason": "sunday_special"}, "Free: sunday special"),
        (
            {"funding": "plan", "no_charge_reason": "night_weekend"},
            "Plan, part free: nights & weekends",
        ),
        ({"category": "metered"}, "Outside plan"),
        ({"is_reversal": True}, "Charge taken back"),
    ],
)
def test_every_call_says_what_paid_for_it(values: dict[str, object], text: str) -> None:
    document = factory.document(1)
    plain = {"funding": None, "no_charge_reason": None, "is_reversal": False}
    document["calls"][0] |= plain | values
    assert view_of(document).details[0].days[0].calls[0].paid == text


def test_notes_explain_what_this_bill_has_and_nothing_else() -> None:
    labels = {note.label for note in view_of(factory.bare()).notes}
    assert labels == {"New charges"}
    full = view_of(factory.document(60, late=True, reversal=True))
    labels = {note.label for note in full.notes}
    assert {"Late", "Reversed", "Use by", "Overage", "Rounding.", "Outside your plan"} <= labels
    tags = [call.tag for part in full.details for day in part.days for call in day.calls]
    assert sorted(filter(None, tags)) == ["late", "reversed"]


def test_a_bill_whose_sums_are_wrong_is_refused() -> None:
    wrong_line = factory.document(5)
    wrong_line["lines"][0]["amount"] = "49.99"
    with pytest.raises(BillError, match=r"plan_fee lines sum to 49\.99"):
        view_of(wrong_line)
    wrong_total = factory.document(5)
    wrong_total["totals"]["total_amount"] = "1.00"
    with pytest.raises(BillError, match="do not sum"):
        view_of(wrong_total)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("lines", [{"section": "gift", "amount": "1.00"}], "unknown section"),
        ("cycle_end", "soon", "soon"),
        ("pools", [{"pool_id": "x"}], "lacks 'unit_type'"),
    ],
)
def test_a_broken_document_is_refused_by_name(key: str, value: object, reason: str) -> None:
    with pytest.raises(BillError, match=reason) as caught:
        view_of(factory.document(5) | {key: value})
    assert caught.value.bill_id == "A000123-20260701"


def test_floats_are_refused() -> None:
    document = factory.document(5)
    document["calls"][0]["charge_amount"] = 0.1
    with pytest.raises(BillError, match="no decimal string"):
        view_of(document)
    document = factory.document(5)
    document["pools"][0]["plan_used_units"] = "NaN"
    with pytest.raises(BillError, match="no finite number"):
        view_of(document)


def test_optional_values_may_be_null_or_absent() -> None:
    document = factory.document(20)
    for key in ("plans", "pools", "usage_by_line", "calls", "time_zone", "holder"):
        del document[key]
    for line in document["lines"]:
        for key in ("plan_name", "carrier_name", "rate", "quantity_units", "unit_type"):
            line.pop(key)
    view = view_of(document)
    assert view.address == []
    assert view.details == []
    assert view.sections[1].groups[0].title == "Peachtree Wireless"


def test_rollover_used_before_the_allowance_is_drawn_beside_it() -> None:
    document = factory.document(60)
    document["pools"][0] |= {
        "plan_used_units": "300.000000",
        "rollover_used_units": "100.000000",
        "overage_units": "0.000000",
        "no_charge_units": "0.000000",
    }
    pool = view_of(document).pools[0]
    assert [part.kind for part in pool.segments] == ["plan", "unused", "rollover"]
    assert "300 of the 1,000 in your plan and 100 from rollover" in pool.sentence
    assert pool.spans == []
