"""The same gate for SDKs that are built on requests, such as oss2."""

import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from imagegen_adapters.outbound.address_gate import AddressGate
from imagegen_adapters.outbound.resolving import NameNotResolved


class GatedAdapter(HTTPAdapter):
    """A requests adapter that connects to checked addresses only.

    Mount it for ``http://`` and ``https://`` on a session with ``trust_env = False``.
    Opening a connection raises `UpstreamNotAllowed` for an address that may not be called.
    """

    def __init__(self, gate: AddressGate, **options: Any) -> None:
        self._gate = gate
        super().__init__(**options)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:  # noqa: FBT001, FBT002 - requests' signature
        """Make the pools, with connections of our own kind."""
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)
        self.poolmanager.pool_classes_by_scheme = _pool_classes(self._gate)


def _pool_classes(gate: AddressGate) -> dict[str, Any]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(gate, self)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(gate, self)

    plain_pool = type("GatedPool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
    secure_pool = type("GatedTlsPool", (HTTPSConnectionPool,), {"ConnectionCls": Secure})
    return {"http": plain_pool, "https": secure_pool}


def _connect(gate: AddressGate, connection: HTTPConnection) -> socket.socket:
    try:
        addresses = gate.check_connection(connection.host, connection.port)
    except NameNotResolved as error:
        raise NameResolutionError(connection.host, connection, socket.gaierror(str(error))) from error
    timeout = connection.timeout if isinstance(connection.timeout, int | float) else None
    failure: OSError | None = None
    for address in addresses:
        try:
            return _open(address, timeout, connection.socket_options or ())
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, f"{connection.host} did not take the connection") from failure
    raise NewConnectionError(connection, f"{connection.host} could not be connected to") from failure


def _open(address: tuple[str, int], timeout: float | None, options: Any) -> socket.socket:
    opened = socket.create_connection(address, timeout)
    for option in options:
        opened.setsockopt(*option)
    return opened
