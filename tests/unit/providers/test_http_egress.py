"""URLs from responses: which are followed with the key, and where results may be."""

import pytest

from imagegen_adapters.providers.document.reading import parse_document
from imagegen_adapters.providers.document.schema import check_download, follow
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError, FailureCode

OWN = "https://api.vendor.example/v1"
GATEWAY = "https://gateway.example/vendor"
DOCUMENT = parse_document(
    {
        "schema": 1,
        "id": "vendor",
        "base_url": OWN,
        "operations": {
            "generate": {"request": {"path": "/draw"}, "response": {"images": [{"select": "@", "url": "u"}]}}
        },
        "egress": {
            "allow_hosts": ["*.vendor.example", "queue.partner.example"],
            "download_hosts": ["cdn.vendor.example", "*.store.example"],
        },
    },
    "spec",
)


def config(api_base):
    return ProviderConfig(provider_name="vendor", source=ConfigSource.FILE, api_base=api_base)


@pytest.mark.parametrize(
    ("api_base", "url"),
    [
        (OWN, "/v1/jobs/7"),
        (OWN, "https://api.vendor.example:443/jobs/7"),
        (OWN, "https://eu.vendor.example/jobs/7"),
        (OWN, "https://QUEUE.partner.example./jobs/7"),
        ("https://eu.vendor.example/v1", "https://us.vendor.example/jobs/7"),
        (GATEWAY, "https://gateway.example/jobs/7"),
    ],
)
def test_the_key_follows_to_the_origin_and_to_the_upstreams_own_hosts(api_base, url):
    """Always the configured origin; the document's hosts while the configured one is among them."""
    assert follow(url, api_base, DOCUMENT, config(api_base)).endswith("/jobs/7")


@pytest.mark.parametrize(
    ("api_base", "url"),
    [
        (GATEWAY, "https://eu.vendor.example/jobs/7"),
        (GATEWAY, "https://queue.partner.example/jobs/7"),
        (OWN, "http://eu.vendor.example/jobs/7"),
        (OWN, "https://eu.vendor.example:8443/jobs/7"),
        (OWN, "https://me@eu.vendor.example/jobs/7"),
        (OWN, "https://vendor.example/jobs/7"),
        (OWN, "https://evilvendor.example/jobs/7"),
        (OWN, "https://vendor.example.evil.example/jobs/7"),
        (OWN, "https://other.partner.example/jobs/7"),
        (OWN, "https://eu.vendor.example:x/jobs/7"),
        (OWN, "//evil.example/jobs/7"),
    ],
)
def test_the_key_follows_nowhere_else(api_base, url):
    """A gateway's key is not sent to the provider, nor any key to other ports, schemes or look-alikes."""
    with pytest.raises(CallError) as caught:
        follow(url, api_base, DOCUMENT, config(api_base))

    assert FailureCode.BAD_RESPONSE is caught.value.failure.code


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("https://cdn.vendor.example/1.png", True),
        ("https://eu.store.example/1.png", True),
        ("https://api.vendor.example/1.png", True),
        ("https://store.example/1.png", False),
        ("https://cdn.vendor.example.evil.example/1.png", False),
    ],
)
def test_results_are_on_the_hosts_that_a_document_names(url, passes):
    """Or the provider's own origin; the call is paid for, so any other is a failed download."""
    if passes:
        check_download(url, DOCUMENT, config(OWN))
        return
    with pytest.raises(CallError) as caught:
        check_download(url, DOCUMENT, config(OWN))

    assert FailureCode.DOWNLOAD_FAILED is caught.value.failure.code
