"""What a node works on: an adapter of each port that its database supplies."""

from collections.abc import Awaitable, Callable

import attrs

from imagegen_adapters.image_records.index_state import IndexState
from imagegen_core.ports.blob_store import BlobStore
from imagegen_core.ports.event_bus import EventBus
from imagegen_core.ports.idempotency_keys import IdempotencyKeys
from imagegen_core.ports.image_inventory import ImageInventory
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.nodes import Nodes
from imagegen_core.ports.outbox import Outbox
from imagegen_core.ports.provider_configs import ProviderConfigs
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.ports.slots import Slots
from imagegen_core.ports.spool import Spool
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.ports.turn import Turn
from imagegen_http.runtime.search_index import Progress


@attrs.frozen(kw_only=True)
class Backend:
    """Everything that nodes on one database have in common, opened for this one.

    ``blobs`` keeps images durably until the archive has them, or for good without one. ``box`` opens with the
    master key that this database was used with before. ``index_state`` and ``reindex`` are those of the
    search index. ``writes`` counts the transactions that were committed, each before anybody knows of it;
    None where other nodes commit, too. ``prepare`` does what has to be done to earlier rows and files before
    the node begins to work. ``is_healthy`` is False after an error from which a disk may not recover.
    """

    tasks: TaskRepository
    idempotency_keys: IdempotencyKeys
    queue: Queue
    events: EventBus
    nodes: Nodes
    slots: Slots
    turn: Turn
    images: ImageRecords
    index_state: Callable[[], Awaitable[IndexState]]
    reindex: Callable[[Progress], Awaitable[int]]
    inventory: ImageInventory
    outbox: Outbox
    blobs: BlobStore
    spool: Spool
    configs: ProviderConfigs
    box: SecretBox
    writes: Callable[[], int] | None
    prepare: Callable[[], Awaitable[None]]
    is_healthy: Callable[[], bool]
