"""What a bill says: its figures, words and refusals."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tandem.bills import BillError
from tandem.bills import format as fmt
from tandem.bills.charges import sections_of
from tandem.bills.view import view_of

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
    assert "your present plan does not use it" in rollover.sentence
    assert {bucket.state for bucket in rollover.buckets} == {"kept"}


def test_what_did_not_fit_under_the_limit_is_told() -> None:
    document = factory.document(60, minutes=700)
    document["pools"][0]["rollover"]["capped_units"] = "12.000000"
    rollover = view_of(document).pools[0].rollover
    assert rollover is not None
    assert rollover.limit_note.startswith("12\N{NO-BREAK SPACE}minutes more did not fit")


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
