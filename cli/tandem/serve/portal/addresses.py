"""Addresses of pages, whatever an id has in it.

An id is one piece of a path and is quoted twice. Servers and proxies undo one quoting before they
split a path at its slashes, and browsers resolve dots; of what is quoted twice there is still one
piece then, without anything in it that means something.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from starlette.convertors import Convertor, register_url_convertor

PATH = "/portal"
OF_ACCOUNT = "/accounts/{account_id:piece}"  # where the pages of an account begin


def piece(value: object) -> str:
    """An id as a piece of a path."""
    quoted = quote(str(value), safe="")
    if not quoted.strip("."):
        quoted = quoted.replace(".", "%2E")
    return quote(quoted, safe="")


def of_account(account_id: str, *pieces: object) -> str:
    """The address of a page of an account."""
    return "/".join((f"{PATH}/accounts", *map(piece, (account_id, *pieces))))


class _Piece(Convertor[str]):
    """Undoes the quoting that is left."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        return piece(value)


register_url_convertor("piece", _Piece())
