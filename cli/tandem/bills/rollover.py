"""The rollover of a bill: what was there, what became of it, what is left and until when.

Every sum is written out so that it can be checked on the page: the position from what was brought
forward to what is left, and each bucket from what it started with to what is left of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tandem.bills import format as fmt
from tandem.bills.format import MINUS, ZERO, clean, counted, decimal, number, plain
from tandem.bills.model import Bucket, Cell, Fact, Rollover, Step

CENT = Decimal("0.01")
TINY = Decimal("0.00001")  # less than a base unit: what rounding to 6 decimals may make up

# what a bucket started with, and what left it: (key, heading, shown even if all are 0)
GIVEN = ("opening_units", "given_units", "accumulated_units")
TAKEN = (
    ("used_units", "Used", True),
    ("debited_units", "Taken back", False),
    ("expired_units", "Expired", False),
    ("archived_units", "Archived", False),
)
SOURCES = {"adjustment": "credit", "resale": "bought back"}
STATES = {"depleted": "used up", "retained": "kept", "available": ""}

Document = Mapping[str, Any]
Term = tuple[str, Decimal, str]  # sign, figure, what it is


def rollover_of(pool: Document, cycle_end: dt.date) -> Rollover:
    """The rollover position of a pool that has one."""
    unit_type = pool["unit_type"]
    position = {key: decimal(value) for key, value in pool["rollover"].items()}
    drawn = pool.get("buckets") or []
    buckets = sorted(drawn, key=lambda b: (str(b["use_by"]), str(b["earned_cycle_start"])))
    shown = [
        (key, label)
        for key, label, always in TAKEN
        if always or any(decimal(bucket.get(key)) for bucket in buckets)
    ]
    decimals = max(
        (
            fmt.decimals_of(value, 0, 2)
            for bucket in buckets
            for value in (
                _started(bucket),
                decimal(bucket["remaining_units"]),
                *(decimal(bucket.get(key)) for key, _ in shown),
            )
        ),
        default=0,
    )
    terms = _terms(position, buckets)
    closing = position["closing_balance"]
    longest = max(map(_started, buckets), default=ZERO)
    horizon = fmt.next_month(cycle_end)
    return Rollover(
        sentence=_sentence(drawn, position, unit_type, cycle_end),
        steps=[
            *(
                Step(sign if at else "", plain(value), label)
                for at, (sign, value, label) in enumerate(terms)
            ),
            Step("=", plain(closing), f"left from {fmt.day_month(cycle_end)}"),
        ],
        note=_note(position.get("capped_units", ZERO), terms, closing, buckets, unit_type),
        columns=[label for _, label in shown],
        is_dense=len(shown) > 1 or any(map(_origin, buckets)),
        buckets=[
            _bucket(bucket, [key for key, _ in shown], decimals, longest, horizon)
            for bucket in buckets
        ],
    )


def notes_of(pools: Iterable[Document]) -> list[Fact]:
    """Words that the rollover of this bill uses beyond the usual ones, explained."""
    buckets = [bucket for pool in pools for bucket in pool.get("buckets") or []]
    notes = (
        (
            "Previous billing",
            "marks rollover that you had with the system that billed you before. It goes on here,"
            " and is used like any other.",
            any(bucket.get("is_taken_over") for bucket in buckets),
        ),
        (
            "Bought back",
            "marks rollover that had expired and that you bought again. It has a new use-by.",
            any(bucket.get("source") == "resale" for bucket in buckets),
        ),
        (
            "Prolonged",
            "marks rollover whose use-by moved to a later day in this period.",
            any(bucket.get("is_extended") for bucket in buckets),
        ),
        (
            "Taken back",
            "is what a correction took out of your rollover, from the oldest first.",
            any(decimal(bucket.get("debited_units")) for bucket in buckets),
        ),
        (
            "Kept",
            "marks rollover of a plan that you left. It does not grow older meanwhile; with a plan"
            " that has rollover for it again you can use it again, if you return in time.",
            any(bucket["status"] == "retained" for bucket in buckets),
        ),
        (
            "Archived",
            "is rollover of a plan that you left and did not return to in time. It is kept on"
            " record, but can no longer be used.",
            any(decimal(bucket.get("archived_units")) for bucket in buckets),
        ),
    )
    return [Fact(label, text) for label, text, applies in notes if applies]


def _started(bucket: Document) -> Decimal:
    return sum((decimal(bucket.get(key)) for key in GIVEN), ZERO)


def _terms(position: Mapping[str, Decimal], buckets: list[Document]) -> list[Term]:
    """The sum from what there was to what is left: sign, figure, what it is."""
    taken_over = position.get("taken_over_units", ZERO)
    archived = position.get("archived_units", ZERO)
    # a pool that is archived can neither be drawn nor earn: zeros would only be in the way
    usual = not archived
    terms = [
        ("+", position["opening_balance"] - taken_over, "brought forward", not taken_over),
        ("+", taken_over, "from your previous billing", False),
        *((*term, False) for term in _adjusted(position, buckets)),
        (MINUS, position.get("used_units", ZERO), "used", usual),
        (MINUS, position.get("expired_units", ZERO), "expired", False),
        ("+", position.get("accumulated_units", ZERO), "newly earned", usual),
        (MINUS, archived, "archived", False),
    ]
    return [(sign, value, label) for sign, value, label, always in terms if always or value]


def _adjusted(position: Mapping[str, Decimal], buckets: list[Document]) -> list[Term]:
    """What adjustments gave and took, each on its own where the buckets account for it all."""
    adjusted = position.get("adjusted_units", ZERO)
    given = dict.fromkeys(SOURCES, ZERO)
    for bucket in buckets:
        if bucket.get("source") in given:
            given[bucket["source"]] += decimal(bucket.get("given_units"))
    debited = sum((decimal(bucket.get("debited_units")) for bucket in buckets), ZERO)
    if abs(sum(given.values(), ZERO) - debited - adjusted) > TINY * (len(buckets) + 1):
        return [(MINUS if adjusted < 0 else "+", abs(adjusted), "adjusted")]
    return [
        ("+", given["adjustment"], "credited"),
        ("+", given["resale"], "bought back"),
        (MINUS, debited, "taken back"),
    ]


def _note(
    capped: Decimal,
    terms: list[Term],
    closing: Decimal,
    buckets: list[Document],
    unit_type: str,
) -> str:
    """What stands in small print under the sum."""
    sentences = []
    if capped:
        limit = "more did not fit under the rollover limit of your plan."
        sentences.append(f"{counted(capped, unit_type)} {limit}")
    sums = [([-value if sign == MINUS else value for sign, value, _ in terms], closing)] + [
        (
            [_started(bucket), *(-decimal(bucket.get(key)) for key, _, _ in TAKEN)],
            decimal(bucket["remaining_units"]),
        )
        for bucket in buckets
    ]
    if any(sum(map(_rounded, parts), ZERO) != _rounded(whole) for parts, whole in sums):
        sentences.append("Figures are rounded to hundredths; their sums are not.")
    return " ".join(sentences)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def _is_live(bucket: Document) -> bool:
    return bucket["status"] == "available" and decimal(bucket["remaining_units"]) > 0


def _is_next(bucket: Document, horizon: dt.date) -> bool:
    """Whether what is left expires with the next period, if it is not used."""
    if not _is_live(bucket):
        return False
    if bucket.get("cycles_left") is not None:
        return decimal(bucket["cycles_left"]) == 1
    return fmt.date_of(bucket["use_by"]) < horizon


def _sentence(
    drawn: list[Document], position: Mapping[str, Decimal], unit_type: str, cycle_end: dt.date
) -> str:
    """What is left and until when. `drawn`: the buckets in the order in which they are drawn."""
    closing = position["closing_balance"]
    archived = position.get("archived_units", ZERO)
    if closing <= 0:
        if archived:
            verb = "was" if archived == 1 else "were"
            return (
                f"You have no rollover left. {counted(archived, unit_type)} {verb} archived,"
                " because your plan no longer has this rollover."
            )
        return "You have no rollover left."
    sentence = f"You have {counted(closing, unit_type)} of rollover."
    live = [bucket for bucket in drawn if _is_live(bucket)]
    if not live:
        last_day = fmt.long_date(cycle_end - dt.timedelta(days=1))
        return (
            f"{sentence} It is kept for you, but not used: on {last_day}, the last day of this"
            " period, you had no plan with rollover for it."
        )
    horizon = fmt.next_month(cycle_end)
    urgent = [bucket for bucket in live if _is_next(bucket, horizon)]
    first = min(fmt.date_of(bucket["use_by"]) for bucket in urgent or live)
    due = urgent or [bucket for bucket in live if fmt.date_of(bucket["use_by"]) == first]
    units = sum((decimal(bucket["remaining_units"]) for bucket in due), ZERO)
    which = "it all" if units == closing else f"{plain(units)} of it"
    when = ", in your next period" if urgent else ""
    # a bucket whose life was prolonged keeps its place, before younger ones that expire earlier
    last = max(at for at, bucket in enumerate(live) if bucket in due)
    before = sum((decimal(b["remaining_units"]) for b in live[:last] if b not in due), ZERO)
    if before:
        verb = "lasts longer is" if before == 1 else "last longer are"
        when += f"; {counted(before, unit_type)} that {verb} used first"
    return f"{sentence} Use {which} by {fmt.long_date(first)}{when}."


def _origin(bucket: Document) -> str:
    words = (
        SOURCES.get(bucket.get("source") or "", ""),
        "previous billing" if bucket.get("is_taken_over") else "",
        "prolonged" if bucket.get("is_extended") else "",
    )
    return ", ".join(filter(None, words))


def _bucket(
    bucket: Document, shown: list[str], decimals: int, longest: Decimal, horizon: dt.date
) -> Bucket:
    started = _started(bucket)
    remaining = decimal(bucket["remaining_units"])
    status = bucket["status"]
    is_next = _is_next(bucket, horizon)
    state = STATES.get(status, clean(status))
    taken = [decimal(bucket.get(key)) for key in shown]
    return Bucket(
        # an archived bucket has no such day any more
        use_by="" if status == "archived" else fmt.short_date(fmt.date_of(bucket["use_by"])),
        earned=fmt.short_date(fmt.date_of(bucket["earned_cycle_start"])),
        origin=_origin(bucket),
        started=number(started, decimals),
        # where there are several columns, most of their figures are zeros
        cells=[Cell(number(value, decimals), not value and len(shown) > 1) for value in taken],
        remaining=number(remaining, decimals),
        state="expires next" if is_next else state,
        is_next=is_next,
        is_live=_is_live(bucket),
        length=fmt.percent_text(fmt.share(started, longest)),
        fill=fmt.percent_text(fmt.share(remaining, longest)),
    )
