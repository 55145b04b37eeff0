"""The check of addresses keeps its promises; names lead where the tests say, and no server is asked."""

from ipaddress import ip_address

import pytest

from imagegen_adapters.outbound.addresses import AddressGate, NameLookups, NameNotResolved, OutboundGuard
from imagegen_core.errors import UpstreamNotAllowed

pytestmark = pytest.mark.anyio


NAMES = {
    "public.example": ("93.184.216.34", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"),
    "inside.example": ("10.0.0.7",),
    "inside6.example": ("fd00::7",),
    "mixed.example": ("93.184.216.34", "10.0.0.7"),
    "metadata.example": ("169.254.169.254",),
    "gpu.example": ("192.168.1.20",),
}
"""Addresses of host names; no other name resolves."""


LISTED = ("gpu.example:7860", "192.168.1.30:7860", "localhost:8188", "metadata.example:80")
"""Hosts and ports that the operator allow-lists."""


REFUSED = """
127.0.0.1 127.1 0177.0.0.1 0x7f.1 2130706433 localhost LOCALHOST [::1] [::ffff:127.0.0.1] [::] 0.0.0.0
10.0.0.1 192.168.0.1 172.16.0.1 100.64.0.1 [fd00::1] [fe80::1] 169.254.1.1 224.0.0.1
169.254.169.254 100.100.100.200 [fd00:ec2::254] [64:ff9b::a9fe:a9fe]
inside.example inside6.example mixed.example metadata.example INSIDE.example inside.example.
%31%32%37.0.0.1 gpu.example 192.168.1.30
""".split()  # noqa: SIM905 - a table of words
"""Hosts that are refused on port 80: private, loopback, link-local and metadata, in any notation."""


def query(host, port):
    """Answer as a name server that knows the suite's names."""
    addresses = NAMES.get(host.casefold().rstrip("."))
    if addresses is None:
        raise NameNotResolved(host)
    return tuple(ip_address(address) for address in addresses)


@pytest.fixture
def guard():
    return OutboundGuard(AddressGate(LISTED), lookups=NameLookups(1, query=query))


@pytest.mark.parametrize(
    "url",
    [
        *("http://93.184.216.34/v1", "https://8.8.8.8", "https://[2606:4700::1111]:8443/v1?a=b"),
        *("http://public.example/v1", "https://PUBLIC.example:444", "https://user:key@public.example/"),
    ],
)
async def test_public_addresses_pass(guard, url):
    """Public addresses and names pass, on any port."""
    await guard.check(url)


@pytest.mark.parametrize("url", ["http://no.such.example:99/", "https://nowhere.invalid"])
async def test_a_name_that_does_not_resolve_passes(guard, url):
    """It is checked again when the connection is made."""
    await guard.check(url)


@pytest.mark.parametrize("host", REFUSED)
async def test_what_is_inside_is_refused(guard, host):
    """A single address that is not allowed is enough, in any notation."""
    with pytest.raises(UpstreamNotAllowed):
        await guard.check(f"http://{host}/v1")


@pytest.mark.parametrize(
    "url",
    [
        *("http://gpu.example:7860/sdapi", "https://GPU.example:7860", "http://192.168.1.30:7860"),
        *("http://localhost:8188", "http://127.0.0.1:8188", "http://[::1]:8188"),
    ],
)
async def test_what_the_operator_listed_passes(guard, url):
    """By name or by address; the notations of loopback are one entry."""
    await guard.check(url)


@pytest.mark.parametrize("url", ["http://gpu.example:7861", "http://192.168.1.31:7860", "https://localhost"])
async def test_an_entry_is_for_its_own_port_and_host(guard, url):
    """Other ports and hosts are refused."""
    with pytest.raises(UpstreamNotAllowed):
        await guard.check(url)


async def test_metadata_stays_closed_although_listed(guard):
    """A metadata service gives the machine's own credentials to any client."""
    with pytest.raises(UpstreamNotAllowed):
        await guard.check("http://metadata.example:80/latest")


@pytest.mark.parametrize(
    "url", ["", "ftp://public.example", "http://", "http://[::1", "//x", "http://a:99999"]
)
async def test_what_is_no_http_address_is_refused(guard, url):
    """It has no address to check."""
    with pytest.raises(UpstreamNotAllowed):
        await guard.check(url)
