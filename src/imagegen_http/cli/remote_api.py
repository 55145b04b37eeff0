"""The API of a node elsewhere, of which this machine has neither settings nor data."""

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imagegen_core.messages import Language
from imagegen_http.cli.api import Api, Distance
from imagegen_http.cli.context import CommandFailed, complain
from imagegen_http.cli.lean_imports import load_httpx
from imagegen_http.cli.messages import CommandCode, ConnectionCode, NoteCode
from imagegen_http.cli.server_address import ServerAddress

load_httpx()
import httpx  # noqa: E402 - only after the parts of it that nobody needs are hidden

CALL_SECONDS = 60
"""How long a node may take for one answer."""

CONNECT_SECONDS = 10

ELSEWHERE = Distance(
    retry_delays=(1, 2, 4, 8),
    max_poll_seconds=1,
    hints={40101: ConnectionCode.TOKEN_NEEDED, 40400: ConnectionCode.NO_API},
)


@asynccontextmanager
async def open_remote(server: ServerAddress, token: str | None, language: Language) -> AsyncIterator[Api]:
    """Yield the API of a node.

    The token goes to that address alone, since redirects are not followed. What is encrypted is verified; the
    environment says by which certificates and through which proxy, except on this machine.

    Raises:
        CommandFailed: the environment names a proxy or certificates that cannot be used.
    """
    headers = httpx.Headers({"Accept-Language": str(language)}, encoding="utf-8")
    if token:
        headers["Authorization"] = f"Bearer {token}"
        if not server.is_encrypted and not server.is_loopback:
            complain(NoteCode.TOKEN_IN_THE_CLEAR(address=server.url), language)
    try:
        client = httpx.AsyncClient(
            base_url=server.url,
            headers=headers,
            timeout=httpx.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS),
            trust_env=not server.is_loopback,
            verify=_certificates(server),
        )
    except (httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        raise CommandFailed(CommandCode.CONNECTION_SETTINGS(detail=str(error))) from error
    async with client:
        yield Api(
            client,
            place=server.url,
            language=language,
            program=f"imagegen --server {server.url}",
            distance=ELSEWHERE,
        )


def _certificates(server: ServerAddress) -> ssl.SSLContext:
    """Return the certificates that the environment names, else the system's and certifi's."""
    if not server.is_encrypted:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing is encrypted: none need be read
    context = ssl.create_default_context()
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        import certifi

        context.load_verify_locations(certifi.where())
    return context
