"""Image records in PostgreSQL, with a search index that is read in windows, newest first."""

from imagegen_adapters.image_records.postgresql.additions import insert_images
from imagegen_adapters.image_records.postgresql.records import PostgresqlImageRecords

__all__ = ["PostgresqlImageRecords", "insert_images"]
