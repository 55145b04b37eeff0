"""What the routes share: the services, the settings, and whether the service is stopping."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import attrs

from imagegen_core.imagegen import ImageGen
from imagegen_core.models import Model
from imagegen_core.ports.cluster import NoPeers, Peers
from imagegen_core.services.upkeep import Upkeep
from imagegen_http.health import Health
from imagegen_http.runtime.feed_watch import FeedWatch
from imagegen_http.runtime.running_server import RunningServer
from imagegen_http.runtime.search_index import SearchIndex
from imagegen_http.runtime.shared_reads import SharedReads
from imagegen_http.settings.schema import Settings
from imagegen_http.settings.shown import Origins


@attrs.frozen(kw_only=True)
class ShippedProvider:
    """A provider that is known: its configuration needs an API key at most, or an address of one's own."""

    name: str
    kind: str
    extra_config: Mapping[str, str]
    display_name: str
    api_base: str | None = None
    needs_api_base: bool
    needs_api_key: bool
    models: tuple[Model, ...] = ()


@attrs.define
class Service:
    """One running service.

    ``feed_watch`` wakes those who follow all tasks. ``origins`` say where the settings were set.
    ``stopping`` is set when it shuts down: reads go on, new tasks are refused, streams end.
    ``presets`` lists the shipped declarative providers; ``health`` checks what the service
    depends on; ``listens_on`` takes our own address, to which nothing may ever be sent.
    ``maintenance`` and ``search_index`` are also the background work that can be started manually.
    ``shared_reads`` runs equal lists and searches for several callers at once. ``writes`` counts the
    transactions that were committed, each before its caller knows of it; None if other nodes commit, too.
    ``peers`` are those. ``running_server`` is what commands find in the data directory.
    """

    imagegen: ImageGen
    settings: Settings
    version: str
    presets: Callable[[], list[ShippedProvider]]
    health: Callable[["Service"], Awaitable[Health]]
    listens_on: Callable[[tuple[str, int]], None]
    maintenance: Upkeep
    search_index: SearchIndex
    feed_watch: FeedWatch
    writes: Callable[[], int] | None
    origins: Origins = attrs.field(factory=dict)
    peers: Peers = attrs.field(factory=NoPeers)
    shared_reads: SharedReads = attrs.field(factory=SharedReads)
    stopping: asyncio.Event = attrs.field(factory=asyncio.Event)
    running_server: RunningServer | None = None
