"""What ``tandem init`` makes: schemas, tables that commands write, roles and their grants."""

from __future__ import annotations

from importlib import resources

import psycopg
from psycopg import sql

from tandem.database import OWNER, Connection
from tandem.errors import Refused

ENGINEER = "tandem_engineer"  # dbt and data engineers: reads all, writes models
FINANCE = "tandem_finance"
PORTAL = "tandem_portal"  # a subscriber: the rows of one account at a time
SUPPORT = "tandem_support"  # the support desk: every account
CARRIER = "tandem_carrier"  # what roles of carriers have in common; which rows, goes by the role
SERVER = "tandem_server"  # `tandem serve` itself, where it asks in nobody else's name
ROLES = (OWNER, ENGINEER, FINANCE, PORTAL, SUPPORT, CARRIER, SERVER)

# the roles that read marts get their grants on each of them from dbt
_READABLE_SCHEMAS = {
    FINANCE: ("settlement", "accounting", "billing", "control"),
    PORTAL: ("portal", "catalog"),
    SUPPORT: ("support", "catalog"),
    CARRIER: ("carrier", "catalog"),
    SERVER: ("raw", "outbox", "catalog", "integrity", "control"),
}
# what the server reads of what commands write; of what dbt makes, models say server_reads
_SERVER_READS = {
    "raw.accounts": (
        *("account_id", "time_zone", "opened_on", "closed_on"),
        *("load_id", "row_number"),  # no names, no addresses
    ),
    "raw.rollover_adjustments": (  # what staff recorded since the last build
        *("load_id", "adjustment_id", "account_id", "pool_id", "action", "quantity"),
        *("reason_code", "adjusted_at", "adjusted_by", "bucket_cycle_start", "extend_cycles"),
        "note",
    ),
    "raw.orders": (),
    "raw.cdrs": (),
    "outbox.received_orders": ("carrier_id", "idempotency_key", "sha256"),
}
DBT_SCHEMAS = (
    "catalog",
    "staging",
    "integrity",
    "rating",
    "rollover",
    "unbilled",
    "billing",
    "settlement",
    "accounting",
    "control",
    "catalog_history",
    "portal",
    "carrier",
    "support",
)


def initialise(connection: Connection) -> None:
    """Make schemas, tables, roles and grants; safe to repeat.

    Args:
        connection: a session in autocommit mode, of a user who may create roles and schemas.

    Raises:
        Refused: the user may not.
    """
    try:
        with connection.transaction():
            connection.execute("set local role none")
            for role in ROLES:
                _create_role(connection, role)
            for role in (OWNER, ENGINEER):
                connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))
            _create_schemas(connection)
            for script in ("raw.sql", "issued.sql", "outbox.sql"):
                connection.execute(sql.SQL("set local role {}").format(sql.Identifier(OWNER)))
                connection.execute(_script(script))
                connection.execute("set local role none")
            connection.execute(_script("control.sql"))
            _grant(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Refused(
            "The database user may not set up Tandem: it must be able to create roles and schemas"
            f" ({error.diag.message_primary})."
        ) from error


def require_roles(connection: Connection) -> None:
    """Refuse a database that was set up by a version of Tandem that had fewer roles, or by none.

    Raises:
        Refused: roles are missing.
    """
    rows = connection.execute(
        "select rolname from pg_roles where rolname = any(%s)", (list(ROLES),)
    )
    missing = set(ROLES) - {name for (name,) in rows.fetchall()}
    if missing:
        raise Refused(
            f"The database is not set up for this version of Tandem ({', '.join(sorted(missing))}"
            " is missing); run 'tandem init' first. What is loaded and issued stays as it is."
        )


def create_carrier_roles(connection: Connection) -> None:
    """A role ``tandem_carrier_<id>`` for each carrier of the catalog."""
    with connection.transaction():
        connection.execute("set local role none")
        for (carrier_id,) in connection.execute(
            "select carrier_id from catalog.carriers"
        ).fetchall():
            role = carrier_role(carrier_id)
            _create_role(connection, role)
            connection.execute(
                sql.SQL("grant {} to {}").format(sql.Identifier(CARRIER), sql.Identifier(role))
            )


def carrier_role(carrier_id: str) -> str:
    """The role that sees what one carrier may see."""
    return f"{CARRIER}_{carrier_id}"


def _create_role(connection: Connection, role: str) -> None:
    found = connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
    if found is None:
        # another database of the same server may be making it right now
        with connection.transaction():
            try:
                with connection.transaction():
                    connection.execute(
                        sql.SQL("create role {} nologin").format(sql.Identifier(role))
                    )
            except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                pass


def _create_schemas(connection: Connection) -> None:
    for schema in ("raw", "issued", "outbox"):
        connection.execute(
            sql.SQL("create schema if not exists {} authorization {}").format(
                sql.Identifier(schema), sql.Identifier(OWNER)
            )
        )
    for schema in DBT_SCHEMAS:
        connection.execute(
            sql.SQL("create schema if not exists {} authorization {}").format(
                sql.Identifier(schema), sql.Identifier(ENGINEER)
            )
        )


def _grant(connection: Connection) -> None:
    database = sql.Identifier(connection.info.dbname)
    engineer = sql.Identifier(ENGINEER)
    statements = [
        # loads and closes read what dbt made; dbt cannot write what they made
        sql.SQL("grant {} to {}").format(engineer, sql.Identifier(OWNER)),
        sql.SQL("grant create, temporary on database {} to {}").format(database, engineer),
        sql.SQL("grant usage on schema raw, issued, outbox to {}").format(engineer),
        sql.SQL("grant select on all tables in schema raw, issued, outbox to {}").format(engineer),
        sql.SQL(
            "alter default privileges for role {} in schema raw, issued, outbox"
            " grant select on tables to {}"
        ).format(sql.Identifier(OWNER), engineer),
        sql.SQL("grant select on control.run_requests to {}").format(engineer),
        sql.SQL("grant insert, update, delete on control.run_requests to {}").format(
            sql.Identifier(OWNER)
        ),
    ]
    for role, schemas in _READABLE_SCHEMAS.items():
        statements += [
            sql.SQL("grant usage on schema {} to {}").format(
                sql.Identifier(schema), sql.Identifier(role)
            )
            for schema in schemas
        ]
    server = sql.Identifier(SERVER)
    for table, columns in _SERVER_READS.items():
        named = sql.Identifier(*table.split("."))
        listed = sql.SQL(", ").join(map(sql.Identifier, columns))
        statements += [
            sql.SQL("revoke all on {} from {}").format(named, server),
            sql.SQL("grant select {} on {} to {}").format(
                sql.SQL("({})").format(listed) if columns else sql.SQL(""), named, server
            ),
        ]
    for statement in statements:
        connection.execute(statement)


def _script(name: str) -> bytes:
    return resources.files("tandem").joinpath("sql", name).read_bytes()
