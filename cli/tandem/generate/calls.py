"""Calls as columns: what a window of usage looks like before it becomes records."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from tandem.generate.model import Line, ScriptedCall
from tandem.generate.places import CARRIERS, INTERNET, WIRELESS, WIRELINE

SERVICES = ("voice", "sms", "mms", "im", "page", "video", "data", "event")
VOICE, SMS, MMS, IM, PAGE, VIDEO, DATA, EVENT = range(8)
CALL_TYPES = ("local", "long_distance", "international", "roaming", "toll_free")
LOCAL, LONG_DISTANCE, INTERNATIONAL, ROAMING, TOLL_FREE = range(5)
DIRECTIONS = ("originated", "terminated")
ORIGINATED, TERMINATED = range(2)
OTHER_TYPES = ("", "mobile", "fixed", "unknown")
NOT_SAID, MOBILE, FIXED, UNKNOWN = range(4)

#: Services with a duration in seconds.
TIMED = (VOICE, VIDEO)

# What each kind of carrier produces, by carrier and service: call types of either direction, then
# call types of originated ones only. The catalog's carrier_services say the same.
_EVERYWHERE = (LOCAL, LONG_DISTANCE, INTERNATIONAL, ROAMING)
_PRODUCED: dict[tuple[int, int], tuple[tuple[int, ...], tuple[int, ...]]] = {
    (WIRELESS, VOICE): ((*_EVERYWHERE, TOLL_FREE), ()),
    (WIRELESS, SMS): (_EVERYWHERE, ()),
    (WIRELESS, MMS): (_EVERYWHERE, ()),
    (WIRELESS, IM): (_EVERYWHERE, ()),
    (WIRELESS, PAGE): ((LOCAL,), ()),
    (WIRELESS, VIDEO): (_EVERYWHERE, ()),
    (WIRELESS, DATA): ((), (LOCAL, ROAMING)),
    (WIRELESS, EVENT): ((), (LOCAL,)),
    (WIRELINE, VOICE): ((LOCAL, LONG_DISTANCE, INTERNATIONAL, TOLL_FREE), ()),
    (WIRELINE, EVENT): ((), (LOCAL,)),
    (INTERNET, VOICE): ((LOCAL, LONG_DISTANCE, INTERNATIONAL), ()),
    (INTERNET, VIDEO): ((LOCAL, INTERNATIONAL), ()),
    (INTERNET, IM): ((LOCAL, INTERNATIONAL), ()),
    (INTERNET, DATA): ((), (LOCAL, ROAMING)),
    (INTERNET, EVENT): ((), (LOCAL,)),
}


def _produced() -> NDArray[np.bool_]:
    table = np.zeros((len(CARRIERS), len(SERVICES), len(CALL_TYPES), 2), dtype=np.bool_)
    for (carrier, service), (both, originated) in _PRODUCED.items():
        for call_type in both:
            table[carrier, service, call_type, :] = True
        for call_type in originated:
            table[carrier, service, call_type, ORIGINATED] = True
    return table


#: Whether a carrier can produce a record: by carrier, service, call type and direction.
PRODUCED = _produced()


@dataclass(slots=True)
class Calls:
    """Records of calls as parallel arrays, one carrier's or all carriers' mixed.

    Times are epoch seconds; quantities base units (seconds, messages, bytes, events). `other` is
    0 where there is no other number, minus one minus the index of a short code, else the digits
    of an E.164 number. `paired` marks both records of a call between two of our own lines.
    `fate` is one of the fates of the model.
    """

    carrier: NDArray[np.int8]
    account: NDArray[np.int32]
    served: NDArray[np.int64]
    at: NDArray[np.int64]
    service: NDArray[np.int8]
    direction: NDArray[np.int8]
    call_type: NDArray[np.int8]
    quantity: NDArray[np.int64]
    other: NDArray[np.int64]
    other_type: NDArray[np.int8]
    other_carrier: NDArray[np.int8]
    paired: NDArray[np.bool_]
    fate: NDArray[np.int8]

    def __len__(self) -> int:
        """The number of records."""
        return len(self.at)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Calls:
        """The records with these row numbers, or those that the mask selects."""
        return Calls(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def ends(self) -> NDArray[np.int64]:
        """When each ended: the start, where it has no duration."""
        timed = np.isin(self.service, TIMED)
        return np.asarray(self.at + np.where(timed, self.quantity, 0))


def join_calls(parts: list[Calls]) -> Calls:
    """All records of all parts, in order."""
    return Calls(
        **{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Calls)}
    )


def from_script(script: list[ScriptedCall]) -> Calls:
    """The scripted calls as records, by start."""
    ordered = sorted(script, key=lambda c: (c.at, c.line.index, c.quantity))
    lines: list[Line] = [c.line for c in ordered]
    kinds = {"": NOT_SAID, "mobile": MOBILE, "fixed": FIXED, "unknown": UNKNOWN}
    count = len(ordered)
    return Calls(
        carrier=np.array([line.carrier for line in lines], dtype=np.int8),
        account=np.array([line.account.index for line in lines], dtype=np.int32),
        served=np.array([line.number for line in lines], dtype=np.int64),
        at=np.array([c.at for c in ordered], dtype=np.int64),
        service=np.array([SERVICES.index(c.service) for c in ordered], dtype=np.int8),
        direction=np.array([int(c.terminated) for c in ordered], dtype=np.int8),
        call_type=np.array([CALL_TYPES.index(c.call_type) for c in ordered], dtype=np.int8),
        quantity=np.array([c.quantity for c in ordered], dtype=np.int64),
        other=np.array([c.other for c in ordered], dtype=np.int64),
        other_type=np.array([kinds[c.other_type] for c in ordered], dtype=np.int8),
        other_carrier=np.full(count, -1, dtype=np.int8),
        paired=np.zeros(count, dtype=np.bool_),
        fate=np.array([c.fate for c in ordered], dtype=np.int8),
    )
