"""The schema, as a sequence of migrations; a released migration never changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from imagegen_adapters.databases.schema_versions import SchemaTooNew, SchemaTooOld
from imagegen_adapters.databases.sqlite.engine import sqlite3

if TYPE_CHECKING:  # slow to import, and nothing is left to do at most starts
    from sqlite_utils import Database as Schema

_SET = "imagegen"

Migration: TypeAlias = "Callable[[Schema], None]"


class _Sequence:
    """The migrations in their order, and those of a database, read without the tools that apply them."""

    def __init__(self) -> None:
        self._migrations: list[Migration] = []

    def __call__(self) -> Callable[[Migration], Migration]:
        return self._append

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all migrations of this version."""
        return tuple(migration.__name__ for migration in self._migrations)

    def applied(self, connection: sqlite3.Connection) -> frozenset[str]:
        """Return the names of the migrations that a database has."""
        exists = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlite_migrations'"
        if connection.execute(exists).fetchone() is None:
            return frozenset()
        query = "SELECT name FROM _sqlite_migrations WHERE migration_set = ?"
        return frozenset(name for (name,) in connection.execute(query, [_SET]))

    def apply(self, connection: sqlite3.Connection) -> None:
        """Apply those that a database does not have."""
        import sqlite_utils

        tool = sqlite_utils.Migrations(_SET)
        for migration in self._migrations:
            tool()(migration)
        tool.apply(sqlite_utils.Database(connection, execute_plugins=False))

    def _append(self, migration: Migration) -> Migration:
        self._migrations.append(migration)
        return migration


migrations = _Sequence()


def migrate(connection: sqlite3.Connection) -> None:
    """Apply all pending migrations in one transaction.

    Raises:
        SchemaTooNew: the database has migrations that this version does not know.
    """
    connection.execute("BEGIN IMMEDIATE")  # serialises processes that start at the same time
    try:
        if _has_pending(connection):
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
    if _has_pending(connection):
        raise SchemaTooOld


def _has_pending(connection: sqlite3.Connection) -> bool:
    applied, names = migrations.applied(connection), frozenset(migrations.names)
    if unknown := applied - names:
        raise SchemaTooNew(unknown)
    return applied != names


def _run(db: Schema, *statements: str) -> None:
    for statement in statements:
        db.conn.execute(statement)


@migrations()
def m001_provider_configs(db: Schema) -> None:
    """Saved provider configurations; `api_key` is sealed for `key_origin`."""
    _run(
        db,
        """
        CREATE TABLE provider_configs (
            provider_name TEXT PRIMARY KEY,
            kind TEXT,
            display_name TEXT,
            api_base TEXT,
            api_key TEXT,
            key_origin TEXT,
            models TEXT,
            enabled INTEGER,
            timeout_seconds REAL,
            max_retries INTEGER,
            extra_config TEXT NOT NULL,
            created_at TEXT,
            updated_at TEXT
        ) STRICT, WITHOUT ROWID
        """,
    )


@migrations()
def m002_tasks(db: Schema) -> None:
    """Tasks are the queue: `seq` orders them by age, and the partial indexes cover only pending tasks.

    Counting pending tasks must cost the same with ten as with a hundred thousand of them, hence the counters.
    """
    _run(
        db,
        """
        CREATE TABLE tasks (
            seq INTEGER PRIMARY KEY,
            task_id TEXT NOT NULL UNIQUE,
            operation TEXT NOT NULL,
            prompt TEXT NOT NULL,
            params TEXT NOT NULL,
            inputs TEXT NOT NULL,
            provider_name TEXT NOT NULL,
            model_id TEXT NOT NULL,
            status TEXT NOT NULL,
            config_snapshot TEXT NOT NULL,
            override TEXT,
            max_retries INTEGER NOT NULL,
            progress REAL,
            attempts INTEGER NOT NULL,
            retries INTEGER NOT NULL,
            rescues INTEGER NOT NULL,
            warnings TEXT NOT NULL,
            failure TEXT,
            cancel_requested INTEGER NOT NULL,
            not_before TEXT,
            owner TEXT,
            epoch INTEGER NOT NULL,
            retry_of TEXT,
            created_at TEXT NOT NULL,
            started_at TEXT,
            completed_at TEXT
        ) STRICT
        """,
        "CREATE INDEX tasks_by_status ON tasks (status, seq)",
        "CREATE INDEX tasks_by_provider ON tasks (provider_name, seq)",
        "CREATE INDEX tasks_by_provider_and_status ON tasks (provider_name, status, seq)",
        """
        CREATE INDEX tasks_ready ON tasks (seq, provider_name)
        WHERE status = 'pending' AND not_before IS NULL
        """,
        """
        CREATE INDEX tasks_put_off ON tasks (not_before)
        WHERE status = 'pending' AND not_before IS NOT NULL
        """,
        "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        "INSERT INTO counters (name, value) VALUES ('pending', 0), ('processing', 0)",
        """
        CREATE TRIGGER tasks_count_new AFTER INSERT ON tasks BEGIN
            UPDATE counters SET value = value + 1 WHERE name = new.status;
        END
        """,
        """
        CREATE TRIGGER tasks_count_changed AFTER UPDATE OF status ON tasks WHEN new.status <> old.status BEGIN
            UPDATE counters SET value = value - 1 WHERE name = old.status;
            UPDATE counters SET value = value + 1 WHERE name = new.status;
        END
        """,
        """
        CREATE TRIGGER tasks_count_gone AFTER DELETE ON tasks BEGIN
            UPDATE counters SET value = value - 1 WHERE name = old.status;
        END
        """,
        """
        CREATE TABLE idempotency_keys (
            scope TEXT NOT NULL,
            key TEXT NOT NULL,
            body_sha256 TEXT NOT NULL,
            task_id TEXT NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
            expires_at TEXT NOT NULL,
            PRIMARY KEY (scope, key)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at)",
        "CREATE INDEX idempotency_keys_by_task ON idempotency_keys (task_id)",
    )


@migrations()
def m003_attempts(db: Schema) -> None:
    """Attempts: the recovery points of paid calls."""
    _run(
        db,
        """
        CREATE TABLE attempts (
            seq INTEGER PRIMARY KEY,
            attempt_id TEXT NOT NULL UNIQUE,
            task_id TEXT NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            part INTEGER NOT NULL,
            phase TEXT NOT NULL,
            charge TEXT NOT NULL,
            job TEXT,
            receipt TEXT,
            failure TEXT,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX attempts_by_task ON attempts (task_id, seq)",
    )


@migrations()
def m004_images(db: Schema) -> None:
    """Images outlive their tasks, and ids are never reused. `crc64` is an unsigned integer, hence text."""
    _run(
        db,
        """
        CREATE TABLE images (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            attempt_id TEXT NOT NULL,
            position INTEGER NOT NULL,
            operation TEXT NOT NULL,
            prompt TEXT NOT NULL,
            provider_name TEXT NOT NULL,
            model_id TEXT NOT NULL,
            mime_type TEXT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            size_bytes INTEGER NOT NULL,
            sha256 TEXT NOT NULL,
            vendor_sha256 TEXT,
            crc64 TEXT,
            blob_key TEXT NOT NULL,
            thumbnail_key TEXT,
            storage TEXT NOT NULL,
            params TEXT NOT NULL,
            metadata TEXT NOT NULL,
            created_at TEXT NOT NULL,
            UNIQUE (attempt_id, position)
        ) STRICT
        """,
        "CREATE INDEX images_by_task ON images (task_id)",
        "CREATE INDEX images_by_storage ON images (storage, id)",
    )


@migrations()
def m005_outbox(db: Schema) -> None:
    """Pending uploads to and removals from the archive."""
    _run(
        db,
        """
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL CHECK (kind IN ('upload', 'remove')),
            blob_key TEXT NOT NULL,
            image_id INTEGER,
            attempts INTEGER NOT NULL DEFAULT 0,
            not_before TEXT,
            last_error TEXT,
            created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            UNIQUE (kind, blob_key)
        ) STRICT
        """,
        "CREATE INDEX outbox_by_time ON outbox (not_before, id)",
        "CREATE INDEX outbox_by_image ON outbox (image_id)",
    )


@migrations()
def m006_events(db: Schema) -> None:
    """Events of tasks, for subscribers."""
    _run(
        db,
        """
        CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            data TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX events_by_task ON events (task_id, id)",
        "CREATE INDEX events_passing ON events (at) WHERE kind = 'progress'",
    )


@migrations()
def m007_instances(db: Schema) -> None:
    """Each start of the service; nothing is written there any more, see `Nodes`."""
    _run(
        db,
        """
        CREATE TABLE instances (
            owner TEXT PRIMARY KEY,
            started_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    )


@migrations()
def m008_search(db: Schema) -> None:
    """The search index, and what makes listing images cheap; see `image_records.index`.

    `image_days` holds the range of image ids of each day. Lists filtered by provider, model or operation use
    the search index, so the images table needs no index for them.
    """
    _run(
        db,
        "INSERT INTO counters (name, value) VALUES ('images', 0), ('images_deleted', 0)",
        """
        CREATE TRIGGER images_count_new AFTER INSERT ON images BEGIN
            UPDATE counters SET value = value + 1 WHERE name = 'images';
        END
        """,
        """
        CREATE TRIGGER images_count_gone AFTER DELETE ON images BEGIN
            UPDATE counters SET value = value - 1 WHERE name = 'images';
            UPDATE counters SET value = value + 1 WHERE name = 'images_deleted';
        END
        """,
        """
        CREATE TABLE image_days (
            day INTEGER PRIMARY KEY,
            first_id INTEGER NOT NULL,
            last_id INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE search_generations (
            generation INTEGER PRIMARY KEY AUTOINCREMENT,
            state TEXT NOT NULL CHECK (state IN ('active', 'building', 'leaving')),
            folding TEXT,
            reached INTEGER NOT NULL DEFAULT 0,
            until INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """,
        "CREATE UNIQUE INDEX search_generations_active ON search_generations (state) WHERE state = 'active'",
        "INSERT INTO search_generations (generation, state) VALUES (1, 'active')",
        """
        CREATE TABLE image_texts_1 (
            id INTEGER PRIMARY KEY, created_ms INTEGER NOT NULL, folded TEXT NOT NULL
        ) STRICT
        """,
        """
        CREATE VIRTUAL TABLE image_index_1 USING fts5(
            tokens, content='', detail=none, columnsize=0, tokenize='ascii'
        )
        """,
    )


@migrations()
def m009_picture_ages(db: Schema) -> None:
    """Images whose local file may expire, by age, so that younger ones are not visited."""
    _run(db, "CREATE INDEX images_by_age ON images (created_at, id) WHERE storage = 'both'")


@migrations()
def m010_sealed_extra(db: Schema) -> None:
    """Secret headers and proxy passwords, sealed like keys instead of in plain text in ``extra_config``."""
    _run(db, "ALTER TABLE provider_configs ADD COLUMN sealed_extra TEXT")


@migrations()
def m011_ready_by_provider(db: Schema) -> None:
    """A claim takes the oldest tasks of each provider, found without visiting those of other providers."""
    _run(
        db,
        "DROP INDEX tasks_ready",
        """
        CREATE INDEX tasks_ready ON tasks (provider_name, seq)
        WHERE status = 'pending' AND not_before IS NULL
        """,
    )


@migrations()
def m012_attempt_configs(db: Schema) -> None:
    """The provider configuration of a call, kept until the provider has finished and the result is stored.

    In `sealed_config` if it contains secrets, otherwise in `config`.
    """
    _run(
        db,
        "ALTER TABLE attempts ADD COLUMN config TEXT",
        "ALTER TABLE attempts ADD COLUMN sealed_config TEXT",
        "CREATE INDEX attempts_sealed ON attempts (attempt_id) WHERE sealed_config IS NOT NULL",
    )


@migrations()
def m013_last_events(db: Schema) -> None:
    """Adds the final event of tasks that ended without one, because of a crash between the two writes.

    `failure` was written by earlier versions, and text that is not JSON must not make the migration fail.
    """
    _run(
        db,
        """
        INSERT INTO events (task_id, kind, at, data)
        SELECT task_id, status, coalesce(completed_at, created_at),
            CASE json_valid(failure) WHEN 1 THEN json_object('error', json_extract(failure, '$.code'))
                ELSE '{}' END
        FROM tasks WHERE status IN ('completed', 'failed', 'cancelled') AND NOT EXISTS (
            SELECT 1 FROM events
            WHERE events.task_id = tasks.task_id AND kind IN ('completed', 'failed', 'cancelled')
        )
        """,
    )


@migrations()
def m014_answered_keys(db: Schema) -> None:
    """When a caller received its response; until then, an equal request counts as a retry of the first."""
    _run(db, "ALTER TABLE idempotency_keys ADD COLUMN answered_at TEXT")


@migrations()
def m015_locked_tasks(db: Schema) -> None:
    """Tasks deferred until the master key is back, which the next start makes due."""
    _run(db, "ALTER TABLE tasks ADD COLUMN locked INTEGER NOT NULL DEFAULT 0")


@migrations()
def m016_image_blocks(db: Schema) -> None:
    """How many images each block of 1,024 ids has: how a page far down the list is found by its number."""
    _run(
        db,
        "CREATE TABLE image_blocks (block INTEGER PRIMARY KEY, images INTEGER NOT NULL) STRICT",
        "INSERT INTO image_blocks (block, images) SELECT id >> 10, count(*) FROM images GROUP BY 1",
        """
        CREATE TRIGGER images_block_new AFTER INSERT ON images BEGIN
            INSERT INTO image_blocks (block, images) VALUES (new.id >> 10, 1)
            ON CONFLICT (block) DO UPDATE SET images = images + 1;
        END
        """,
        """
        CREATE TRIGGER images_block_gone AFTER DELETE ON images BEGIN
            UPDATE image_blocks SET images = images - 1 WHERE block = old.id >> 10;
        END
        """,
    )


@migrations()
def m017_inline_responses(db: Schema) -> None:
    """Short responses, stored with their attempt until its images are stored.

    The index holds those that are kept longer, so that they can be wiped later without visiting the others.
    """
    _run(
        db,
        "ALTER TABLE attempts ADD COLUMN response_name TEXT",
        "ALTER TABLE attempts ADD COLUMN response BLOB",
        """
        CREATE INDEX attempts_kept_responses ON attempts (updated_at)
        WHERE response IS NOT NULL AND phase IN ('stored', 'failed')
        """,
    )
