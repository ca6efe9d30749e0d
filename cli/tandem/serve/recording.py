"""Records of usage that carriers' platforms send one by one, loaded as a load of one row each."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tandem.feeds import CDRS
from tandem.queries import Row
from tandem.serve import errors
from tandem.serve.tmf import Characteristic, Party, Text, is_plain
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
    "usageDate": "2025-08-29T09:30:00Z",
    "usageType": "voice",
    "usageCharacteristic": [
        {"name": "cdrId", "value": "W-20250829-000017"},
        {"name": "direction", "value": "originated"},
        {"name": "callingNumber", "value": "+19125550101"},
        {"name": "calledNumber", "value": "+14045550177"},
        {"name": "callType", "value": "long_distance"},
        {"name": "quantity", "value": 185},
    ],
}


def _member(name: str) -> str:
    return f"@{name}" if name in {"type", "baseType", "schemaLocation"} else name


class UsageCreate(BaseModel):
    """``Usage_Create``: what it says of id, status and parties has to agree, or nothing is taken.

    Members of TMF635 that say nothing of the record are let pass.
    """

    model_config = ConfigDict(
        extra="forbid", alias_generator=AliasGenerator(alias=_member), populate_by_name=True
    )

    usageDate: Text = Field(description="When it began, with its offset")  # noqa: N815
    usageType: Text = Field(description="A service: voice, sms, data, ...")  # noqa: N815
    usageCharacteristic: list[Characteristic] = Field(  # noqa: N815
        max_length=100,
        description=f"Columns of the feed cdrs: {', '.join(NAMES.values())}.",
    )
    id: Text | None = Field(default=None, description="The cdrId, with or without the carrier")
    status: Text | None = Field(default=None, description="received")
    relatedParty: list[Party] = Field(  # noqa: N815
        default=[],
        max_length=20,
        description="The account as customer, the sending carrier as any other role",
    )
    type: Any = None
    baseType: Any = None  # noqa: N815
    schemaLocation: Any = None  # noqa: N815
    href: Any = None
    description: Any = None
    usageSpecification: Any = None  # noqa: N815
    ratedProductUsage: Any = None  # noqa: N815
    externalIdentifier: Any = None  # noqa: N815


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
    raise _invalid(f"The characteristic {one.name} has to be a text or a whole number.")


def contradiction(
    usage: UsageCreate, carrier_id: str, cdr_id: str, accounts: Collection[str]
) -> errors.ApiError | None:
    """What else is said of a record, where it does not agree with it.

    Args:
        usage: what is said.
        carrier_id: who sends it.
        cdr_id: its id of the record.
        accounts: those that have ever had the line.
    """
    if usage.id not in {None, cdr_id, f"{carrier_id}:{cdr_id}"}:
        return errors.invalid("otherId", "Other id", f"id is not {cdr_id}, which cdrId says.")
    if usage.status not in {None, "received"}:
        return errors.invalid("status", "Status", "A record that is sent is received, no more yet.")
    for party in usage.relatedParty:
        if party.role == "customer" and party.id not in accounts:
            return errors.invalid(
                "otherParty", "Other party", "The line has never been one of the customer's."
            )
        if party.role != "customer" and party.id != carrier_id:
            return errors.invalid(
                "otherParty", "Other party", f"{carrier_id} sends it, not {party.id[:40]}."
            )
    return None


_MEMBERS = NAMES | {"started_at": "usageDate", "service": "usageType"}
_COLUMNS = re.compile(
    rf"\b(?:{'|'.join(name for name in _MEMBERS if '_' in name)})\b|^(?:{'|'.join(_MEMBERS)})\b"
)


def in_members(message: str) -> str:
    """What is said of columns of the feed, said of the members that were sent."""
    return _COLUMNS.sub(lambda found: _MEMBERS[found.group()], message)


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
