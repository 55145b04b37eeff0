"""The tables that a move copies; their columns are those that both databases have."""

import attrs


@attrs.frozen(kw_only=True)
class Table:
    """A table and its key, in whose order it is copied and compared.

    The keys of a ``numbered`` table are given by the database; ``changing`` are the columns that the move
    itself changes afterwards, and ``counted`` those that triggers fill, which are not copied.
    """

    name: str
    key: tuple[str, ...]
    numbered: bool = False
    changing: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()


IMAGES = Table(name="images", key=("id",), numbered=True, changing=frozenset({"storage"}))

TABLES = (
    Table(name="provider_configs", key=("provider_name",)),
    Table(name="settings", key=("name",)),
    Table(name="tasks", key=("seq",), numbered=True),
    Table(name="idempotency_keys", key=("scope", "key")),
    Table(name="attempts", key=("seq",), numbered=True),
    IMAGES,
    Table(name="tags", key=("id",), numbered=True, counted=frozenset({"images"})),
    Table(name="image_tags", key=("image_id", "tag_id")),
    Table(name="collections", key=("id",), numbered=True, counted=frozenset({"images"})),
    Table(name="collection_images", key=("collection_id", "image_id")),
    Table(name="outbox", key=("id",), numbered=True),
    Table(name="events", key=("id",), numbered=True),
    Table(name="usage_totals", key=("quarter", "provider_name", "model_id", "currency")),
)
"""A table stands behind those that it refers to. What else SQLite holds is derived from these."""
