"""The guards keep their port's promises; names lead where the suite says, and no server is asked."""

from ipaddress import ip_address

import pytest

from imagegen_adapters.outbound import AddressGate
from imagegen_adapters.outbound.name_lookups import NameLookups, NameNotResolved
from imagegen_adapters.upstream_guards.memory import MemoryUpstreamGuard
from imagegen_adapters.upstream_guards.outbound import OutboundGuard
from tests.contracts.upstream_guard import LISTED, NAMES, UpstreamGuardContract

pytestmark = pytest.mark.anyio


def query(host, port):
    """Answer as a name server that knows the suite's names."""
    addresses = NAMES.get(host.casefold().rstrip("."))
    if addresses is None:
        raise NameNotResolved(host)
    return tuple(ip_address(address) for address in addresses)


class TestOutboundGuard(UpstreamGuardContract):
    @pytest.fixture
    def guard(self):
        return OutboundGuard(AddressGate(LISTED), lookups=NameLookups(1, query=query))


class TestMemoryUpstreamGuard(UpstreamGuardContract):
    @pytest.fixture
    def guard(self):
        return MemoryUpstreamGuard(names=NAMES, allow_private=LISTED)


@pytest.mark.parametrize("url", ["http://10.0.0.1", "http://169.254.169.254/latest", "nonsense"])
async def test_a_trusting_guard_lets_everything_pass(url):
    """Whoever chooses the addresses is trusted."""
    await MemoryUpstreamGuard(trusting=True).check(url)
