"""Configures oss2: V4 signatures, no retries, no redirects, no environment, checked addresses."""

import contextlib
import logging
import socket
import threading
import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from imagegen_adapters.blob_archives.oss.settings import OssSettings
from imagegen_adapters.outbound.name_lookups import NameNotResolved

CheckAddress = Callable[[str, int], Sequence[tuple[str, int]]]
"""Resolves host and port, checks every address and returns those to connect to, as (ip, port).

Called in a thread. Raises `NameNotResolved` or `UpstreamNotAllowed`; see `AddressGate.resolve_and_check`.
"""

_importing = threading.Lock()


class Connections:
    """Tracks the connections to a bucket, so that a shutdown can interrupt requests in progress."""

    def __init__(self) -> None:
        self._all: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()
        self.closed = False

    def add(self, connection: Any) -> None:
        """Register a connection that is being opened."""
        with self._lock:
            self._all.add(connection)

    def disconnect_all(self) -> None:
        """Shut all connections down and refuse new ones."""
        with self._lock:
            self.closed, connections = True, list(self._all)
        for connection in connections:
            if connection.sock is not None:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)


def make_bucket(
    settings: OssSettings,
    check_address: CheckAddress | None,
    *,
    connections: Connections | None = None,
    public: bool = False,
) -> Any:
    """Return an ``oss2.Bucket`` for the internal or the public endpoint; the first call blocks for 0.3 s."""
    oss2 = import_oss2()
    secret = settings.access_key_secret.reveal()
    token = settings.security_token.reveal() if settings.security_token else None
    credentials = oss2.credentials.StaticCredentialsProvider(settings.access_key_id, secret, token)
    adapter = _adapter(settings.connections, connections or Connections(), check_address)
    session = oss2.Session(adapter=adapter)
    session.session.trust_env = False  # otherwise proxy variables and ~/.netrc apply to our requests
    session.session.max_redirects = 0  # OSS redirects only to other regions: the endpoint is wrong
    return oss2.Bucket(
        oss2.ProviderAuthV4(credentials),
        settings.public_endpoint if public and settings.public_endpoint else settings.endpoint,
        settings.bucket,
        region=settings.region,
        session=session,
        connect_timeout=(settings.connect_timeout, settings.read_timeout),
        is_cname=settings.is_cname,
        is_path_style=settings.is_path_style,
        enable_crc=False,  # we compare checksums ourselves: oss2's is slow without crcmod's C extension
    )


def import_oss2() -> Any:
    """Return the library; its debug logging, which contains signatures, is disabled."""
    with _importing, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its modules and dependencies emit warnings when compiled
        import oss2
        import oss2.credentials
    # oss2.auth uses datetime.utcnow(), which is correct there but deprecated since Python 3.12
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"oss2\.auth")
    logging.getLogger("oss2").setLevel(logging.WARNING)
    return oss2


def _adapter(size: int, connections: Connections, check_address: CheckAddress | None) -> Any:
    from requests.adapters import HTTPAdapter

    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=size, max_retries=0)
    adapter.poolmanager.pool_classes_by_scheme = _pools(connections, check_address)
    return adapter


def _pools(connections: Connections, check_address: CheckAddress | None) -> dict[str, Any]:
    """Return pool classes that connect only to checked addresses; Host header and TLS still use the name."""
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import NewConnectionError

    def connect(connection: Any, connect_to_dns_host: Callable[[], socket.socket]) -> socket.socket:
        connections.add(connection)
        if connections.closed:
            raise NewConnectionError(connection, "the store is shutting down")
        if check_address is None:
            return connect_to_dns_host()
        name = connection._dns_host  # noqa: SLF001 - urllib3 offers no public way to set the address apart from the name
        try:
            addresses = check_address(connection.host, connection.port)
        except NameNotResolved as error:
            raise _resolution_error(connection, error) from error
        try:
            return _first_reachable(connection, addresses, connect_to_dns_host)
        finally:
            connection._dns_host = name  # noqa: SLF001 - see above

    class CheckedConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self, super()._new_conn)

    class CheckedTlsConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self, super()._new_conn)

    class CheckedPool(HTTPConnectionPool):
        ConnectionCls = CheckedConnection

    class CheckedTlsPool(HTTPSConnectionPool):
        ConnectionCls = CheckedTlsConnection

    return {"http": CheckedPool, "https": CheckedTlsPool}


def _first_reachable(
    connection: Any, addresses: Sequence[tuple[str, int]], connect_to_dns_host: Callable[[], socket.socket]
) -> socket.socket:
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    for ip, _ in addresses[:-1]:
        connection._dns_host = ip  # noqa: SLF001 - see above
        try:
            return connect_to_dns_host()
        except (NewConnectionError, ConnectTimeoutError):
            continue
    connection._dns_host = addresses[-1][0]  # noqa: SLF001 - see above
    return connect_to_dns_host()


def _resolution_error(connection: Any, error: Exception) -> Exception:
    from urllib3.exceptions import NewConnectionError

    return NewConnectionError(connection, str(error))
