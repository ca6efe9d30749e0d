"""The choice of attributes (TMF630): ``fields=status,usageDate``, and always ``id``, ``href``."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterable
from http import HTTPStatus
from typing import Any

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from tandem.serve.errors import ApiError
from tandem.serve.tmf import Text

ALWAYS = frozenset({"id", "href"})
NONE = "none"


class SelectingRoute(APIRoute):
    """Leaves in an answer the attributes that were asked for."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, and after it the choice."""
        handler = super().get_route_handler()

        async def selecting(request: Request) -> Response:
            response = await handler(request)
            wanted: frozenset[str] | None = getattr(request.state, "fields", None)
            if wanted is None:
                return response
            told = json.loads(bytes(response.body))
            headers = {
                name: value for name, value in response.headers.items() if name != "content-length"
            }
            return JSONResponse(
                [_only(one, wanted) for one in told]
                if isinstance(told, list)
                else _only(told, wanted),
                response.status_code,
                headers,
            )

        return selecting


def _only(resource: dict[str, Any], wanted: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name in wanted}


def attributes(model: type[BaseModel]) -> list[str]:
    """Names of a resource's attributes, as they are told."""
    return [one.serialization_alias or name for name, one in model.model_fields.items()]


def selection(names: Iterable[str]) -> Any:
    """What a route depends on whose resources have these attributes."""
    known = list(dict.fromkeys(names))

    described = Query(
        default=None,
        description=f"Attributes that are wanted, with commas between; id and href come always,"
        f" {NONE} is for these alone. There are {', '.join(known)}.",
    )

    def select(request: Request, fields: Text | None = described) -> None:
        if fields is None:
            return
        wanted = [] if fields == NONE else [name.strip() for name in fields.split(",")]
        for name in wanted:
            if name not in known:
                raise ApiError(
                    HTTPStatus.BAD_REQUEST,
                    "unknownAttribute",
                    "Unknown attribute",
                    f"{name[:40]!r} is no attribute; there are {', '.join(known)}.",
                )
        request.state.fields = ALWAYS | frozenset(wanted)

    return Depends(select)
