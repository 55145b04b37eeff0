"""The tables that a move copies; their columns are those that both databases have."""

import attrs


@attrs.frozen(kw_only=True)
class Table:
    """A table and its key, in whose order it is copied and compared.

    The keys of a ``numbered`` table are given by the database; ``changing`` are the columns that the move
    itself changes afterwards.
    """

    name: str
    key: tuple[str, ...]
    numbered: bool = False
    changing: frozenset[str] = frozenset()


IMAGES = Table(name="images", key=("id",), numbered=True, changing=frozenset({"storage"}))

TABLES = (
    Table(name="provider_configs", key=("provider_name",)),
    Table(name="tasks", key=("seq",), numbered=True),
    Table(name="idempotency_keys", key=("scope", "key")),
    Table(name="attempts", key=("seq",), numbered=True),
    IMAGES,
    Table(name="outbox", key=("id",), numbered=True),
    Table(name="events", key=("id",), numbered=True),
    Table(name="usage_totals", key=("quarter", "provider_name", "model_id", "currency")),
)
"""A table stands behind those that it refers to. What else SQLite holds is derived from these."""
