"""Adjusting rollover units: a form, a look at what it would do, and what became of it.

What may be asked, and by whom, is judged where the web service judges it
(``tandem.serve.adjustments``).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from tandem.feeds import MAX_CYCLES
from tandem.queries import Row
from tandem.rollover.adjusting import OF_A_BUCKET, InvalidPartError
from tandem.serve import adjustments, queries
from tandem.serve.adjustments import AdjustmentCreate
from tandem.serve.errors import ApiError
from tandem.serve.portal import faults, reading, visits
from tandem.serve.portal.accounts import access, known_account
from tandem.serve.portal.addresses import OF_ACCOUNT, of_account
from tandem.serve.portal.pages import render
from tandem.serve.portal.staff import refuse_subscriber
from tandem.serve.portal.visits import Visitor
from tandem.serve.tmf import is_plain
from tandem.tokens import Subject

router = APIRouter()
PREFIX = "PORTAL-"
ACTIONS = {
    "credit": "gives units: a new bucket, from the present period on.",
    "debit": "takes units back, of the oldest bucket first.",
    "resale": "sells units of a bucket again that have expired, at the price of the plan.",
    "extension": "lets a bucket expire later, as a whole, at the price of the plan.",
}
LABELS = {
    "pool_id": "Pool",
    "bucket": "Bucket",
    "quantity": "How many units",
    "extend_cycles": "By how many periods",
    "reason_code": "Why",
    "note": "Note for colleagues",
}
# how a field has to be, where it is not
HINTS = {
    "pool_id": "Choose a pool.",
    "bucket": "Choose a bucket.",
    "quantity": "A number above 0, such as 50.",
    "extend_cycles": f"A whole number from 1 to {MAX_CYCLES:,}.",
    "reason_code": "Choose a reason.",
    "note": "Plain text, not too long, on one line.",
}
# fields of the form by what the web service names: parts of an adjustment, codes of errors
_FIELDS = {
    "bucket_cycle_start": "bucket",
    "bucketCycleStart": "bucket",
    "unknownBucket": "bucket",
    "extendCycles": "extend_cycles",
}


@dataclass
class Form:
    """What stands in the form.

    Attributes:
        said: by field.
        wrong: what is wrong, by field; of none in particular by an empty name.
    """

    said: dict[str, str]
    wrong: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.said = dict.fromkeys(self.fields, "") | self.said

    @property
    def action(self) -> str:
        """What is to be done."""
        return self.said["action"]

    def refuse(self, name: str, message: str) -> None:
        """Say what is wrong with a part of the adjustment."""
        name = _FIELDS.get(name, name)
        self.wrong.setdefault(name if name in self.fields else "", message)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the action has."""
        own = {
            "resale": ("bucket", "quantity"),
            "extension": ("bucket", "extend_cycles"),
        }.get(self.action, ("pool_id", "quantity"))
        return (*own, "reason_code", "note")


@dataclass(frozen=True)
class Choices:
    """What can be chosen.

    Attributes:
        pools: names by id.
        units: unit types by pool.
        buckets: for the action, by what the form says of them.
        reasons: words by code.
    """

    pools: Mapping[str, str]
    units: Mapping[str, str]
    buckets: Mapping[str, Row]
    reasons: Mapping[str, str]


@router.get(f"{OF_ACCOUNT}/adjust")
async def ask(
    request: Request, subject: Visitor, account_id: str, action: str = "credit", bucket: str = ""
) -> Response:
    """The form."""
    refuse_subscriber(subject)
    form = Form({"action": _known(action), "bucket": bucket})
    account, choices = await _choices(request, subject, account_id, form.action)
    return await _show(request, account, choices, form)


@router.post(f"{OF_ACCOUNT}/adjust")
async def answer(request: Request, subject: Visitor, account_id: str) -> Response:
    """A look at what it would do; after that it is recorded, once however often it is sent."""
    refuse_subscriber(subject)
    sent = await visits.read_form(request, subject)
    form = Form({"action": _known(_text(sent, "action"))})
    form.said |= {name: _text(sent, name) for name in form.fields}
    account, choices = await _choices(request, subject, account_id, form.action)
    if _text(sent, "step") == "change":
        return await _show(request, account, choices, form)
    nonce = _text(sent, "nonce") or secrets.token_hex(8)
    said = f"adjustment {subject.session} {account_id} {nonce}"
    adjustment_id = PREFIX + sha256(said.encode()).hexdigest()[:12].upper()
    wanted = _wanted(form, choices, adjustment_id)
    if wanted is not None:
        try:
            if _text(sent, "step") == "record":
                await adjustments.record(request, subject, account_id, wanted)
                return RedirectResponse(
                    of_account(account_id, "adjustments", adjustment_id), HTTPStatus.SEE_OTHER
                )
            judged = await adjustments.judge(request, subject, account_id, wanted)
        except ApiError as error:
            if error.status not in (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT):
                raise
            cause = error.__cause__
            form.refuse(
                cause.part if isinstance(cause, InvalidPartError) else error.code, error.message
            )
        else:
            return await render(
                request,
                "adjust_review.html.j2",
                account=account,
                here="rollover",
                form=form,
                wanted=wanted,
                bucket=choices.buckets.get(form.said.get("bucket", "")),
                unit_type=judged.unit_type,
                warnings=judged.warnings,
                choices=choices,
                nonce=nonce,
            )
    return await _show(request, account, choices, form, HTTPStatus.UNPROCESSABLE_ENTITY)


@router.get(f"{OF_ACCOUNT}/adjustments/{{adjustment_id:piece}}")
async def recorded(
    request: Request, subject: Visitor, account_id: str, adjustment_id: str
) -> Response:
    """An adjustment that was recorded here, and what came of it."""
    refuse_subscriber(subject)
    absent = faults.not_found("There is no such adjustment of this account.")
    if not is_plain(adjustment_id):
        raise absent
    async with access(request).session(subject) as session:
        account = await known_account(session, subject, account_id)
        names = await queries.pools(session)
        built = await queries.adjustment_history(session, account_id, adjustment_id=adjustment_id)
    found = await reading.recorded_adjustments(request.app.state.pool, account_id, adjustment_id)
    if not found:
        raise absent
    return await render(
        request,
        "adjusted.html.j2",
        account=account,
        here="rollover",
        row=found[0],
        built=built.rows[0] if built.rows and found[0]["is_built"] else None,
        names=names,
    )


def _known(action: str) -> str:
    if action not in ACTIONS:
        raise faults.bad_request("There is no such adjustment.")
    return action


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return value.strip() if isinstance(value, str) else ""


async def _choices(
    request: Request, subject: Subject, account_id: str, action: str
) -> tuple[Row, Choices]:
    async with access(request).session(subject) as session:
        account = await known_account(session, subject, account_id)
        buckets = await queries.rollover_buckets(session, account_id)
        matrix = await queries.rollover_matrix(session, account_id)
        names = await queries.pools(session)
        reasons = await queries.reasons(session)
    units = {row["pool_id"]: row["unit_type"] for row in (*matrix, *buckets)}
    return account, Choices(
        {pool_id: names.get(pool_id, pool_id) for pool_id in sorted(units)},
        units,
        {
            f"{row['earned_cycle_start']} {row['pool_id']}": row
            for row in _chosen_from(buckets, action)
        },
        {row["reason_code"]: row["description"] or row["reason_code"] for row in reasons},
    )


def _chosen_from(buckets: Sequence[Row], action: str) -> list[Row]:
    """Buckets that an action can be of: that have what it needs."""
    if action not in OF_A_BUCKET:
        return []
    plan = [row for row in buckets if row["source"] == "plan"]
    if action == "resale":
        return [row for row in plan if row["expired_quantity"]]
    return [
        row
        for row in plan
        if row["remaining_quantity"] and row["status"] not in ("expired", "archived")
    ]


def _wanted(form: Form, choices: Choices, adjustment_id: str) -> AdjustmentCreate | None:
    """The adjustment that the form asks for; None, and what is wrong, if it is not complete."""
    said: dict[str, Any] = {name: form.said[name] or None for name in form.fields}
    if form.action in OF_A_BUCKET:
        bucket = choices.buckets.get(said.pop("bucket") or "")
        if bucket is None:
            form.wrong["bucket"] = HINTS["bucket"]
            return None
        said |= {
            "pool_id": bucket["pool_id"],
            "bucket_cycle_start": bucket["earned_cycle_start"],
        }
        if form.action == "extension":  # which is of the bucket as a whole
            said["quantity"] = max(bucket["remaining_units"] // 1, Decimal(1))
    elif said["pool_id"] is not None and said["pool_id"] not in choices.pools:
        form.wrong["pool_id"] = HINTS["pool_id"]
        return None
    try:
        return AdjustmentCreate.model_validate(
            said | {"action": form.action, "adjustment_id": adjustment_id}
        )
    except ValidationError as error:
        for mistake in error.errors():
            name = _FIELDS.get(str(mistake["loc"][0]), str(mistake["loc"][0]))
            form.refuse(name, HINTS.get(name, mistake["msg"]))
        return None


async def _show(
    request: Request,
    account: Row,
    choices: Choices,
    form: Form,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    return await render(
        request,
        "adjust.html.j2",
        status,
        account=account,
        here="rollover",
        form=form,
        choices=choices,
        actions=ACTIONS,
        labels=LABELS,
        of_a_bucket=form.action in OF_A_BUCKET,
    )
