"""``tandem init``: everything a database needs before the first load."""

from __future__ import annotations

from tandem import building, schema
from tandem.database import Connection
from tandem.settings import Settings


def initialise(settings: Settings, connection: Connection) -> int:
    """Make schemas, tables and roles and load the catalog; safe to repeat.

    The caller holds the lock.

    Returns:
        How many seeds the catalog has.

    Raises:
        Refused: the database user may not, or the catalog is broken.
    """
    schema.initialise(connection)
    run = building.seed(settings, connection)
    schema.create_carrier_roles(connection)
    return run.done_by_type["seed"]
