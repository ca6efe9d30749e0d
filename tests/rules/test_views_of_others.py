"""What others build on the public marts is theirs: a build neither drops it nor takes it back."""

from __future__ import annotations

from tandem.database import connect
from tests.support.warehouse import Warehouse

PUBLIC = "('rating', 'rollover', 'unbilled', 'billing', 'settlement', 'accounting', 'integrity')"
MARTS = f"""
    select schemaname, viewname from pg_views
    where schemaname in {PUBLIC} and viewname not like 'int\\_%'
    order by schemaname, viewname
"""


def test_views_and_grants_of_others_outlive_a_build(warehouse: Warehouse) -> None:
    warehouse.build()
    with connect(warehouse.settings, "others") as session:
        marts = session.execute(MARTS).fetchall()
        assert len(marts) > 15
        session.execute("create schema others")
        for schema, name in marts:
            session.execute(f"create view others.{schema}_{name} as select * from {schema}.{name}")
            session.execute(f"grant select on {schema}.{name} to pg_monitor")
        # as an older version of Tandem may have left one
        session.execute("drop view billing.bills cascade")
        session.execute("create view billing.bills as select 1 as number_of_bills")
        session.execute("alter view billing.bills owner to tandem_engineer")
        columns = """
            select string_agg(attname, ',' order by attnum) from pg_attribute
            where attrelid = 'billing.bills'::regclass and attnum > 0
        """
        assert session.execute(columns).fetchone() == ("number_of_bills",)
    warehouse.build()
    with connect(warehouse.settings, "others") as session:
        kept = session.execute(
            "select viewname from pg_views where schemaname = 'others' order by viewname"
        ).fetchall()
        expected = [f"{schema}_{name}" for schema, name in marts if name != "bills"]
        assert sorted(expected) == [name for (name,) in kept]
        for schema, name in marts:
            if name == "bills":
                continue
            granted = session.execute(
                "select has_table_privilege('pg_monitor', %s, 'select')", (f"{schema}.{name}",)
            ).fetchone()
            assert granted == (True,), (schema, name)
        found = session.execute(columns).fetchone()
        assert found is not None and found[0].startswith("bill_id,")
        finance = session.execute(
            "select has_table_privilege('tandem_finance', 'billing.bills', 'select')"
        ).fetchone()
        assert finance == (True,)
