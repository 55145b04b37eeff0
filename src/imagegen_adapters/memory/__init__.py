"""All adapters in memory, for trying out the library and for tests."""

from collections.abc import Mapping

from imagegen_adapters.images.inspector import ThreadInspector
from imagegen_adapters.memory.cluster import MemoryCluster
from imagegen_adapters.memory.files import MemoryBlobStore, MemorySpool
from imagegen_adapters.memory.gallery import MemoryGallery, MemoryMarks, MemoryOutbox
from imagegen_adapters.memory.tasks import MemoryProviderConfigs, MemoryQueue, MemoryState, MemoryTasks
from imagegen_adapters.secrets import MemorySecretBox
from imagegen_adapters.simplify import simplify
from imagegen_adapters.system import SystemClock, new_id
from imagegen_core import ImageGen, Limits, Parts
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.ports.provider import Provider
from imagegen_core.ports.tools import Clock
from imagegen_core.redaction import Redactor


def in_memory(
    *,
    providers: Mapping[str, Provider] | None = None,
    limits: Limits | None = None,
    clock: Clock | None = None,
) -> ImageGen:
    """Return an `ImageGen` without persistence. ``providers`` adds to the demo provider, by kind and name."""
    return ImageGen(
        memory_adapters(providers=providers, clock=clock),
        limits=limits,
        file_configs={
            kind: ProviderConfig(provider_name=kind, kind=kind, source=ConfigSource.FILE)
            for kind in ("demo", *(providers or ()))
        },
    )


def memory_adapters(*, providers: Mapping[str, Provider] | None = None, clock: Clock | None = None) -> Parts:
    """Return the memory adapter of every port; use `attrs.evolve` to replace some of them."""
    from imagegen_adapters.providers.demo.provider import DemoProvider  # which draws

    clock = clock or SystemClock()
    state = MemoryState(simplify=simplify)
    return Parts(
        tasks=MemoryTasks(state),
        queue=MemoryQueue(state),
        cluster=MemoryCluster(clock),
        images=MemoryGallery(state),
        marks=MemoryMarks(state),
        outbox=MemoryOutbox(state),
        configs=MemoryProviderConfigs(),
        blobs=MemoryBlobStore(),
        spool=MemorySpool(clock),
        inspect=ThreadInspector().inspect,
        check_address=_trust,
        box=MemorySecretBox(),
        has_room=lambda: True,
        clock=clock,
        providers={"demo": DemoProvider(clock), **(providers or {})},
        redactor=Redactor(),
        new_id=new_id,
        simplify=simplify,
    )


async def _trust(url: str) -> None:
    """Allow every address: only the program chooses what is called."""
