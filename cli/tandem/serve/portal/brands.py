"""The same portal under the name and the colour of whichever carrier a visitor comes from."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from fastapi import Request
from psycopg_pool import PoolTimeout

from tandem.outbox.configuration import CarrierPlatform
from tandem.queries import Row
from tandem.serve import queries
from tandem.serve.portal.addresses import piece
from tandem.serve.reading import Pool
from tandem.tokens import Subject

COOKIE = "tandem_brand"
KEPT_SECONDS = 60.0  # what the catalog says of carriers
_COLOURS = {"wireless": "#4b2e83", "wireline": "#7c2d12", "internet": "#14532d"}
_COLOUR = "#0b4f5f"


@dataclass(frozen=True)
class Brand:
    """Who the page is from.

    Attributes:
        carrier_id: None: Tandem itself.
        name: in the header.
        note: beside it.
    """

    carrier_id: str | None
    name: str
    note: str

    @property
    def stylesheet(self) -> str:
        """Its colours, below the portal."""
        return f"brand/{piece(self.carrier_id)}.css" if self.carrier_id else "brand.css"


TANDEM = Brand(None, "Tandem", "One bill for your carriers")


class Brands:
    """The carriers, and how their pages look."""

    def __init__(self, platforms: Iterable[CarrierPlatform]) -> None:
        """Take hosts and colours of ``tandem.toml``."""
        platforms = list(platforms)
        self._hosts = {
            platform.portal_host.lower(): platform.carrier_id
            for platform in platforms
            if platform.portal_host
        }
        self._colours = {
            platform.carrier_id: platform.portal_colour
            for platform in platforms
            if platform.portal_colour
        }
        self._carriers: dict[str, Row] = {}
        self._read_at = -KEPT_SECONDS
        self._reading = asyncio.Lock()

    async def carriers(self, pool: Pool) -> Mapping[str, Row]:
        """Carriers of the catalog by id; those last known while the database is away."""
        if time.monotonic() - self._read_at > KEPT_SECONDS:
            async with self._reading:
                if time.monotonic() - self._read_at > KEPT_SECONDS:
                    async with pool.connection() as session:
                        rows = await queries.carriers(session)
                    self._carriers = {row["carrier_id"]: row for row in rows}
                    self._read_at = time.monotonic()
        return self._carriers

    async def of(
        self, request: Request, subject: Subject | None, *, may_read: bool = True
    ) -> Brand:
        """Whose page it is: of the path, of the site that somebody came from, of the host, of his
        carrier."""
        host = request.headers.get("host", "").rsplit(":", 1)[0].lower()
        wanted = (
            getattr(request.state, "brand", None)
            or request.cookies.get(COOKIE)
            or self._hosts.get(host)
            or (subject.carrier_id if subject else None)
        )
        if wanted is None:
            return TANDEM
        if may_read:
            with suppress(psycopg.Error, PoolTimeout):  # then those that were known last
                await self.carriers(request.app.state.pool)
        carrier = self._carriers.get(wanted)
        if carrier is None:
            return TANDEM
        return Brand(wanted, str(carrier["carrier_name"]), "One bill, with Tandem")

    def colours(self, carrier_id: str | None) -> str:
        """A stylesheet with the colours of the header; letters on it are black or white."""
        kind = self._carriers.get(carrier_id or "", {}).get("service_kind", "")
        colour = self._colours.get(carrier_id or "") or (
            _COLOURS.get(kind, _COLOUR) if carrier_id else _COLOUR
        )
        return f":root {{ --brand: {colour}; --on-brand: {_on(colour)}; }}\n"


def _on(colour: str) -> str:
    """Black or white, whichever is told apart better (WCAG 2.2, relative luminance)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"
