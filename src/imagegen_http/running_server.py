"""Lets commands find the server that works in a data directory."""

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import httpx

SERVER_FILE = "server.json"
CHALLENGE_HEADER = "X-Imagegen-Challenge"
PROOF_HEADER = "X-Imagegen-Proof"
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


@attrs.frozen(kw_only=True)
class RunningServer:
    """A running server's address, and the secret that it shares with readers of its data directory.

    It locks its announcement, as no copy of the directory can, and proves that it knows the secret.
    """

    url: str
    key: str = attrs.field(repr=False)

    @classmethod
    @contextlib.contextmanager
    def announce(cls, data_dir: Path, host: str, port: int) -> Iterator["RunningServer"]:
        """Publish the address, and hold the announcement's lock while the context is open."""
        host = _WILDCARDS.get(host, host)
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        server = cls(url=url, key=os.urandom(16).hex())
        path = data_dir / SERVER_FILE
        temporary = path.with_suffix(".tmp")
        temporary.unlink(missing_ok=True)  # left by a killed server
        with open(temporary, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            inode = data_dir.stat().st_ino
            json.dump({"url": url, "pid": os.getpid(), "key": server.key, "directory": inode}, file)
            file.flush()
            temporary.replace(path)
            try:
                yield server
            finally:
                path.unlink(missing_ok=True)

    @classmethod
    def find(cls, data_dir: Path) -> "RunningServer | None":
        """Return the server of this very directory; a copied or stale announcement is locked by nobody."""
        try:
            with (data_dir / SERVER_FILE).open(encoding="utf-8") as file:
                with contextlib.suppress(BlockingIOError):  # then its server is alive
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    return None
                server = json.load(file)
            is_here = server["directory"] == data_dir.stat().st_ino  # not linked from another directory
            return cls(url=server["url"], key=server["key"]) if is_here else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def proof(self, challenge: str) -> str:
        """Answer a challenge as only this server can, and only at its own address."""
        return hmac.new(self.key.encode(), f"{challenge} {self.url}".encode(), hashlib.sha256).hexdigest()

    async def answers(self, client: "httpx.AsyncClient") -> bool:
        """Return whether the server itself answers at its address; nothing secret is sent there."""
        import httpx

        challenge = os.urandom(16).hex()
        try:
            response = await client.get(f"{self.url}/health/live", headers={CHALLENGE_HEADER: challenge})
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return hmac.compare_digest(response.headers.get(PROOF_HEADER, ""), self.proof(challenge))
