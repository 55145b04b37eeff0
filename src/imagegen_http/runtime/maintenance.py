"""The background work beside the tasks: uploads, expiry, clean-up."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from typing import Self

import attrs
import structlog

from imagegen_core.errors import ImagegenError, ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.ports.cluster import Turn
from imagegen_core.ports.tools import Clock
from imagegen_core.problems import ProblemCode
from imagegen_core.services.upkeep import (
    CleanSpool,
    ExpireLocal,
    ExpirySummary,
    SyncStorage,
    SyncSummary,
    VerifyReport,
    VerifyStorage,
)
from imagegen_core.values import Progress

SETTLE_SECONDS = 0.2
"""How long a pass waits after a new image, so that many images make one pass."""

_log = structlog.get_logger("imagegen.maintenance")


@attrs.frozen(kw_only=True)
class PassProgress:
    """The progress of a manual pass; ``total`` is None while it is not known."""

    name: str
    done: int = 0
    total: int | None = None


@attrs.define
class Maintenance:
    """Runs one pass after another: at the start, after each new or deleted image, and every few minutes.

    The spool is cleaned at the start and every few minutes only: completed tasks clean up after themselves.
    ``expire`` is None without an archive, which would have to prove that it holds what is to be removed. Each
    pass waits until it is this ``node``'s ``turn``; ``manual_pass`` is the progress of a manual one.
    ``expiry_error`` says why the last expiry had to leave a file that needs an operator. Nothing runs
    automatically before the context is entered.
    """

    sync: SyncStorage
    expire: ExpireLocal | None
    verify: VerifyStorage
    clean: CleanSpool
    turn: Turn
    node: str
    clock: Clock
    sweep_seconds: float
    manual_pass: PassProgress | None = None
    expiry_error: Message | None = None
    _wake: asyncio.Event = attrs.field(factory=asyncio.Event)
    _loop: asyncio.Task[None] | None = None
    _clean_at: float = -math.inf

    def wake(self) -> None:
        """Run a pass soon."""
        self._wake.set()

    async def sync_now(self, *, dry_run: bool) -> SyncSummary:
        """Upload and remove everything that is pending, including what was deferred."""
        async with self._exclusive_pass("sync") as progress:
            return await self.sync(everything=True, dry_run=dry_run, progress=progress)

    async def expire_now(self, *, dry_run: bool) -> ExpirySummary:
        """Remove the local files that are old enough.

        Raises:
            ValidationFailed: OSS is not configured; without it no local file is ever removed, which the
                numbers of a dry run say as well.
        """
        if self.expire is None:
            if dry_run:
                return ExpirySummary()
            raise ValidationFailed.for_field("storage.oss", ProblemCode.NO_ARCHIVE())
        async with self._exclusive_pass("expire") as progress:
            summary = await self.expire(dry_run=dry_run, progress=progress)
        self.expiry_error = summary.last_error
        return summary

    async def verify_now(self, *, checksums: bool, dry_run: bool) -> VerifyReport:
        """Compare all records with the stores and repair what can be repaired."""
        async with self._exclusive_pass("verify") as progress:
            report = await self.verify(checksums=checksums, dry_run=dry_run, progress=progress)
        if report.mended:
            self.wake()  # images that count as local again have to be uploaded
        return report

    async def __aenter__(self) -> Self:
        self._loop = asyncio.create_task(self._run(), name="maintenance")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _exclusive_pass(self, name: str) -> AsyncIterator[Progress]:
        """Wait until no pass is running, and yield the callback for this one's progress."""

        def note(done: int, total: int | None) -> None:
            self.manual_pass = PassProgress(name=name, done=done, total=total)

        async with self.turn.hold(self.node):
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
                async with self.turn.hold(self.node):
                    pause = min(pause, await self._pass(first=first))
            except ImagegenError as error:
                _log.warning("a maintenance pass was interrupted", reason=str(error))
            except Exception:  # noqa: BLE001 - a defect here must not stop uploads for good
                _log.exception("a maintenance pass failed")
            first = False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(pause, 1.0))
            await self.clock.sleep(SETTLE_SECONDS)

    async def _pass(self, *, first: bool) -> float:
        """Run a pass; return the seconds until the next one, when something that was deferred is due."""
        summary = await self.sync(everything=first)
        if summary.uploaded or summary.removed or summary.failed:
            _log.info(
                "stores synchronized",
                uploaded=summary.uploaded,
                removed=summary.removed,
                failed=summary.failed,
                reason=None if summary.last_error is None else str(summary.last_error),
            )
        if self.expire is not None:
            expired = await self.expire()
            self.expiry_error = expired.last_error
            if expired.expired:
                _log.info("local files expired", count=expired.expired)
        if self.clock.monotonic() >= self._clean_at:
            await self.clean()
            self._clean_at = self.clock.monotonic() + self.sweep_seconds
        if summary.next_due is None:
            return self.sweep_seconds
        return (summary.next_due - self.clock.now()).total_seconds()
