"""Malformed rows: one mistake each, for every reason for which a load refuses a row."""

from __future__ import annotations

from collections.abc import Callable

from tandem.generate.records import COLUMNS, RawRow

Cells = dict[str, str]

#: A time that stays in the future for as long as anybody will use these data.
FAR_FUTURE = "2199-01-01T00:00:00Z"
_TOO_LONG = "x" * 1001


def _served(cells: Cells) -> str:
    return "calling_number" if cells["direction"] == "originated" else "called_number"


def _other(cells: Cells) -> str:
    return "called_number" if cells["direction"] == "originated" else "calling_number"


def _put(**values: str) -> Callable[[Cells], Cells]:
    return lambda cells: {**cells, **values}


# Per reason the mistakes, taken in turn.
_CDR_MISTAKES: dict[str, tuple[Callable[[Cells], Cells], ...]] = {
    "missing_value": (
        lambda cells: {**cells, _served(cells): ""},
        _put(quantity=""),
        _put(started_at=""),
        _put(service=""),
        _put(direction=""),
        _put(cdr_id=""),
    ),
    "too_long": (_put(other_party_carrier_id=_TOO_LONG), _put(cdr_id=_TOO_LONG)),
    "bad_type": (
        _put(quantity="12s"),
        lambda cells: {**cells, "started_at": cells["started_at"][:19]},
        lambda cells: {**cells, "started_at": cells["started_at"].replace("T", "T25", 1)},
        _put(quantity="60.5"),
    ),
    "bad_value": (
        _put(direction="incoming"),
        _put(quantity="-60"),
        _put(service="fax"),
        _put(action="update"),
        _put(call_type="intergalactic"),
        _put(other_party_type="landline"),
    ),
    "bad_number": (
        lambda cells: {**cells, _served(cells): cells[_served(cells)][2:]},
        lambda cells: {**cells, _other(cells): "anonymous"},
        lambda cells: {**cells, _served(cells): "+0" + cells[_served(cells)][2:]},
        lambda cells: {**cells, _other(cells): "+1-404-CALL-ME"},
    ),
    "future_time": (_put(started_at=FAR_FUTURE),),
}
#: Mistakes that columns with types cannot hold.
_TEXT_ONLY = ("bad_type", "bad_shape")

CDR_REASONS = ("bad_shape", *_CDR_MISTAKES)


def cdr_reasons(file_format: str) -> tuple[str, ...]:
    """Reasons that a file of this format can give to refuse a row."""
    return tuple(r for r in CDR_REASONS if file_format != "parquet" or r not in _TEXT_ONLY)


def spoil_cdr(cells: Cells, reason: str, turn: int, file_format: str) -> RawRow:
    """A CDR with the `turn`-th mistake of a reason."""
    if reason == "bad_shape":
        if file_format == "jsonl":
            return RawRow(reason, cells, '{"cdr_id":"' + cells["cdr_id"] + '","calling_num')
        values = [cells[name] for name in COLUMNS]
        values = values[:-3] if turn % 2 == 0 else [*values, "", "0"]
        return RawRow(reason, cells, ",".join(values))
    mistakes = _CDR_MISTAKES[reason]
    return RawRow(reason, mistakes[turn % len(mistakes)](cells))


_EXTENSION = {"action": "extension", "bucket_cycle_start": "2020-01-01"}
_SHEET_MISTAKES: dict[str, tuple[tuple[str, dict[str, str]], ...]] = {
    "accounts": (
        ("missing_value", {"time_zone": ""}),
        ("bad_value", {"bill_cycle_day": "31"}),
        ("bad_type", {"opened_on": "2026-06-31"}),
        ("too_long", {"holder_name": _TOO_LONG}),
        ("missing_value", {"account_id": ""}),
        ("bad_type", {"bill_cycle_day": "first"}),
    ),
    "subscribers": (
        ("bad_number", {"service_number": "(404) 555-0123"}),
        ("bad_value", {"status": "cancelled"}),
        ("missing_value", {"account_id": ""}),
        ("bad_type", {"activated_at": "yesterday"}),
        ("bad_value", {"status": "disconnected", "deactivated_at": ""}),
        ("too_long", {"subscriber_name": _TOO_LONG}),
        ("bad_type", {"activated_at": "2026-06-01T00:00:00"}),
    ),
    "subscriber_changes": (
        ("future_time", {"changed_at": FAR_FUTURE}),
        ("missing_value", {"changed_at": ""}),
        ("bad_number", {"service_number": "unknown"}),
        ("bad_value", {"status": "parked"}),
        ("bad_type", {"changed_at": "2026-06-15 noon"}),
    ),
    "orders": (
        ("bad_value", {"status": "done"}),
        ("missing_value", {"account_id": ""}),
        ("bad_type", {"effective_on": "06/15/2026"}),
        ("future_time", {"requested_at": FAR_FUTURE}),
        ("bad_value", {"action": "upgrade"}),
        ("missing_value", {"action": "subscribe", "plan_id": ""}),
        ("missing_value", {"action": "add_line", "service_number": ""}),
    ),
    "rollover_adjustments": (
        ("bad_value", {"quantity": "0"}),
        ("missing_value", {"reason_code": ""}),
        ("bad_type", {"quantity": "a lot"}),
        ("future_time", {"adjusted_at": FAR_FUTURE}),
        ("bad_value", {"action": "gift"}),
        # a second has no parts
        ("bad_value", {"pool_id": "anytime", "quantity": "30.005"}),
        ("missing_value", {"action": "resale", "bucket_cycle_start": ""}),
        ("missing_value", {"action": "extension", "bucket_cycle_start": ""}),
        ("bad_type", {"bucket_cycle_start": "May"}),
        ("bad_value", {**_EXTENSION, "extend_cycles": "0"}),
        ("missing_value", {**_EXTENSION, "extend_cycles": ""}),
        ("bad_type", {**_EXTENSION, "extend_cycles": "1.5"}),
        ("bad_type", {"quantity": "3e1"}),
        ("too_long", {"note": _TOO_LONG}),
        ("bad_value", {"quantity": "-30"}),
        ("bad_type", {"adjusted_at": "2026-06-15T10:00:00"}),
    ),
    "rollover_opening": (
        ("bad_value", {"quantity": "0"}),
        ("bad_value", {"expires_on": "2000-01-01"}),
        ("missing_value", {"pool_id": ""}),
        ("bad_type", {"quantity": "300 min"}),
        ("bad_value", {"deferred_amount": "9.755"}),
        ("bad_value", {"deferred_amount": "-9.75"}),
        ("bad_type", {"as_of": "2026-06-01T00:00:00"}),
        ("bad_value", {"pool_id": "anytime", "quantity": "300.001"}),
        ("future_time", {"as_of": FAR_FUTURE}),
        ("missing_value", {"as_of": ""}),
        ("bad_type", {"earned_cycle_start": "2026-02-30"}),
        ("too_long", {"account_id": _TOO_LONG}),
    ),
}


def spoil_sheet(
    feed: str, header: tuple[str, ...], row: tuple[str, ...], turn: int
) -> tuple[str, tuple[str, ...]]:
    """A row of another feed with a mistake, and the reason for which it must be refused."""
    mistakes = _SHEET_MISTAKES[feed]
    turn %= len(mistakes) + 1
    if turn == len(mistakes):
        return "bad_shape", row[:-2]
    reason, changes = mistakes[turn]
    return reason, tuple(changes.get(name, cell) for name, cell in zip(header, row, strict=True))
