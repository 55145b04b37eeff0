"""Which addresses are private, and which are never called. Pure tables over `ipaddress` objects.

The checks work on addresses, never on their spelling: glibc resolves ``2130706433``, ``0x7f.1`` and
``127.1`` to 127.0.0.1, which a check of the text would miss.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from imagegen_adapters.outbound.messages import AddressCode

IpAddress = IPv4Address | IPv6Address

METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, GCP, OpenStack, Huawei Cloud, …
        "169.254.169.253",  # AWS resolver
        "169.254.170.2",  # AWS ECS task credentials
        "169.254.170.23",  # AWS EKS pod identity
        "169.254.0.23",  # Tencent Cloud
        "169.254.42.42",  # Scaleway
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure wire server; a public address
        "192.0.0.192",  # Oracle Cloud
        "fd00:ec2::254",  # AWS
        "fd00:ec2::253",  # AWS resolver
        "fd00:ec2::23",  # AWS EKS pod identity
        "fd20:ce::254",  # GCP
        "fd00:42::42",  # Scaleway
        "fe80::a9fe:a9fe",  # OpenStack
    )
)
"""Cloud metadata services, which hand out the machine's own credentials to any local caller."""

_V4_COMPATIBLE = IPv6Network("::/96")
_ISATAP_PREFIXES = (0x00005EFE, 0x02005EFE)

_SPECIAL: tuple[tuple[IPv4Network | IPv6Network, AddressCode], ...] = (
    # IANA's registry: `is_global` of Python before 3.11.9 and 3.12.4 has older tables.
    (IPv4Network("0.0.0.0/8"), AddressCode.UNSPECIFIED),
    (IPv4Network("127.0.0.0/8"), AddressCode.LOOPBACK),
    (IPv4Network("169.254.0.0/16"), AddressCode.LINK_LOCAL),
    (IPv4Network("100.64.0.0/10"), AddressCode.SHARED),
    (IPv4Network("192.0.0.0/24"), AddressCode.RESERVED),
    (IPv4Network("192.88.99.0/24"), AddressCode.RELAY_6TO4),
    (IPv4Network("198.18.0.0/15"), AddressCode.FOR_BENCHMARKS),
    (IPv4Network("224.0.0.0/4"), AddressCode.MULTICAST),
    (IPv4Network("240.0.0.0/4"), AddressCode.RESERVED),
    (IPv6Network("::/128"), AddressCode.UNSPECIFIED),
    (IPv6Network("::1/128"), AddressCode.LOOPBACK),
    (IPv6Network("64:ff9b::/96"), AddressCode.BEHIND_NAT64),
    (IPv6Network("64:ff9b:1::/48"), AddressCode.BEHIND_NAT64),
    (IPv6Network("100::/64"), AddressCode.BLACK_HOLE),
    (IPv6Network("2001::/32"), AddressCode.TEREDO_TUNNEL),
    (IPv6Network("2001::/23"), AddressCode.RESERVED),
    (IPv6Network("2001:db8::/32"), AddressCode.FOR_DOCUMENTATION),
    (IPv6Network("2002::/16"), AddressCode.TUNNEL_6TO4),
    (IPv6Network("3fff::/20"), AddressCode.FOR_DOCUMENTATION),
    (IPv6Network("5f00::/16"), AddressCode.FOR_SEGMENT_ROUTING),
    (IPv6Network("fc00::/7"), AddressCode.PRIVATE),
    (IPv6Network("fe80::/10"), AddressCode.LINK_LOCAL),
    (IPv6Network("fec0::/10"), AddressCode.SITE_LOCAL),
    (IPv6Network("ff00::/8"), AddressCode.MULTICAST),
)


def normalized(address: IpAddress) -> IpAddress:
    """Return the address without a zone; an IPv4-mapped or IPv4-compatible one as IPv4."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    without_zone = IPv6Address(int(address))
    if without_zone in _V4_COMPATIBLE and int(without_zone) > 1:
        return IPv4Address(int(without_zone))
    return without_zone


def embedded_ipv4(address: IpAddress) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that a translated or tunnelled IPv6 address leads to."""
    effective = normalized(address)
    if isinstance(effective, IPv4Address):
        return (effective,)
    number = int(effective)
    last_32_bits = IPv4Address(number & 0xFFFFFFFF)
    if effective.sixtofour is not None:
        return (effective.sixtofour,)
    if effective.teredo is not None:
        return effective.teredo
    if _is_nat64(effective) or _is_isatap(effective):
        return (last_32_bits,)
    return ()


@lru_cache(1024)
def is_metadata(address: IpAddress) -> bool:
    """Return whether the address leads to a cloud metadata service, embedded forms included."""
    return normalized(address) in METADATA or any(inner in METADATA for inner in embedded_ipv4(address))


@lru_cache(1024)
def non_public_reason(address: IpAddress) -> AddressCode | None:
    """Return why an address must not be called at a caller's request, None for a public one.

    NAT64, 6to4, Teredo and ISATAP never count as public: some router decides where they lead.
    """
    if is_metadata(address):
        return AddressCode.METADATA_SERVICE
    effective = normalized(address)
    for network, kind in _SPECIAL:
        if effective.version == network.version and effective in network:
            return kind
    if isinstance(effective, IPv6Address) and _is_isatap(effective):
        return AddressCode.ISATAP_TUNNEL
    if effective.is_multicast or effective.is_reserved or not effective.is_global:
        return AddressCode.PRIVATE
    return None


def _is_nat64(address: IPv6Address) -> bool:
    return address in IPv6Network("64:ff9b::/96") or address in IPv6Network("64:ff9b:1::/48")


def _is_isatap(address: IPv6Address) -> bool:
    return (int(address) >> 32) & 0xFFFFFFFF in _ISATAP_PREFIXES
