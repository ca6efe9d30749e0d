"""Records of usage that carriers' platforms send one by one, loaded as a load of one row each."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tandem.feeds import CDRS
from tandem.queries import Row
from tandem.serve import errors
from tandem.serve.reading import fetch
from tandem.serve.tmf import Characteristic, Text, is_plain
from tandem.serve.writing import Sent, as_loader, load_row
from tandem.settings import Settings

_RECORD = Sent(CDRS, "record", "cdr_id", "usage")
# columns of the feed that come as characteristics, under these names
CHARACTERISTICS = tuple(
    column.name for column in CDRS.columns if column.name not in ("started_at", "service")
)
NAMES = {name: to_camel(name) for name in CHARACTERISTICS}
EXAMPLE_USAGE: dict[str, Any] = {
    "@type": "Usage",
    "usageDate": "2026-06-14T09:30:00Z",
    "usageType": "voice",
    "usageCharacteristic": [
        {"name": "cdrId", "value": "W-20260614-000017"},
        {"name": "direction", "value": "originated"},
        {"name": "callingNumber", "value": "+19125550101"},
        {"name": "calledNumber", "value": "+14045550177"},
        {"name": "callType", "value": "long_distance"},
        {"name": "quantity", "value": 185},
    ],
}


class UsageCreate(BaseModel):
    """``Usage_Create``."""

    model_config = ConfigDict(extra="ignore")

    usageDate: Text = Field(description="When it began, with its offset")  # noqa: N815
    usageType: Text = Field(description="A service: voice, sms, data, ...")  # noqa: N815
    usageCharacteristic: list[Characteristic] = Field(  # noqa: N815
        max_length=100,
        description=f"Columns of the feed cdrs: {', '.join(NAMES.values())}.",
    )


def row_of(usage: UsageCreate) -> dict[str, Any]:
    """The record as a row of the feed.

    Raises:
        ApiError: 422; a characteristic is unknown, there twice, or no usable text.
    """
    row: dict[str, Any] = dict.fromkeys(CHARACTERISTICS)
    row |= {"started_at": usage.usageDate, "service": usage.usageType}
    columns = {shown: name for name, shown in NAMES.items()}
    said = set()
    for one in usage.usageCharacteristic:
        name = columns.get(one.name)
        if name is None:
            raise _invalid(
                f"{one.name[:40]} is no characteristic; there are {', '.join(sorted(columns))}."
            )
        if name in said:
            raise _invalid(f"The characteristic {one.name} is there twice.")
        said.add(name)
        row[name] = _text(one)
    if row["cdr_id"] is None:
        raise _invalid("The characteristic cdrId has to say the carrier's id of the record.")
    return row


def _text(one: Characteristic) -> str | None:
    value = one.value
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value and is_plain(value):
        return value
    raise _invalid(f"The characteristic {one.name} is no usable text.")


def _invalid(message: str) -> errors.ApiError:
    return errors.invalid("characteristic", "Characteristic", message)


def record(settings: Settings, carrier_id: str, row: Row, by: str) -> bool:
    """Load the record as a file would be; False where it was here before.

    Args:
        settings: which database.
        carrier_id: whose record it is.
        row: of the feed.
        by: who sends it.

    Raises:
        ApiError: 409, other content came under its id before; 422, a file would reject it.
        Busy: another command is at work.
    """
    with as_loader(settings) as connection:
        return load_row(connection, _RECORD, row, carrier_id=carrier_id, by=by)


async def find(
    session: AsyncConnection[DictRow], carrier_id: str, cdr_id: str, action: str = "new"
) -> Row | None:
    """A record as a carrier sent it."""
    rows = await fetch(
        session,
        "select * from raw.cdrs where carrier_id = %s and cdr_id = %s and action = %s",
        (carrier_id, cdr_id, action),
    )
    return rows[0] if rows else None


def service_number(row: Row) -> str | None:
    """The number of the line that a record is of."""
    number: str | None = row[
        "calling_number" if row["direction"] == "originated" else "called_number"
    ]
    return number
