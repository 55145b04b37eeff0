"""Where images are in time, in PostgreSQL, with what each node has counted of it."""

from imagegen_adapters.image_timelines.postgresql.timeline import PostgresqlImageTimeline

__all__ = ["PostgresqlImageTimeline"]
