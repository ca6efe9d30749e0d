"""A close that would issue what nobody can stand by names what is wrong, and issues nothing."""

from __future__ import annotations

from datetime import date

import pytest

from tandem.errors import Refused
from tests.support.warehouse import Warehouse


def test_plans_without_agreement_are_named(warehouse: Warehouse) -> None:
    # The plan can be had from 2020 on, and so far back an agreement covers it; A1 was given it in
    # November 2019 all the same. What its fees are divided by nobody has said.
    warehouse.load(
        "accounts",
        [
            {
                "account_id": account,
                "bill_cycle_day": "1",
                "time_zone": "UTC",
                "tax_jurisdiction_id": "US",
                "opened_on": opened_on,
            }
            for account, opened_on in (("A1", "2019-11-01"), ("A2", "2020-01-01"))
        ],
    )
    warehouse.load(
        "orders",
        [
            {
                "order_id": account,
                "account_id": account,
                "action": "subscribe",
                "plan_id": "WIRELESS500",
                "requested_at": f"{effective_on}T00:00:00Z",
                "effective_on": effective_on,
                "status": "completed",
            }
            for account, effective_on in (("A1", "2019-11-15"), ("A2", "2020-01-01"))
        ],
        "wireless",
    )
    with pytest.raises(Refused) as caught:
        warehouse.close(date(2020, 2, 1))
    assert str(caught.value) == (
        "The catalog has no settlement agreement for the plan of A1 (WIRELESS500 on 2019-11-30),"
        " A1 (WIRELESS500 on 2019-12-31); nothing was closed."
    )
    assert warehouse.rows("select * from issued.closes") == []
    assert warehouse.rows("select * from issued.bills") == []
