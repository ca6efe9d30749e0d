"""An account that leaves in July with rollover that it keeps; an order of one there is not."""

from __future__ import annotations

from pathlib import Path

ACCOUNT = "A000003"  # quiet in June, so that it has rollover; at both carriers
CLOSED_ON = "2025-07-20"
STRANGER = "X000001"
_LINE = "+14705547289"
_ORDERS = (
    "order_id,account_id,action,plan_id,service_number,requested_at,effective_on,status_at,status,"
    "counterpart_order_id\n"
    "{order},{account},cancel,SHARE800,,2025-07-14T15:00:00Z,{day},2025-07-14T16:00:00Z,completed,"
    "{other}\n"
)
_STRANGE = (
    "WL-STRANGE,{account},change_plan,SHARE800,,2025-07-14T15:00:00Z,2025-07-20,"
    "2025-07-14T16:00:00Z,completed,\n"
)
_CALLS = (
    "cdr_id,calling_number,called_number,direction,service,call_type,started_at,quantity,"
    "other_party_type,other_party_carrier_id,action\n"
    # 600 minutes, of 19 of 31 days of 800
    "WL-LEAVING-1,{line},+14045550199,originated,voice,local,2025-07-09T14:00:00Z,36000,,,new\n"
)


def move_out(folder: Path) -> None:
    """Add what ends the account to the feeds of July."""
    month = folder / "2025-07"
    accounts = (folder / "2025-06" / "accounts.csv").read_text().splitlines(keepends=True)
    (row,) = [line for line in accounts if line.startswith(f"{ACCOUNT},")]
    (month / "accounts.leaving-2025-07.csv").write_text(
        accounts[0] + row.rstrip("\n") + f"{CLOSED_ON}\n"
    )
    for carrier, order, other in (
        ("wireless", "WL-LEAVING", "WN-LEAVING"),
        ("wireline", "WN-LEAVING", "WL-LEAVING"),
    ):
        (month / f"orders.{carrier}.leaving.csv").write_text(
            _ORDERS.format(order=order, account=ACCOUNT, day=CLOSED_ON, other=other)
        )
    with (month / "orders.wireless.leaving.csv").open("a") as file:
        file.write(_STRANGE.format(account=STRANGER))
    (month / "cdrs.wireless.leaving.csv").write_text(_CALLS.format(line=_LINE))
