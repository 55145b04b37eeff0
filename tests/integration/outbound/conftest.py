"""A certificate, a server, and what may connect to it."""

import pytest

from imagegen_adapters.outbound.client import Outbound
from tests.fakes.certificate import write_certificate
from tests.fakes.raw_server import RawServer


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """Return a file with a certificate for localhost and its key."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    write_certificate(path)
    return path


@pytest.fixture
async def server(anyio_backend):
    """A server without responses of its own."""
    async with RawServer() as running:
        yield running


@pytest.fixture
async def outbound(server):
    """What may connect to that server."""
    instance = Outbound(allow_private=frozenset({server.authority}))
    yield instance
    await instance.aclose()
