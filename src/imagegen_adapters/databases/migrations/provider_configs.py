"""Saved provider configurations, and other settings that are saved."""

from imagegen_adapters.databases.migrations.sequence import Schema, run


def m001_provider_configs(db: Schema) -> None:
    """Saved provider configurations; `api_key` is sealed for `key_origin`."""
    run(
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


def m010_sealed_extra(db: Schema) -> None:
    """Secret headers and proxy passwords, sealed like keys instead of in plain text in ``extra_config``."""
    run(db, "ALTER TABLE provider_configs ADD COLUMN sealed_extra TEXT")


def m025_settings(db: Schema) -> None:
    """Settings that are saved, such as the default provider, over those of `config.yaml`."""
    run(db, "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID")
