"""Orders: the one feed whose records live on, each later row bringing a new status."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from tandem.database import Connection


@dataclass(frozen=True)
class OrderRows:
    """What became of the rows.

    Attributes:
        accepted: rows that brought an order or a status it may take.
        duplicate: rows that changed nothing.
        conflicting: row numbers whose content other than the status is not the order's.
    """

    accepted: int
    duplicate: int
    conflicting: list[int]


def sort_out_orders(
    connection: Connection,
    load_id: int,
    carrier_id: str,
    typed: list[tuple[str, sql.Composable]],
    rejected: sql.Literal,
) -> OrderRows:
    """Insert from the scratch table the order rows that stand.

    An order takes the first decisive status (completed, failed, withdrawn) that comes, in the
    order of loading; ``failed`` and ``withdrawn`` are final, ``completed`` is left only for
    ``withdrawn``; ``submitted`` counts only as an order's first row. Every other row whose
    content is the order's is a duplicate.
    """
    content = [name for name, _ in typed if name not in ("order_id", "status", "status_at")]
    connection.execute(
        sql.SQL(
            """
            create temporary table incoming on commit drop as
            select row_number, {typed} from raw.scratch
            where row_number <> all ({rejected}::bigint[])
            """
        ).format(
            typed=sql.SQL(", ").join(
                sql.SQL("{} as {}").format(value, sql.Identifier(name)) for name, value in typed
            ),
            rejected=rejected,
        )
    )
    names = sql.SQL(", ").join(map(sql.Identifier, content))
    connection.execute(
        sql.SQL(
            """
            create temporary table judged on commit drop as
            with stored as (
                select distinct on (order_id) order_id, {names}
                from raw.orders
                where carrier_id = {carrier}
                    and order_id in (select order_id from incoming)
                order by order_id, load_id, row_number
            ),
            stored_status as (
                select order_id, bool_or(status = 'completed') as was_completed,
                    bool_or(status in ('failed', 'withdrawn')) as was_final
                from raw.orders
                where carrier_id = {carrier}
                    and order_id in (select order_id from incoming)
                group by order_id
            ),
            first_row as (
                select distinct on (order_id) order_id, {names}
                from (
                    select 0 as row_number, order_id, {names} from stored
                    union all
                    select row_number, order_id, {names} from incoming
                ) as every_row
                order by order_id, row_number
            ),
            compared as (
                select i.row_number, i.order_id, i.status,
                    ({incoming}) is distinct from ({first}) as is_conflicting
                from incoming as i inner join first_row as f on f.order_id = i.order_id
            ),
            ranked as (
                select c.*, s.order_id is not null as is_stored,
                    coalesce(s.was_completed, false) as was_completed,
                    coalesce(s.was_final, false) as was_final,
                    row_number() over (partition by c.order_id order by c.row_number) as place,
                    row_number() over (
                        partition by c.order_id, c.status <> 'submitted' order by c.row_number
                    ) as place_in_kind
                from compared as c left join stored_status as s on s.order_id = c.order_id
                where not c.is_conflicting
            ),
            decided as (
                select r.*,
                    not was_completed and not was_final and status <> 'submitted'
                    and place_in_kind = 1 as is_decisive
                from ranked as r
            ),
            completed as (
                select d.*,
                    was_completed or bool_or(is_decisive and status = 'completed') over (
                        partition by order_id order by row_number
                        rows between unbounded preceding and 1 preceding
                    ) as is_after_completed,
                    row_number() over (partition by order_id, status order by row_number)
                    as place_in_status
                from decided as d
            )
            select row_number, false as is_conflicting,
                case status
                    when 'submitted' then not is_stored and place = 1
                    when 'withdrawn' then is_decisive
                        or (coalesce(is_after_completed, false) and not was_final
                            and place_in_status = 1)
                    else is_decisive
                end as is_accepted
            from completed
            union all
            select row_number, true, false from compared where is_conflicting
            """
        ).format(
            names=names,
            carrier=sql.Literal(carrier_id),
            incoming=sql.SQL(", ").join(sql.Identifier("i", name) for name in content),
            first=sql.SQL(", ").join(sql.Identifier("f", name) for name in content),
        )
    )
    columns = sql.SQL(", ").join(sql.Identifier(name) for name, _ in typed)
    cursor = connection.execute(
        sql.SQL(
            """
            insert into raw.orders (load_id, row_number, carrier_id, {columns})
            select {load_id}, row_number, {carrier}, {columns}
            from incoming
            where row_number in (select row_number from judged where is_accepted)
            """
        ).format(columns=columns, load_id=sql.Literal(load_id), carrier=sql.Literal(carrier_id))
    )
    conflicting = [
        row[0] for row in connection.execute("select row_number from judged where is_conflicting")
    ]
    row = connection.execute(
        "select count(*) from judged where not is_accepted and not is_conflicting"
    ).fetchone()
    connection.execute("drop table incoming, judged")
    return OrderRows(cursor.rowcount, row[0] if row is not None else 0, conflicting)
