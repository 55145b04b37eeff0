"""Which receivers may get webhooks."""

from ipaddress import ip_address

import pytest

from imagegen_adapters.outbound.addresses import AddressGate
from imagegen_adapters.outbound.webhooks import WebhookGate
from imagegen_core.config import parse_receiver
from imagegen_core.errors import UpstreamNotAllowed


def gate(*entries):
    return WebhookGate(entries, beside=AddressGate())


def refusal(gate, host, port, *addresses):
    """Return what the refusal advises; None if the addresses may be called."""
    try:
        gate.check_addresses(host, port, [ip_address(address) for address in addresses])
    except UpstreamNotAllowed as error:
        return str(error.hint)
    return None


NOT_PUBLIC = (
    *("127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "0.0.0.0", "::"),
    *("169.254.1.1", "fe80::1", "169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"),
    *("100.100.100.200", "10.0.0.1", "172.16.0.1", "192.168.1.20", "::ffff:192.168.1.20", "fd12::1"),
    *("100.64.0.1", "64:ff9b::7f00:1", "64:ff9b::c0a8:101", "2002:c0a8:101::", "2001:0:0:0::1"),
    *("224.0.0.1", "ff02::1", "255.255.255.255", "198.18.0.1", "fec0::1"),
)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_only_public_addresses_by_default(address):
    """In any dress; the refusal names the setting, unless none helps."""
    advice = refusal(gate(), "r.example", 8080, address)

    is_final = address in ("0.0.0.0", "::")
    assert is_final is ("security.allow_webhooks" not in advice)
    assert "allow_private_upstreams" not in advice


def test_public_ones_need_nothing():
    """Whatever their port."""
    assert refusal(gate(), "r.example", 8443, "93.184.216.34", "2606:2800:220:1::1") is None


@pytest.mark.parametrize(
    ("entry", "host", "port", "address"),
    [
        ("127.0.0.1:5678", "127.0.0.1", 5678, "127.0.0.1"),
        ("127.0.0.1:5678", "n8n", 5678, "::ffff:127.0.0.1"),
        ("localhost:5678", "localhost", 5678, "::1"),
        ("[::1]:5678", "ip6-localhost", 5678, "::1"),
        ("n8n.lan:5678", "N8N.lan.", 5678, "10.0.0.9"),
        ("169.254.7.7:80", "169.254.7.7", 80, "169.254.7.7"),
        ("169.254.169.254:80", "169.254.169.254", 80, "169.254.169.254"),
        ("192.168.0.0/16", "nas.lan", 9000, "192.168.1.20"),
        ("192.168.0.0/16", "nas.lan", 9000, "::ffff:192.168.1.20"),
        ("fd00::/8", "nas.lan", 9000, "fd12::1"),
        ("100.64.0.0/10", "tailnet", 80, "100.64.3.4"),
        ("10.1.2.3/32", "one", 80, "10.1.2.3"),
    ],
)
def test_what_is_listed_may_be_called(entry, host, port, address):
    """One receiver by host and port, a private network as a whole."""
    assert refusal(gate(entry), host, port, address) is None


@pytest.mark.parametrize(
    ("entry", "host", "port", "address"),
    [
        ("127.0.0.1:5678", "127.0.0.1", 5679, "127.0.0.1"),
        ("n8n.lan:5678", "sub.n8n.lan", 5678, "10.0.0.9"),
        ("meta.lan:80", "meta.lan", 80, "169.254.169.254"),
        ("192.168.0.0/16", "other", 80, "10.0.0.1"),
        ("10.0.0.0/8", "metadata", 80, "127.0.0.1"),
        ("100.64.0.0/10", "metadata", 80, "100.100.100.200"),
        ("fd00::/8", "metadata", 80, "fd00:ec2::254"),
        ("10.0.0.0/8", "nat64", 80, "64:ff9b::a00:1"),
        ("192.168.0.0/16", "two.example", 80, "192.168.1.1"),
    ],
)
def test_the_list_reaches_no_further_than_it_says(entry, host, port, address):
    """Another port, a name below, a metadata service by a name or in a network; one bad address is enough."""
    addresses = [address, "10.0.0.1"] if host == "two.example" else [address]

    assert refusal(gate(entry), host, port, *addresses) is not None


def test_our_own_address_is_never_called():
    """Not even if it is listed; it may become known later."""
    upstreams = AddressGate()
    own = WebhookGate(["127.0.0.1:8080", "192.168.0.0/16"], beside=upstreams)
    upstreams.listens_on([("127.0.0.1", 8080), ("192.168.1.2", 8080)])

    assert refusal(own, "localhost", 8080, "127.0.0.1") is not None
    assert refusal(own, "192.168.1.2", 8080, "192.168.1.2") is not None
    assert refusal(own, "192.168.1.3", 8080, "192.168.1.3") is None


@pytest.mark.parametrize(
    "entry",
    [
        "127.0.0.0/8",
        "0.0.0.0/0",
        "::/0",
        "169.254.0.0/16",
        "8.8.8.0/24",
        "10.0.0.1/8",
        "::1/128",
        "a/b",
        "host",
        "",
    ],
)
def test_other_entries_are_refused(entry):
    """A network must be private, and exact; anything else needs its port."""
    with pytest.raises(ValueError, match=r"."):
        parse_receiver(entry)
