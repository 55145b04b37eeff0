"""What a node works on: an adapter of each port that its database supplies."""

from collections.abc import Awaitable, Callable

import attrs

from imagegen_adapters.stores.search import IndexState
from imagegen_core.ports.blobs import BlobStore, Spool
from imagegen_core.ports.cluster import Nodes, Slots, Turn
from imagegen_core.ports.gallery import Gallery
from imagegen_core.ports.marks import Marks
from imagegen_core.ports.outbox import Outbox
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.secrets import ProviderConfigs, SecretBox
from imagegen_core.ports.tasks import TaskRepository
from imagegen_http.health import ClusterHealth
from imagegen_http.runtime.peers import NoPeers, Peers
from imagegen_http.runtime.search_index import Progress


async def _nothing() -> None:
    pass


@attrs.frozen(kw_only=True)
class Backend:
    """Everything that nodes on one database have in common, opened for this one.

    ``blobs`` keeps images durably until the archive has them, or for good without one. ``box`` opens with the
    master key that this database was used with before. By ``installation_id`` whoever works on it is told
    from others who use the same bucket. ``index_state`` and ``reindex`` are those of the
    search index.

    Where this process is the only one that works on the database, ``writes`` counts the transactions that it
    has committed, each before anybody knows of it, and ``prepare`` does what has to be done to earlier rows
    and files before it begins. ``is_healthy`` is False after an error from which a disk may not recover.

    Where there may be others, these are its ``peers``, and ``cluster`` reports on them to the node that is
    named. ``hear_cancellations`` takes who is told of tasks whose cancellation was requested at one of them,
    ``hear_removals`` who is told that ``tell_removal`` was called at one: an image was deleted, and its bytes
    are to be removed.
    """

    tasks: TaskRepository
    queue: Queue
    nodes: Nodes
    slots: Slots
    turn: Turn
    images: Gallery
    marks: Marks
    installation_id: Callable[[], Awaitable[str]]
    index_state: Callable[[], Awaitable[IndexState]]
    reindex: Callable[[Progress], Awaitable[int]]
    outbox: Outbox
    blobs: BlobStore
    spool: Spool
    configs: ProviderConfigs
    box: SecretBox
    writes: Callable[[], int] | None = None
    prepare: Callable[[], Awaitable[None]] = _nothing
    hear_cancellations: Callable[[Callable[[str], object]], None] = lambda _hearer: None
    hear_removals: Callable[[Callable[[str], object]], None] = lambda _hearer: None
    tell_removal: Callable[[], object] = lambda: None
    peers: Peers = attrs.field(factory=NoPeers)
    cluster: Callable[[str], Awaitable[ClusterHealth]] | None = None
    is_healthy: Callable[[], bool] = lambda: True
