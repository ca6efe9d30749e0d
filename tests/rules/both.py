"""The warehouse and the plain rater, told the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self

from tests.properties.comparison import MARTS, differences
from tests.properties.hostile_catalog import read_seeds
from tests.rater import Rater
from tests.support.warehouse import PROJECT, Row, Warehouse


@dataclass(frozen=True)
class Both:
    """A warehouse and a rater with the catalog that ships."""

    warehouse: Warehouse
    rater: Rater

    @classmethod
    def of(cls, warehouse: Warehouse) -> Self:
        return cls(warehouse, Rater(read_seeds(PROJECT / "seeds")))

    def load(self, feed: str, rows: Sequence[Row], carrier: str | None = None) -> None:
        self.warehouse.load(feed, rows, carrier)
        self.rater.load(feed, rows, carrier, None)

    def close(self, through: date) -> None:
        closed = self.warehouse.close(through).close_id
        assert closed == self.rater.close(through, None, now=datetime.now(UTC))

    def build(self) -> None:
        """The cycles that other billing systems reported end."""
        self.warehouse.build()
        self.rater.end_reported(datetime.now(UTC))

    def freeze(self, request_id: str, account_ids: Sequence[str] | None = None) -> None:
        self.warehouse.freeze(request_id, account_ids)
        self.rater.freeze(request_id, account_ids)

    def assert_same(self, leave_out: Sequence[str] = ()) -> None:
        """Every mart holds what the rater says."""
        marts = [mart for mart in MARTS if mart.name not in leave_out]
        found = differences(self.warehouse, self.rater, marts)
        if found:
            raise AssertionError(f"{len(found)} differences\n" + "\n".join(found[:20]))
