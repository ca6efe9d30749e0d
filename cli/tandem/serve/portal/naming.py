"""Plans by the names that people know them by, and accounts that can be looked at."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tandem.bills import format as fmt
from tandem.queries import Row
from tandem.serve.access import Session
from tandem.serve.portal import reading
from tandem.serve.queries import Page

_ACTIONS = {"change_plan": "change to", "subscribe": "start with", "cancel": "end of"}
_EDGE = r"[\s,:;]"


def with_names(text: str | None, names: Mapping[str, str]) -> str:
    """A text of the books with the names of plans instead of their ids.

    Args:
        text: such as ``change_plan SHARE800 effective 2026-07-01``.
        names: of plans, by id.
    """
    known = {**names, **_ACTIONS}
    either = "|".join(re.escape(one) for one in sorted(known, key=len, reverse=True))
    found = re.compile(f"(?<!(?!{_EDGE}).)({either})(?=$|{_EDGE})")
    return found.sub(lambda match: known[match[1]], fmt.clean(text))


def told(rows: Sequence[Row], names: Mapping[str, str], accounts: Collection[str]) -> list[Row]:
    """Exceptions for people.

    Args:
        rows: of ``bundle_exceptions``.
        names: of plans, by id.
        accounts: those of the rows' that the visitor can look at.
    """
    return [
        row
        | {
            "expected": with_names(row["expected"], names),
            "found": with_names(row["found"], names),
            "has_account": row["account_id"] in accounts,
        }
        for row in rows
    ]


async def named(session: Session, page: Page) -> Page:
    """A page of exceptions for people, see `told`."""
    accounts = await reading.known_accounts(session, [row["account_id"] for row in page.rows])
    return replace(page, rows=told(page.rows, await reading.plan_names(session), accounts))


def other_lines(
    lines: Sequence[Row],
    held: Sequence[Row],
    names: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Lines in force that their carrier has on another plan than the account has.

    Args:
        lines: of ``queries.lines``.
        held: the account's plans in effect.
        names: of plans, by id.
    """
    ids = {row["plan_id"] for row in held}
    return [
        row | {"plan_name": names.get(row["plan_id"]) or row["plan_id"]}
        for row in lines
        if ids and row["status"] == "active" and row["plan_id"] and row["plan_id"] not in ids
    ]
