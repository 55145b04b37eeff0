"""Automatic and manual maintenance passes exclude each other."""

import asyncio
from types import SimpleNamespace

import attrs
import pytest

from imagegen_adapters.system import OneNode, SystemClock
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import StorageCode
from imagegen_core.ports.cluster import UPKEEP_SLOT
from imagegen_core.services.upkeep import ExpirySummary, SyncSummary, Upkeep
from imagegen_core.services.verify import VerifyReport
from imagegen_core.values import PassProgress
from tests.contracts.clock import ManualClock

pytestmark = pytest.mark.anyio

DAMAGED = StorageCode.LOCAL_FILE_DAMAGED(image_id=7)


class Stores:
    """Counts the passes, and how many run concurrently."""

    archive, retention_days = "an archive", 1

    def __init__(self, clock=None):
        self.passes, self.now, self.most = [], 0, 0
        self.begun = asyncio.Queue()
        self.parts = SimpleNamespace(clock=clock or SystemClock(), cluster=OneNode())
        report = VerifyReport(images=0, blobs=0, wrong=0, mended=0, archive_checked=True)
        self.sync, self.expire = self.pass_of("sync", SyncSummary()), self.pass_of("expire", ExpirySummary())
        self.verify, self.clean = self.pass_of("verify", report), self.pass_of("clean", 0)

    async def empty_trash(self):
        return 0

    def pass_of(self, name, result):
        async def act(**options):
            self.passes.append(name)
            self.begun.put_nowait(name)
            self.now += 1
            self.most = max(self.most, self.now)
            for _ in range(5):
                await asyncio.sleep(0)
            self.now -= 1
            return result

        return act

    async def next(self, number):
        """Return the names of so many passes, once they have begun."""
        async with asyncio.timeout(60):
            return [await self.begun.get() for _ in range(number)]


def maintenance(stores):
    return Upkeep(stores=stores, node="this", sweep_seconds=600)


async def test_passes_never_overlap():
    """Whoever started them."""
    stores = Stores()
    async with maintenance(stores) as passes:
        await asyncio.gather(
            passes.sync_now(dry_run=False),
            passes.expire_now(dry_run=False),
            passes.verify_now(checksums=True, dry_run=False),
            passes.sync_now(dry_run=True),
        )

    assert (1, True) == (stores.most, len(stores.passes) >= 4)


async def test_without_an_archive_nothing_expires():
    """The local file is the only one there is."""
    stores = Stores()
    stores.archive = None
    passes = maintenance(stores)
    with pytest.raises(ValidationFailed):
        await passes.expire_now(dry_run=False)

    async with stores.parts.cluster.slot(UPKEEP_SLOT, node="this", limit=1), asyncio.timeout(10):
        assert ExpirySummary() == await passes.expire_now(dry_run=True)  # even while a pass runs


async def test_nothing_runs_before_it_is_entered():
    """A command that only reads does not start uploads."""
    stores = Stores()
    maintenance(stores).wake()
    await asyncio.sleep(0)

    assert [] == stores.passes


async def test_a_manual_pass_reports_its_progress():
    """While it runs, and only then."""
    progress_reports = []

    async def verify(*, progress, **_):
        progress_reports.append(attrs.evolve(entered.manual_pass))
        progress.total = 7
        progress.add(3)
        progress_reports.append(attrs.evolve(entered.manual_pass))
        return VerifyReport(images=7, blobs=0, wrong=0, mended=0, archive_checked=True)

    stores = Stores()
    stores.verify = verify
    entered = maintenance(stores)
    await entered.verify_now(checksums=True, dry_run=True)

    expected = [PassProgress(name="verify"), PassProgress(name="verify", done=3, total=7), None]
    assert expected == [*progress_reports, entered.manual_pass]


async def test_the_expiry_error_stays_until_the_next_expiry():
    """For the health report."""
    summaries = [ExpirySummary(retained=1, last_error=DAMAGED), ExpirySummary()]

    async def expire(**_):
        return summaries.pop(0)

    stores = Stores()
    stores.expire = expire
    entered = maintenance(stores)
    errors = []
    for _ in range(2):
        await entered.expire_now(dry_run=False)
        errors.append(entered.expiry_error)

    assert [DAMAGED, None] == errors


async def test_the_spool_is_cleaned_once_each_sweep():
    """A pass for a new image leaves it alone, however many files wait there."""
    clock = ManualClock()
    stores = Stores(clock)
    async with maintenance(stores) as passes:
        first = await stores.next(3)
        passes.wake()
        second = await stores.next(2)
        await passes.verify_now(checksums=False, dry_run=True)
        clock.advance(600)
        passes.wake()
        third = await stores.next(4)

    assert ["sync", "expire", "clean"] == first
    assert ["sync", "expire"] == second
    assert ["verify", "sync", "expire", "clean"] == third
