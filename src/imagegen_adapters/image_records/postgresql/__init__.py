"""Image records in PostgreSQL, with a search index that is read in windows, newest first."""

from imagegen_adapters.image_records.postgresql.records import PostgresqlImageRecords, insert_images

__all__ = ["PostgresqlImageRecords", "insert_images"]
