"""Lets commands find the server that works in a data directory."""

import asyncio
import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import attrs

SERVER_FILE = "server.json"
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


@attrs.frozen(kw_only=True)
class RunningServer:
    """The address of a running server and its process."""

    url: str
    pid: int

    @classmethod
    @contextlib.contextmanager
    def announce(cls, data_dir: Path, host: str, port: int) -> Iterator[None]:
        """Publish the address in the data directory while the context is open."""
        host = _WILDCARDS.get(host, host)
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        path = data_dir / SERVER_FILE
        temporary = path.with_suffix(".tmp")
        with open(temporary, "w", opener=_private) as file:
            json.dump({"url": url, "pid": os.getpid()}, file)
        temporary.replace(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    @classmethod
    def find(cls, data_dir: Path) -> "RunningServer | None":
        """Return the server that announced itself if its process is alive, else None."""
        try:
            server = json.loads((data_dir / SERVER_FILE).read_text())
            with contextlib.suppress(PermissionError):  # it is alive, but another user's
                os.kill(server["pid"], 0)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return cls(url=server["url"], pid=server["pid"])

    async def is_listening(self) -> bool:
        """Return whether it accepts connections: after a power cut, its pid may be another process's."""
        url = urlsplit(self.url)
        try:
            _, writer = await asyncio.open_connection(url.hostname, url.port)
            writer.close()
            await writer.wait_closed()
        except OSError:
            return False
        return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
