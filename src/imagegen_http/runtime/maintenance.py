"""What runs beside the tasks: uploads, expiry, clean-up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Self

import attrs
import structlog

from imagegen_core.errors import ImagegenError, ValidationFailed
from imagegen_core.ports.clock import Clock
from imagegen_core.use_cases.clean_spool import CleanSpool
from imagegen_core.use_cases.expire_local import ExpireLocal, ExpirySummary
from imagegen_core.use_cases.sync_storage import SyncStorage, SyncSummary
from imagegen_core.use_cases.verify_storage import VerifyReport, VerifyStorage
from imagegen_core.values.progress import Progress

SETTLE_SECONDS = 0.2
"""How long after a new image the next pass waits, so that many images are one pass."""

_log = structlog.get_logger("imagegen.maintenance")


@attrs.frozen(kw_only=True)
class PassProgress:
    """How far a pass is that was asked for by hand; ``total`` is None while nobody knows."""

    name: str
    done: int = 0
    total: int | None = None


@attrs.define
class Maintenance:
    """One pass after another: at the start, after each new or deleted image, and every few minutes.

    ``expire`` is None where there is no archive to prove that it holds what would be removed. What is
    asked for by hand waits for the pass that runs, and the next one for it; ``manual_pass`` tells how far it
    is. ``expiry_error`` says why the last expiry left a file that nothing will put right by itself. Nothing
    runs on its own until it is entered.
    """

    sync: SyncStorage
    expire: ExpireLocal | None
    verify: VerifyStorage
    clean: CleanSpool
    clock: Clock
    sweep_seconds: float
    manual_pass: PassProgress | None = None
    expiry_error: str | None = None
    _wake: asyncio.Event = attrs.field(factory=asyncio.Event)
    _lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    _loop: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Have a pass made soon."""
        self._wake.set()

    async def sync_now(self, *, dry_run: bool) -> SyncSummary:
        """Upload and remove all that waits, also what was put off."""
        async with self._exclusive_pass("sync") as progress:
            return await self.sync(everything=True, dry_run=dry_run, progress=progress)

    async def expire_now(self, *, dry_run: bool) -> ExpirySummary:
        """Remove the local files that are old enough.

        Raises:
            ValidationFailed: without OSS, a local file is never removed.
        """
        if self.expire is None:
            raise ValidationFailed.of("storage.oss", "is not configured, so local files are never removed")
        async with self._exclusive_pass("expire") as progress:
            summary = await self.expire(dry_run=dry_run, progress=progress)
        self.expiry_error = summary.last_error
        return summary

    async def verify_now(self, *, checksums: bool, dry_run: bool) -> VerifyReport:
        """Compare all records with the stores and mend what can be mended."""
        async with self._exclusive_pass("verify") as progress:
            report = await self.verify(checksums=checksums, dry_run=dry_run, progress=progress)
        if report.mended:
            self.wake()  # what counts as local again is uploaded
        return report

    async def __aenter__(self) -> Self:
        try:
            await self.clean(at_start=True)  # now, while no submission can be under way
        except ImagegenError as error:
            _log.warning("what an earlier run left could not be cleaned up", reason=str(error))
        self._loop = asyncio.create_task(self._run(), name="maintenance")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _exclusive_pass(self, name: str) -> AsyncIterator[Progress]:
        """Wait for the pass that runs, and yield what notes how far this one is."""

        def note(done: int, total: int | None) -> None:
            self.manual_pass = PassProgress(name=name, done=done, total=total)

        async with self._lock:
            note(0, None)
            try:
                yield note
            finally:
                self.manual_pass = None

    async def _run(self) -> None:
        first = True
        while True:
            self._wake.clear()
            pause = self.sweep_seconds
            try:
                async with self._lock:
                    pause = min(pause, await self._pass(first=first))
            except ImagegenError as error:
                _log.warning("a maintenance pass was broken off", reason=str(error))
            except Exception:  # noqa: BLE001 - a defect here must not stop uploads for good
                _log.exception("a maintenance pass failed")
            first = False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(pause, 1.0))
            await self.clock.sleep(SETTLE_SECONDS)

    async def _pass(self, *, first: bool) -> float:
        """Return the seconds until something that was put off is due."""
        summary = await self.sync(everything=first)
        if summary.uploaded or summary.removed or summary.failed:
            _log.info(
                "stores brought in step",
                uploaded=summary.uploaded,
                removed=summary.removed,
                failed=summary.failed,
                reason=summary.last_error,
            )
        if self.expire is not None:
            expired = await self.expire()
            self.expiry_error = expired.last_error
            if expired.expired:
                _log.info("local files expired", count=expired.expired)
        await self.clean()
        if summary.next_due is None:
            return self.sweep_seconds
        return (summary.next_due - self.clock.now()).total_seconds()
