"""The floor: the least work that puts the same rows into Postgres and orders them by account.

COPY of the rows into a logged table with its primary key, under durable settings, then one logged
``create table as`` with the join to lines and one window per account and cycle. Everything that the
pipeline does beyond this (judging, rating, charging, bills, settlement, proofs) is what the ratio
shows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

COLUMNS = (
    "cdr_id",
    "calling_number",
    "called_number",
    "direction",
    "service",
    "call_type",
    "started_at",
    "quantity",
    "other_party_type",
    "other_party_carrier_id",
    "action",
)


@dataclass(frozen=True)
class Floor:
    """Seconds of the two statements, and rows."""

    copy_seconds: float
    window_seconds: float
    rows: int

    @property
    def seconds(self) -> float:
        return self.copy_seconds + self.window_seconds


def measure(url: str, files: list[tuple[str, Path]], lines: list[tuple[str, Path]]) -> Floor:
    """Run the floor in a database of its own.

    Args:
        url: an empty database.
        files: (carrier, CSV file of clean CDRs).
        lines: (carrier, CSV file of subscribers).
    """
    with psycopg.connect(url) as session:
        session.execute(
            "create table lines (carrier_id text, service_number text, account_id text,"
            " activated_at timestamptz, deactivated_at timestamptz)"
        )
        for carrier, path in lines:
            session.execute(
                "create temporary table s (account_id text, service_number text,"
                " plan_id text, status text, activated_at timestamptz,"
                " deactivated_at timestamptz, subscriber_name text, email text)"
            )
            with (
                path.open("rb") as handle,
                session.cursor().copy("copy s from stdin with (format csv, header)") as copy,
            ):
                while block := handle.read(1 << 20):
                    copy.write(block)
            session.execute(
                "insert into lines select %s, service_number, account_id,"
                " activated_at, deactivated_at from s",
                (carrier,),
            )
            session.execute("drop table s")
        session.execute("analyze lines")
        session.execute(
            "create table cdrs (carrier_id text not null default '', cdr_id text,"
            " calling_number text,"
            " called_number text, direction text, service text, call_type text,"
            " started_at timestamptz, quantity bigint, other_party_type text,"
            " other_party_carrier_id text, action text, primary key (carrier_id, cdr_id))"
        )
        session.commit()

        begun = time.monotonic()
        rows = 0
        for carrier, path in files:
            session.execute(f"alter table cdrs alter carrier_id set default '{carrier}'")
            with path.open("rb") as handle:
                header = handle.readline().decode().strip()
                with session.cursor().copy(
                    f"copy cdrs ({header}) from stdin with (format csv)"
                ) as copy:
                    while block := handle.read(1 << 20):
                        copy.write(block)
            session.commit()
        copied = time.monotonic()
        row = session.execute("select count(*) from cdrs").fetchone()
        rows = row[0] if row else 0
        session.execute("analyze cdrs")
        session.commit()
        window_begun = time.monotonic()
        session.execute(
            """
            create table charged as
            select c.*, l.account_id, sum(c.quantity) over (
                partition by l.account_id,
                    date_trunc('month', c.started_at at time zone 'America/New_York')
                order by c.started_at, c.carrier_id, c.cdr_id
            ) as used
            from cdrs as c
            inner join lines as l
                on l.carrier_id = c.carrier_id
                and l.service_number = case c.direction
                    when 'originated' then c.calling_number else c.called_number end
                and l.activated_at <= c.started_at
                and c.started_at < coalesce(l.deactivated_at, 'infinity')
            """
        )
        session.commit()
        return Floor(copied - begun, time.monotonic() - window_begun, rows)
