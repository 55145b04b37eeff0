"""Notifies the service manager (systemd's ``Type=notify``) when the service is ready, alive and stopping."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping

import attrs
import structlog

_BEATS_PER_WATCHDOG_PERIOD = 3
_MICROSECONDS = 1_000_000
_log = structlog.get_logger("imagegen.service_manager")


@attrs.frozen(kw_only=True)
class ServiceManager:
    """The service manager that started this process; without one, nothing is sent.

    ``address`` is its datagram socket. A service that lets ``watchdog_seconds`` pass without notifying is
    killed and started again; None where nobody watches.
    """

    address: str | None = None
    watchdog_seconds: float | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "ServiceManager":
        """Return the manager that the environment describes: ``sd_notify(3)``, ``sd_watchdog_enabled(3)``."""
        limit = None
        if environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            with contextlib.suppress(KeyError, ValueError):
                limit = int(environ["WATCHDOG_USEC"]) / _MICROSECONDS
        return cls(address=environ.get("NOTIFY_SOCKET"), watchdog_seconds=limit)

    def ready(self, url: str) -> None:
        """Notify that requests are served now."""
        self._send("READY=1", f"STATUS=listening at {url}")

    def stopping(self, running: int) -> None:
        """Notify that no new work is started."""
        self._send("STOPPING=1", f"STATUS=stopping; {running} running")

    @contextlib.asynccontextmanager
    async def watchdog(self) -> AsyncIterator[None]:
        """Send keep-alive notifications from the event loop while the context is open.

        An event loop that hangs sends none, so the manager restarts the service.
        """
        beating = asyncio.create_task(self._beat(), name="watchdog")
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

    async def _beat(self) -> None:
        while self.watchdog_seconds:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_seconds / _BEATS_PER_WATCHDOG_PERIOD)

    def _send(self, *lines: str) -> None:
        if not self.address:
            return
        # A leading @ is an address without a file.
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.sendto("\n".join(lines).encode(), socket.MSG_DONTWAIT, address)
        except OSError as error:
            _log.warning("the service manager cannot be notified", reason=error.strerror)
