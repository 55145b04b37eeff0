"""The proxy of a provider, as httpcore2 takes it."""

import pytest

from imagegen_adapters.outbound.transport import proxy_of, to_httpcore
from imagegen_core.config import ConfigSource, ProviderConfig, Proxy
from imagegen_core.errors import CallError, FailureCode


def config(**extra):
    return ProviderConfig(
        provider_name="p", source=ConfigSource.DATABASE, extra_config=extra, is_unchecked=True
    )


def test_a_name_in_any_script_is_looked_up_as_the_dns_writes_it():
    """Its credentials are separate from the address."""
    proxy = to_httpcore(Proxy.parse("http://me:h%C3%BC%25@bücher.example:3128"))

    assert (b"http", b"xn--bcher-kva.example", 3128, (b"me", "hü%".encode())) == (
        proxy.url.scheme,
        proxy.url.host,
        proxy.url.port,
        proxy.auth,
    )


def test_a_provider_without_a_proxy_has_none():
    """Neither an absent setting nor an empty one is a proxy."""
    assert (None, None) == (proxy_of(config()), proxy_of(config(proxy="")))


@pytest.mark.parametrize("text", ["socks5://p:1", 7, "http://p q", f"http://ü{'x' * 70}.example"])
def test_what_an_earlier_version_stored_is_refused_when_it_is_used(text):
    """The refusal names the setting."""
    with pytest.raises(CallError, match=r"extra_config\.proxy") as refusal:
        to_httpcore(proxy_of(config(proxy=text)))

    assert FailureCode.PROVIDER_NOT_CONFIGURED == refusal.value.failure.code
