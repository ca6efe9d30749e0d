"""One file, one transaction: every row of it is accounted for, or nothing happened."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg import sql

from tandem.database import Connection
from tandem.errors import Refused
from tandem.feeds import Feed
from tandem.loading import validation
from tandem.loading.orders import sort_out_orders
from tandem.loading.reader import BadRow, Rows, raw_texts, read
from tandem.loading.source import Source, examine
from tandem.processes import user_name

DEFAULT_MAX_REJECTS = Decimal(10)  # percent of the rows of a file


@dataclass(frozen=True)
class LoadResult:
    """What became of one file.

    Attributes:
        file: its path.
        load_id: of the load; of the earlier one when the file was skipped.
        skipped: whether it had been loaded before.
        read, accepted, duplicate, rejected: rows; read is the sum of the others.
        unknown_columns: columns of the file that the feed does not have; they were ignored.
        reasons: rejected rows by reason code.
    """

    file: Path
    load_id: int
    skipped: bool = False
    read: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    unknown_columns: tuple[str, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)


def load_file(
    connection: Connection,
    feed: Feed,
    path: Path,
    *,
    carrier_id: str | None = None,
    as_of: datetime | None = None,
    format_name: str | None = None,
    max_rejects: Decimal = DEFAULT_MAX_REJECTS,
    on_rows: Callable[[int], None] | None = None,
    loaded_by: str | None = None,
) -> LoadResult:
    """Load one file in one transaction. The caller holds the lock.

    Args:
        connection: a session in autocommit mode.
        feed: what the rows are.
        path: the file.
        carrier_id: whose rows they are; needed where the feed has a carrier.
        as_of: the instant for which a batch of subscribers is complete; needed there, only there.
        format_name: ``csv``, ``jsonl`` or ``parquet`` where the file's name does not tell.
        max_rejects: percentage of rejected rows above which the file is refused.
        on_rows: told how many rows have been read so far.
        loaded_by: who loads it; by default the user of the operating system.

    Raises:
        Refused: the file or the arguments cannot be used; nothing was changed.
    """
    _check_arguments(connection, feed, carrier_id, as_of)
    source = examine(path, format_name)
    with connection.transaction():
        earlier = _loaded_before(connection, feed, source, carrier_id, as_of)
        if earlier is not None:
            return LoadResult(path, earlier, skipped=True)
        load = _Load(connection, feed, source, carrier_id, as_of)
        load.read_rows(on_rows)
        load.judge_rows()
        load.insert_rows()
        return load.finish(max_rejects, loaded_by or user_name())


def _check_arguments(
    connection: Connection, feed: Feed, carrier_id: str | None, as_of: datetime | None
) -> None:
    if feed.has_carrier and carrier_id is None:
        raise Refused(f"{feed.name} needs --carrier: whose rows are they?")
    if (feed.has_carrier or feed.needs_catalog) and connection.execute(
        "select to_regclass('catalog.carriers')"
    ).fetchone() == (None,):
        raise Refused("The catalog is not in the database yet; run 'tandem init' first.")
    if carrier_id is not None:
        known = [
            row[0]
            for row in connection.execute(
                "select carrier_id from catalog.carriers order by carrier_id"
            )
        ]
        if carrier_id not in known:
            raise Refused(
                f"{carrier_id} is no carrier of the catalog; there are {', '.join(known)}."
            )
    if feed.has_as_of:
        if as_of is None:
            raise Refused(f"{feed.name} needs --as-of: for which instant is the batch complete?")
        row = connection.execute("select %s > now() + interval '24 hours'", (as_of,)).fetchone()
        if row is not None and row[0]:
            raise Refused(f"The as-of {as_of.isoformat()} lies more than 24 hours ahead.")
    elif as_of is not None:
        raise Refused(f"--as-of goes with subscribers, not with {feed.name}.")


def _loaded_before(
    connection: Connection,
    feed: Feed,
    source: Source,
    carrier_id: str | None,
    as_of: datetime | None,
) -> int | None:
    row = connection.execute(
        """
        select max(load_id) from raw.loads
        where feed = %(feed)s and sha256 = %(sha256)s
            and carrier_id is not distinct from %(carrier)s
            and as_of is not distinct from %(as_of)s
            -- an older state of the accounts is loaded again when another came in between
            and (feed <> 'accounts'
                or load_id = (select max(load_id) from raw.loads where feed = 'accounts'))
        """,
        {
            "feed": feed.name,
            "sha256": source.sha256,
            "carrier": carrier_id if feed.has_carrier else None,
            "as_of": as_of,
        },
    ).fetchone()
    return int(row[0]) if row is not None and row[0] is not None else None


class _Load:
    """One load under way, inside its transaction."""

    def __init__(
        self,
        connection: Connection,
        feed: Feed,
        source: Source,
        carrier_id: str | None,
        as_of: datetime | None,
    ) -> None:
        self.connection = connection
        self.feed = feed
        self.source = source
        self.carrier_id = carrier_id if feed.has_carrier else None
        self.as_of = as_of
        self.rows_read = 0
        self.accepted = 0
        self.duplicate = 0
        self.columns: list[str] = []
        self.unknown_columns: list[str] = []
        self.bad_rows: list[BadRow] = []
        self.reasons: dict[int, str] = {}  # row number -> 'code:column'
        row = connection.execute("select coalesce(max(load_id), 0) + 1 from raw.loads").fetchone()
        assert row is not None
        self.load_id: int = row[0]
        # rows are read back in the order of the file
        connection.execute("set local synchronize_seqscans = off")

    # into the scratch table

    def read_rows(self, on_rows: Callable[[int], None] | None) -> None:
        """Copy the rows of the file as text into a scratch table."""
        columns = sql.SQL(", ").join(
            sql.SQL("{} text").format(sql.Identifier(column.name)) for column in self.feed.columns
        )
        self.connection.execute(
            "drop table if exists raw.scratch, raw.scratch_lines, raw.scratch_known"
        )
        self.connection.execute(
            sql.SQL("create unlogged table raw.scratch (row_number bigint, {})").format(columns)
        )
        with self.source.open() as stream:
            rows = read(self.source, self.feed, stream)
            if self.source.format == "jsonl":
                self.connection.execute(
                    "create unlogged table raw.scratch_lines (row_number bigint, raw_text text)"
                )
                self._copy(rows, "scratch_lines", on_rows)
            else:
                self.columns = rows.columns
                self._copy(rows, "scratch", on_rows)
        self.unknown_columns = rows.unknown_columns
        if self.source.format == "jsonl":
            self._take_lines_apart()

    def _copy(self, rows: Rows, table: str, on_rows: Callable[[int], None] | None) -> None:
        statement = sql.SQL("copy raw.{} ({}) from stdin with (format csv)").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, ["row_number", *rows.columns])),
        )
        options = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
        with self.connection.cursor().copy(statement) as copy:
            for block in rows.blocks:
                self.rows_read += len(block.row_numbers) + len(block.bad_rows)
                self.bad_rows += block.bad_rows
                numbered = block.table.add_column(
                    0, "row_number", pa.array(block.row_numbers, pa.int64())
                )
                text = io.BytesIO()
                pa_csv.write_csv(numbered, text, options)
                copy.write(text.getbuffer())
                if on_rows is not None:
                    on_rows(self.rows_read)

    def _take_lines_apart(self) -> None:
        """JSON lines into columns; what is no flat JSON object has no shape."""
        names = [column.name for column in self.feed.columns]
        self.columns = names
        self.connection.execute(
            """
            create unlogged table raw.scratch_objects as
            select row_number, case
                when pg_input_is_valid(raw_text, 'jsonb') then raw_text::jsonb
            end as object
            from raw.scratch_lines
            """
        )
        shapeless = self.connection.execute(
            """
            select row_number from raw.scratch_objects
            where jsonb_typeof(object) is distinct from 'object'
                or exists (
                    select from jsonb_each(
                        case when jsonb_typeof(object) = 'object' then object end
                    ) as member
                    where key = any(%s) and jsonb_typeof(value) in ('object', 'array')
                )
            """,
            (names,),
        ).fetchall()
        self.reasons |= dict.fromkeys((row[0] for row in shapeless), "bad_shape:")
        values = sql.SQL(", ").join(
            sql.SQL("nullif(object ->> {}, '')").format(sql.Literal(name)) for name in names
        )
        self.connection.execute(
            sql.SQL(
                "insert into raw.scratch select row_number, {} from raw.scratch_objects"
                " where row_number <> all ({}::bigint[]) order by row_number"
            ).format(values, _array(self.reasons))
        )
        unknown = self.connection.execute(
            """
            select distinct key
            from raw.scratch_objects
            cross join jsonb_object_keys(
                case when jsonb_typeof(object) = 'object' then object end) as key
            where key <> all (%s) order by key
            """,
            (names,),
        ).fetchall()
        self.unknown_columns = [row[0] for row in unknown]
        self.connection.execute("drop table raw.scratch_objects")

    # from there into the raw table

    def judge_rows(self) -> None:
        """Find out which rows cannot be used, and why."""
        judged = self.connection.execute(
            sql.SQL(
                "select row_number, reason from (select row_number, {} as reason from raw.scratch)"
                " as judged where reason is not null"
            ).format(validation.reason_sql(self.feed, self.columns))
        ).fetchall()
        self.reasons |= dict(judged)

    def insert_rows(self) -> None:
        """Insert the good rows; sort out duplicates."""
        typed = validation.typed_columns_sql(self.feed, self.columns)
        if self.feed.name == "orders":
            outcome = sort_out_orders(
                self.connection, self.load_id, self._carrier, typed, _array(self.reasons)
            )
            self.accepted, self.duplicate = outcome.accepted, outcome.duplicate
            self.reasons |= dict.fromkeys(outcome.conflicting, "conflicting_duplicate:")
            return
        given: list[tuple[str, sql.Composable]] = [("load_id", sql.Literal(self.load_id))]
        if self.feed.has_carrier:
            given.append(("carrier_id", sql.Literal(self._carrier)))
        if self.feed.has_as_of:
            given.append(("batch_as_of", sql.Literal(self.as_of)))
        known = self._find_known_rows(typed) if self.feed.key else 0
        # with the known rows known, a plain insert does: half the work of one with `on conflict`
        cursor = self.connection.execute(
            sql.SQL(
                "insert into raw.{table} (row_number, {names}) select row_number, {values}"
                " from raw.scratch where {good}{new}"
            ).format(
                table=sql.Identifier(self.feed.name),
                names=sql.SQL(", ").join(sql.Identifier(name) for name, _ in (*given, *typed)),
                values=sql.SQL(", ").join(value for _, value in (*given, *typed)),
                good=self._good,
                new=sql.SQL(
                    " and not exists (select from raw.scratch_known as known"
                    " where known.row_number = scratch.row_number)"
                    if known
                    else ""
                ),
            )
        )
        self.accepted = cursor.rowcount
        if known:
            self._sort_out_duplicates(typed, known)

    @property
    def _good(self) -> sql.Composed:
        """Condition on a row of the scratch table: nothing is wrong with it."""
        return sql.SQL("row_number <> all ({}::bigint[])").format(_array(self.reasons))

    def _find_known_rows(self, typed: list[tuple[str, sql.Composable]]) -> int:
        """Note the good rows whose key is stored already, or stands further up in the file."""
        keys = [(name, value) for name, value in typed if name in self.feed.key]
        self.connection.execute("analyze raw.scratch")
        self.connection.execute("drop table if exists raw.scratch_known")
        cursor = self.connection.execute(
            sql.SQL(
                """
                create unlogged table raw.scratch_known as
                with good as not materialized (
                    select row_number, {typed} from raw.scratch where {good}
                ),
                repeated as (
                    select {keys}, min(row_number) as first_row_number
                    from good group by {keys} having count(*) > 1
                )
                select good.row_number
                from good inner join repeated using ({keys})
                where good.row_number > repeated.first_row_number
                union
                select good.row_number
                from good inner join raw.{table} as stored using ({keys})
                where {of_carrier}
                """
            ).format(
                typed=sql.SQL(", ").join(
                    sql.SQL("{} as {}").format(value, sql.Identifier(name)) for name, value in keys
                ),
                good=self._good,
                keys=sql.SQL(", ").join(sql.Identifier(name) for name, _ in keys),
                table=sql.Identifier(self.feed.name),
                of_carrier=sql.SQL("stored.carrier_id = {}").format(sql.Literal(self._carrier))
                if self.feed.has_carrier
                else sql.SQL("true"),
            )
        )
        return cursor.rowcount

    def _sort_out_duplicates(self, typed: list[tuple[str, sql.Composable]], known: int) -> None:
        """Of the rows whose key was there already, tell the same from the conflicting."""
        content = [name for name, _ in typed if name not in self.feed.key]
        carrier = [("carrier_id", sql.Literal(self._carrier))] if self.feed.has_carrier else []
        keys = [name for name, _ in (*carrier, *typed) if name in ("carrier_id", *self.feed.key)]
        rows = self.connection.execute(
            sql.SQL(
                """
                with late as materialized (
                    select row_number, {typed}
                    from raw.scratch inner join raw.scratch_known using (row_number)
                )
                select late.row_number, ({late}) is distinct from ({stored})
                from late inner join raw.{table} as stored using ({keys})
                """
            ).format(
                typed=sql.SQL(", ").join(
                    sql.SQL("{} as {}").format(value, sql.Identifier(name))
                    for name, value in (*carrier, *typed)
                ),
                table=sql.Identifier(self.feed.name),
                late=sql.SQL(", ").join(sql.Identifier("late", name) for name in content),
                stored=sql.SQL(", ").join(sql.Identifier("stored", name) for name in content),
                keys=sql.SQL(", ").join(map(sql.Identifier, keys)),
            )
        ).fetchall()
        if len(rows) != known:
            raise RuntimeError(f"{known} rows are known already, but {len(rows)} have an original")
        conflicting = [row_number for row_number, differs in rows if differs]
        self.reasons |= dict.fromkeys(conflicting, "conflicting_duplicate:")
        self.duplicate = known - len(conflicting)

    @property
    def _carrier(self) -> str:
        assert self.carrier_id is not None
        return self.carrier_id

    # the manifest

    def finish(self, max_rejects: Decimal, loaded_by: str) -> LoadResult:
        """Write manifest and rejects; refuse the file if there are too many."""
        rejected = len(self.bad_rows) + len(self.reasons)
        if rejected * 100 > max_rejects * self.rows_read:
            raise Refused(self._too_many(rejected, max_rejects))
        texts = raw_texts(self.source, self.feed, set(self.reasons))
        rejects: list[tuple[int, str, str, str | None]] = [
            (bad.row_number, "bad_shape", bad.reason, bad.raw_text) for bad in self.bad_rows
        ]
        rejects += [
            (row_number, *validation.sentence(self.feed, reason), texts.get(row_number))
            for row_number, reason in self.reasons.items()
        ]
        rejects.sort(key=lambda reject: reject[0])
        with self.connection.cursor().copy(
            "copy raw.rejects (load_id, row_number, reason_code, reason, raw_text) from stdin"
        ) as copy:
            for reject in rejects:
                copy.write_row((self.load_id, *reject))
        self.connection.execute(
            "drop table if exists raw.scratch, raw.scratch_lines, raw.scratch_known"
        )
        latest_at = sql.SQL("null::timestamptz")
        if self.feed.has_as_of:
            latest_at = sql.SQL("{}::timestamptz").format(sql.Literal(self.as_of))  # type: ignore[assignment]
        elif self.feed.latest_at is not None:
            latest_at = sql.SQL("(select max({}) from raw.{} where load_id = {})").format(  # type: ignore[assignment]
                sql.Identifier(self.feed.latest_at),
                sql.Identifier(self.feed.name),
                sql.Literal(self.load_id),
            )
        self.connection.execute(
            sql.SQL(
                "insert into raw.loads values (%(load_id)s, %(feed)s, %(carrier)s, %(as_of)s,"
                " %(file)s, %(sha256)s, %(bytes)s, %(read)s, %(accepted)s, %(duplicate)s,"
                " %(rejected)s, {}, now(), %(user)s)"
            ).format(latest_at),
            {
                "load_id": self.load_id,
                "feed": self.feed.name,
                "carrier": self.carrier_id,
                "as_of": self.as_of,
                "file": self.source.path.name,
                "sha256": self.source.sha256,
                "bytes": self.source.size,
                "read": self.rows_read,
                "accepted": self.accepted,
                "duplicate": self.duplicate,
                "rejected": rejected,
                "user": loaded_by,
            },
        )
        counts: dict[str, int] = {}
        for _, code, _, _ in rejects:
            counts[code] = counts.get(code, 0) + 1
        return LoadResult(
            self.source.path,
            self.load_id,
            False,
            self.rows_read,
            self.accepted,
            self.duplicate,
            rejected,
            tuple(self.unknown_columns),
            dict(sorted(counts.items())),
        )

    def _too_many(self, rejected: int, max_rejects: Decimal) -> str:
        examples = [f"row {bad.row_number}: {bad.reason}" for bad in self.bad_rows[:1]]
        for row_number, reason in sorted(self.reasons.items())[: 2 - len(examples)]:
            examples.append(f"row {row_number}: {validation.sentence(self.feed, reason)[1]}")
        return (
            f"{self.source.path}: {rejected} of {self.rows_read} rows would be rejected"
            f" ({'; '.join(examples)}), more than {max_rejects} %; nothing was loaded."
        )


def _array(numbers: dict[int, str]) -> sql.Literal:
    # a constant, so that Postgres looks rows up in a hash table
    return sql.Literal(list(numbers))
