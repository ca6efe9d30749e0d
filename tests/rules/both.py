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

    def load(
        self,
        feed: str,
        rows: Sequence[Row],
        carrier: str | None = None,
        as_of: datetime | None = None,
    ) -> None:
        self.warehouse.load(feed, rows, carrier, as_of)
        self.rater.load(feed, rows, carrier, as_of)

    def tell(self, *account_ids: str, **more: str) -> None:
        """What is known of accounts; unless told otherwise they are there since January 2026."""
        self.load(
            "accounts",
            [
                {
                    "account_id": account_id,
                    "holder_name": account_id.title(),
                    "bill_cycle_day": "1",
                    "time_zone": "UTC",
                    "tax_jurisdiction_id": "US-GA-ATLANTA",
                    "opened_on": "2026-01-01",
                }
                | more
                for account_id in account_ids
            ],
        )

    def close(self, through: date) -> None:
        closed = self.warehouse.close(through).close_id
        assert closed == self.rater.close(through, None, now=datetime.now(UTC))

    def build(self, *, full_refresh: bool = False) -> None:
        """The cycles that other billing systems reported end."""
        self.warehouse.build(full_refresh=full_refresh)
        self.rater.end_reported(datetime.now(UTC))

    def freeze(self, request_id: str, account_ids: Sequence[str] | None = None) -> None:
        self.warehouse.freeze(request_id, account_ids)
        self.rater.freeze(request_id, account_ids)

    def differences(self, leave_out: Sequence[str] = ()) -> list[str]:
        """What a mart holds that the rater does not say, or the other way round."""
        marts = [mart for mart in MARTS if mart.name not in leave_out]
        return differences(self.warehouse, self.rater, marts)

    def assert_same(self, leave_out: Sequence[str] = ()) -> None:
        """Every mart holds what the rater says."""
        found = self.differences(leave_out)
        if found:
            raise AssertionError(f"{len(found)} differences\n" + "\n".join(found[:20]))


@dataclass(frozen=True)
class Stage:
    """How a town stood, for tests that share it and look at their own accounts.

    Attributes:
        warehouse: a copy of it as it was.
        differences: from the plain rater.
    """

    warehouse: Warehouse
    differences: list[str]
