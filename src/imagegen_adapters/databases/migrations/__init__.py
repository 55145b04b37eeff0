"""The schema, as a sequence of migrations; a released migration never changes.

Each is in the module of its table, which tells how that table became what it is.
"""

from imagegen_adapters.databases.migrations.attempts import (
    m003_attempts,
    m012_attempt_configs,
    m017_inline_responses,
)
from imagegen_adapters.databases.migrations.events import m006_events, m013_last_events
from imagegen_adapters.databases.migrations.images import (
    m004_images,
    m008_search,
    m009_picture_ages,
    m016_image_blocks,
    m023_image_quarters,
)
from imagegen_adapters.databases.migrations.instances import m007_instances
from imagegen_adapters.databases.migrations.lineage import m024_lineage
from imagegen_adapters.databases.migrations.marks import m021_marks
from imagegen_adapters.databases.migrations.outbox import m005_outbox
from imagegen_adapters.databases.migrations.provider_configs import (
    m001_provider_configs,
    m010_sealed_extra,
    m025_settings,
)
from imagegen_adapters.databases.migrations.sequence import Sequence
from imagegen_adapters.databases.migrations.tasks import (
    m002_tasks,
    m011_ready_by_provider,
    m014_answered_keys,
    m015_locked_tasks,
    m018_counts_of_ended_tasks,
    m020_task_changes,
)
from imagegen_adapters.databases.migrations.usage_totals import m019_costs
from imagegen_adapters.stores.schema import SchemaTooOld
from imagegen_adapters.stores.sqlite.engine import sqlite3

migrations = Sequence(
    (
        m001_provider_configs,
        m002_tasks,
        m003_attempts,
        m004_images,
        m005_outbox,
        m006_events,
        m007_instances,
        m008_search,
        m009_picture_ages,
        m010_sealed_extra,
        m011_ready_by_provider,
        m012_attempt_configs,
        m013_last_events,
        m014_answered_keys,
        m015_locked_tasks,
        m016_image_blocks,
        m017_inline_responses,
        m018_counts_of_ended_tasks,
        m019_costs,
        m020_task_changes,
        m021_marks,
        m023_image_quarters,
        m024_lineage,
        m025_settings,
    )
)


def migrate(connection: sqlite3.Connection) -> None:
    """Apply all pending migrations in one transaction.

    Raises:
        SchemaTooNew: the database has migrations that this version does not know.
    """
    connection.execute("BEGIN IMMEDIATE")  # serialises processes that start at the same time
    try:
        if migrations.has_pending(connection):
            migrations.apply(connection)
        connection.execute("COMMIT")
    except BaseException:  # interrupted too, the transaction must not stay open
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def check_schema(connection: sqlite3.Connection) -> None:
    """Check that the schema is up to date.

    Raises:
        SchemaTooNew: the database has migrations that this version does not know.
        SchemaTooOld: migrations are pending.
    """
    if migrations.has_pending(connection):
        raise SchemaTooOld
