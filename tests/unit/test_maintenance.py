"""What runs beside the tasks, and when."""

import pytest

from imagegen_adapters.clocks.system import SystemClock
from imagegen_adapters.databases.memory import MemoryState
from imagegen_adapters.image_inventories.memory import MemoryImageInventory
from imagegen_adapters.memory import memory_adapters
from imagegen_adapters.outboxes.memory import MemoryOutbox
from imagegen_adapters.testing.spool import pieces
from imagegen_core.use_cases.clean_spool import CleanSpool
from imagegen_core.use_cases.sync_storage import SyncStorage
from imagegen_core.use_cases.verify_storage import VerifyStorage
from imagegen_http.runtime.maintenance import Maintenance

pytestmark = pytest.mark.anyio


async def test_what_a_dead_submission_left_goes_before_the_first_new_one():
    """Afterwards files without a task are those of a submission that is being checked."""
    adapters = memory_adapters()
    spool, clock, state = adapters.spool, SystemClock(), MemoryState(simplify=str)
    await spool.put("dead", "image", pieces(b"x"), max_bytes=1)
    maintenance = Maintenance(
        sync=SyncStorage(
            inventory=MemoryImageInventory(state),
            outbox=MemoryOutbox(state),
            records=adapters.images,
            local=adapters.blobs,
            archive=None,
            clock=clock,
        ),
        expire=None,
        verify=VerifyStorage(
            inventory=MemoryImageInventory(state),
            records=adapters.images,
            local=adapters.blobs,
            archive=None,
        ),
        clean=CleanSpool(repository=adapters.tasks, spool=spool, clock=clock),
        clock=clock,
        sweep_seconds=600,
    )

    async with maintenance:
        owners = await spool.owners(older_than_seconds=0)

    assert () == owners
