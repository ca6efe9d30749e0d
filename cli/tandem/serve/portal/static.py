"""Stylesheet, icon and typeface: files of the package, and nothing else of the disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_TYPES = {".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


class Static:
    """Files of some folders, read once."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        """Take folders by the name that they have in addresses."""
        self._files = {
            f"{name}/{path.name}".lstrip("/"): (path.read_bytes(), _TYPES[path.suffix])
            for name, folder in folders.items()
            for path in folder.iterdir()
            if path.suffix in _TYPES
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file."""
        name = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
        found = self._files.get(name)
        if found is None:
            raise HTTPException(404)
        content, media_type = found
        response = Response(
            content, media_type=media_type, headers={"Cache-Control": "public, max-age=300"}
        )
        await response(scope, receive, send)
