"""One row, loaded as a file of it would be."""

from __future__ import annotations

import json
import tempfile
from decimal import Decimal
from pathlib import Path

import psycopg

from tandem.database import Connection
from tandem.feeds import Feed
from tandem.loading.loader import load_file
from tandem.queries import Row, fetch

OTHER_CONTENT = "conflicting_duplicate"  # another row came under this key before


class RejectedError(Exception):
    """A file would have rejected it.

    Attributes:
        code: of the reason, as in ``raw.rejects``.
        reason: the sentence, without its full stop.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def load_row(
    connection: Connection,
    feed: Feed,
    row: Row,
    *,
    file_name: str,
    carrier_id: str | None = None,
    loaded_by: str | None = None,
) -> int | None:
    """Load a row. The caller holds the lock.

    Args:
        connection: a session in autocommit mode, or within a transaction.
        feed: what the row is.
        row: texts by column.
        file_name: what the manifest says instead of one.
        carrier_id: whose row it is; needed where the feed has a carrier.
        loaded_by: as in :func:`load_file`.

    Returns:
        The id of the load; None where the same row was here before, and nothing was changed.

    Raises:
        RejectedError: it cannot be used; nothing was changed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="tandem-") as folder,
        connection.transaction() as load,
    ):
        path = Path(folder) / file_name
        path.write_text(json.dumps(row) + "\n", encoding="utf-8")
        # a rejected row would stay in the manifest; the reason is told, and the load undone
        result = load_file(
            connection,
            feed,
            path,
            carrier_id=carrier_id,
            format_name="jsonl",
            max_rejects=Decimal(100),
            loaded_by=loaded_by,
        )
        if result.rejected:
            (reject,) = fetch(
                connection,
                "select reason_code, reason from raw.rejects where load_id = %s",
                (result.load_id,),
            )
            raise RejectedError(reject["reason_code"], reject["reason"])
        if not result.accepted:
            raise psycopg.Rollback(load)
    return result.load_id if result.accepted else None
