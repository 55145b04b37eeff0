"""Every spelling of a forbidden address, as api_base and as result URL, against a listener that counts."""

import pytest

from imagegen_adapters.outbound.addresses import OutboundGuard
from imagegen_adapters.outbound.client import Outbound
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError, FailureCode, UpstreamNotAllowed
from tests.fakes.raw_server import RawServer

pytestmark = pytest.mark.anyio

LOOPBACK = """
127.0.0.1 127.0.0.1. 127.1 127.0.1 127.000.000.001 0177.0.0.1 0177.1 017700000001 0x7f.0.0.1 0x7f.1 0x7F000001
2130706433 2130706433. 127.0.0.2 127.255.255.254 localhost LOCALHOST LocalHost 0 0.0.0.0 0x0 00 0.0
[::1] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:1] [::127.0.0.1] [::]
[64:ff9b::127.0.0.1] [2002:7f00:1::] ①②⑦.⓪.⓪.① １２７.０.０.１ 127。0。0。1 127．0．0．1 ⑫7.0.0.1
""".split()  # noqa: SIM905 - a table of words

PRIVATE = """
10.0.0.1 10.1 0x0a000001 167772161 192.168.0.1 192.168.1 0xc0.0xa8.0.1 172.16.0.1 100.64.0.1 198.18.0.1
[fd00::1] [fe80::1] [fec0::1] [::ffff:10.0.0.1] [::ffff:192.168.0.1] 224.0.0.1 255.255.255.255 240.0.0.1
""".split()  # noqa: SIM905 - a table of words

METADATA = """
169.254.169.254 169.254.43518 0xa9fea9fe 2852039166 0251.0376.0251.0376 [::ffff:169.254.169.254]
[::ffff:a9fe:a9fe] [64:ff9b::a9fe:a9fe] [fd00:ec2::254] 169.254.170.2 100.100.100.200 0x646464c8 168.63.129.16
192.0.0.192 ①⑥⑨.254.169.254
""".split()  # noqa: SIM905 - a table of words

EVERY = [*LOOPBACK, *PRIVATE, *METADATA]


def provider(api_base):
    return ProviderConfig(
        provider_name="fake", source=ConfigSource.FILE, api_base=api_base, timeout_seconds=60
    )


@pytest.fixture(scope="module")
async def listener():
    async with RawServer(host="0.0.0.0") as running:
        yield running


def test_the_table_is_long():
    """Sixty spellings at least."""
    assert len(set(EVERY)) >= 60


@pytest.mark.parametrize("host", EVERY)
async def test_no_spelling_is_accepted_as_api_base(listener, host):
    """Saving and submitting refuse it in every spelling."""
    with pytest.raises(UpstreamNotAllowed):
        await OutboundGuard(Outbound().gate).check(f"http://{host}:{listener.port}/v1")

    assert 0 == listener.opened


@pytest.mark.parametrize("host", EVERY)
async def test_no_spelling_is_connected_to_as_api_base(listener, host):
    """A configuration that bypassed the check is refused before connecting."""
    outbound = Outbound()
    base = f"http://{host}:{listener.port}/v1"
    with pytest.raises((UpstreamNotAllowed, CallError)):
        await outbound.api_client(provider(base)).get(base)

    assert 0 == listener.opened


@pytest.mark.parametrize("host", EVERY)
async def test_no_spelling_is_downloaded_from(listener, host):
    """A result URL with it is refused, even on the provider's own port."""
    outbound = Outbound(allow_private={"gpu.lan:80"})
    config = provider(f"http://api.example.com:{listener.port}")
    url = f"http://{host}:{listener.port}/x.png"
    with pytest.raises(CallError) as caught:
        _ = [chunk async for chunk in outbound.download(url, config=config, max_bytes=100, timeout=60)]

    assert (FailureCode.DOWNLOAD_FAILED, 0) == (caught.value.failure.code, listener.opened)


@pytest.mark.parametrize("host", METADATA)
async def test_metadata_stays_closed_although_listed(listener, host):
    """The operator's list cannot allow it."""
    outbound = Outbound(allow_private={f"{host}:80"})
    with pytest.raises(UpstreamNotAllowed):
        await OutboundGuard(outbound.gate).check(f"http://{host}/")


@pytest.mark.parametrize("url", ["http://93.184.216.34/v1", "https://8.8.8.8", "http://no.such.invalid:99/"])
async def test_public_addresses_and_unknown_names_may_be_saved(url):
    """A name that does not resolve now is checked when it does."""
    await OutboundGuard(Outbound().gate).check(url)


@pytest.mark.parametrize("url", ["ftp://example.com", "http://", "http://[::1", "//x", "http://a:99999"])
async def test_what_is_no_http_address_is_refused(url):
    """There is nothing to check."""
    with pytest.raises(UpstreamNotAllowed):
        await OutboundGuard(Outbound().gate).check(url)
