from ipaddress import ip_address

import pytest

from imagegen_adapters.outbound.addresses import AddressGate, canonical_host, parse_entry, same_host
from imagegen_core.errors import UpstreamNotAllowed


def allowed(gate, host, port, *addresses):
    try:
        gate.check_addresses(host, port, [ip_address(address) for address in addresses])
    except UpstreamNotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    ("entry", "host", "port", "address"),
    [
        ("127.0.0.1:7860", "127.0.0.1", 7860, "127.0.0.1"),
        ("127.0.0.1:7860", "localhost", 7860, "::1"),
        ("localhost:7860", "127.0.0.1", 7860, "127.0.0.1"),
        ("[::1]:7860", "LOCALHOST.", 7860, "127.0.0.1"),
        ("10.0.0.5:80", "gpu.lan", 80, "10.0.0.5"),
        ("10.0.0.5:80", "10.0.0.5", 80, "::ffff:10.0.0.5"),
        ("GPU.lan:80", "gpu.LAN.", 80, "10.0.0.5"),
        ("oss.example.com:443", "bucket.oss.example.com", 443, "100.99.1.1"),
    ],
)
def test_a_listed_host_and_port_may_be_private(entry, host, port, address):
    """A listed name allows what it resolves to, a listed address any name that resolves to it."""
    assert allowed(AddressGate({entry}), host, port, address)


@pytest.mark.parametrize(
    ("entry", "host", "port", "address"),
    [
        ("127.0.0.1:7860", "127.0.0.1", 7861, "127.0.0.1"),
        ("127.0.0.1:7860", "127.0.0.2", 7860, "127.0.0.2"),
        ("gpu.lan:80", "other.lan", 80, "10.0.0.5"),
        ("gpu.lan:80", "notgpu.lan", 80, "10.0.0.5"),
        ("10.0.0.5:80", "1.10.0.0.5", 80, "10.0.0.6"),
        ("0.0.0.0:80", "0.0.0.0", 80, "0.0.0.0"),
        ("169.254.169.254:80", "169.254.169.254", 80, "169.254.169.254"),
        ("meta.lan:80", "meta.lan", 80, "fd00:ec2::254"),
        ("100.100.100.200:80", "100.100.100.200", 80, "::ffff:100.100.100.200"),
    ],
)
def test_the_list_reaches_no_further_than_it_says(entry, host, port, address):
    """Another port, another host, a metadata service: none of them is allowed by an entry."""
    assert not allowed(AddressGate({entry}), host, port, address)


def test_one_private_address_among_public_ones_is_enough():
    """Every address of a name is checked, not only the one that would be tried first."""
    assert not allowed(AddressGate(), "two.example", 443, "93.184.216.34", "10.0.0.1")


def test_the_service_never_calls_itself():
    """Our own listening address is refused even if listed."""
    gate = AddressGate({"127.0.0.1:8080"})
    gate.listens_on([("127.0.0.1", 8080)])

    assert not allowed(gate, "127.0.0.1", 8080, "127.0.0.1")


def test_a_service_on_all_interfaces_never_calls_itself_on_loopback():
    """If we listen on 0.0.0.0, every loopback address with that port is ours."""
    gate = AddressGate({"127.0.0.1:8080", "127.0.0.9:8080"})
    gate.listens_on([("0.0.0.0", 8080)])

    assert [False, False] == [
        allowed(gate, "127.0.0.1", 8080, "127.0.0.1"),
        allowed(gate, "127.0.0.9", 8080, "127.0.0.9"),
    ]


@pytest.mark.parametrize(
    ("host", "address", "hint"),
    [
        ("gpu.lan", "10.0.0.5", 'add "gpu.lan:7860" to security.allow_private_upstreams'),
        ("127.0.0.1", "127.0.0.1", 'add "127.0.0.1:7860" to security.allow_private_upstreams'),
        ("fd00::5", "fd00::5", 'add "[fd00::5]:7860" to security.allow_private_upstreams'),
        ("metadata.example", "169.254.169.254", "no setting allows it"),
    ],
)
def test_a_refusal_names_the_entry_that_would_allow_the_address(host, address, hint):
    """With that entry it passes; what is never called has none."""
    with pytest.raises(UpstreamNotAllowed) as caught:
        AddressGate().check_addresses(host, 7860, [ip_address(address)])
    entry = str(caught.value.hint).partition('"')[2].partition('"')[0] or f"{host}:7860"

    assert hint in str(caught.value.hint)
    assert ("add" in hint) == allowed(AddressGate({entry}), host, 7860, address)


def test_a_gate_for_public_addresses_forgets_the_list_and_knows_ourselves():
    """URLs from a provider are checked without the operator's list."""
    gate = AddressGate({"127.0.0.1:7860"})
    strict = gate.public_only()

    assert (True, False) == (
        allowed(gate, "127.0.0.1", 7860, "127.0.0.1"),
        allowed(strict, "127.0.0.1", 7860, "127.0.0.1"),
    )


@pytest.mark.parametrize(
    "entry", ["", "host", "host:", ":80", "host:0", "host:65536", "http://h:80", "::1:80", "a@b:80", "h:８０"]
)
def test_an_entry_that_is_no_host_and_port_is_refused(entry):
    """A typing error in the list raises."""
    with pytest.raises(ValueError, match="host:port"):
        parse_entry(entry)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("EXAMPLE.com.", "example.com"), ("[0:0::1]", "::1"), ("::ffff:1.2.3.4", "1.2.3.4"), ("[::1]", "::1")],
)
def test_a_host_has_one_canonical_spelling(text, expected):
    """Case, brackets, a trailing dot and long forms make no difference."""
    assert expected == canonical_host(text)


def test_the_names_of_loopback_are_one_host():
    """A local provider may call itself by any of its names."""
    assert (True, True, False) == (
        same_host("localhost", "127.0.0.1"),
        same_host("[::1]", "localhost"),
        same_host("localhost", "example.com"),
    )
