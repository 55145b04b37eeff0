"""The set of adapters, one for every port."""

from collections.abc import Callable, Mapping

import attrs

from imagegen_core.ports.batches import BatchStore
from imagegen_core.ports.blobs import BlobStore, Outbox, Spool
from imagegen_core.ports.cluster import Cluster
from imagegen_core.ports.gallery import Gallery, Marks, Trash
from imagegen_core.ports.provider import Provider
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.secrets import ProviderConfigs, SecretBox
from imagegen_core.ports.tasks import TaskRepository
from imagegen_core.ports.tools import CheckAddress, Clock, Draw, HasRoom, Inspect, Label
from imagegen_core.ports.webhooks import WebhookStore
from imagegen_core.search import Simplify
from imagegen_core.secrets import Redactor


@attrs.frozen(kw_only=True)
class Parts:
    """One adapter for every port.

    ``providers`` are by kind; the search uses ``simplify``; without a ``label`` images stay unchanged.
    ``check_webhook`` checks the addresses of webhooks. ``large_thumbnails`` may forget, and is nowhere else.
    """

    tasks: TaskRepository
    queue: Queue
    batches: BatchStore
    cluster: Cluster
    images: Gallery
    trash: Trash
    marks: Marks
    outbox: Outbox
    webhooks: WebhookStore
    configs: ProviderConfigs
    blobs: BlobStore
    large_thumbnails: BlobStore
    spool: Spool
    inspect: Inspect
    draw: Draw
    check_address: CheckAddress
    check_webhook: CheckAddress
    box: SecretBox
    has_room: HasRoom
    clock: Clock
    providers: Mapping[str, Provider]
    redactor: Redactor
    new_id: Callable[[], str]
    simplify: Simplify = str
    label: Label | None = None
