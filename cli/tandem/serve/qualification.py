"""TMF679 Product Offering Qualification: can an account have a plan?"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from tandem.serve import qualifying, submitting
from tandem.serve.authentication import Caller
from tandem.serve.errors import documented
from tandem.serve.reading import Pool
from tandem.serve.tmf import EXAMPLE_ANSWER, EXAMPLE_QUESTION, QualificationCreate

PATH = "/tmf-api/productOfferingQualificationManagement/v4/checkProductOfferingQualification"

router = APIRouter(
    prefix=PATH,
    tags=["checkProductOfferingQualification"],
    responses=documented(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Ask whether an account can have a plan",
    responses=documented(
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )
    | {
        201: {
            "description": "The answer; it is not kept",
            "content": {"application/json": {"example": EXAMPLE_ANSWER}},
        }
    },
)
async def check(
    request: Request,
    caller: Caller,
    question: Annotated[
        QualificationCreate, Body(openapi_examples={"question": {"value": EXAMPLE_QUESTION}})
    ],
) -> dict[str, Any]:
    """Whether an account can have a plan, and all reasons why not, as of the last build.

    What waits for an order of the plan of the calling carrier is no reason against it.
    """
    account_id = submitting.only_customer(question.relatedParty)
    asked = question.expectedQualificationDate
    on = (
        submitting.parse_day(asked, "expectedQualificationDate")
        if asked is not None
        else datetime.now(UTC).date()
    )
    items = []
    pool: Pool = request.app.state.pool
    async with pool.connection() as session:
        against = await qualifying.reasons_by_plan(
            session,
            account_id,
            [item.productOffering.id for item in question.productOfferingQualificationItem],
            on,
            caller,
        )
    for number, item in enumerate(question.productOfferingQualificationItem, start=1):
        plan_id = item.productOffering.id
        reasons = against[plan_id]
        items.append(
            {
                "id": item.id or str(number),
                "state": "done",
                "qualificationItemResult": "unqualified" if reasons else "qualified",
                "productOffering": {"id": plan_id},
                "eligibilityUnavailabilityReason": [
                    {"code": reason.code, "label": reason.label} for reason in reasons
                ],
            }
        )
    qualified = all(item["qualificationItemResult"] == "qualified" for item in items)
    return {
        "@type": "CheckProductOfferingQualification",
        "state": "done",
        "instantSyncQualification": True,
        "effectiveQualificationDate": on.isoformat(),
        "qualificationResult": "qualified" if qualified else "unqualified",
        "relatedParty": [{"id": account_id, "role": "customer"}],
        "productOfferingQualificationItem": items,
    }
