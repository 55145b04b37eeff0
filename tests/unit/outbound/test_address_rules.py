from ipaddress import ip_address

import pytest

from imagegen_adapters.outbound.addresses import is_metadata, non_public_reason

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.1.2.3 169.254.0.1
172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255
198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.1.1 ::ffff:0:127.0.0.1
64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 64:ff9b:1:fffe::a00:1 100::1
2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2001:10::1 2001:20::1 2002:7f00:1:: 2002:808:808::1
3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%2 febf::1 fec0::1 feff::1 ff02::1 ff0e::1
2606:4700:0:0:0:5efe:7f00:1 2606:4700::200:5efe:808:808
""".split()  # noqa: SIM905 - a table of words

METADATA = """
169.254.169.254 169.254.169.253 169.254.170.2 169.254.170.23 169.254.0.23 100.100.100.200 168.63.129.16
192.0.0.192 fd00:ec2::254 fd00:ec2::23 fd20:ce::254 ::ffff:169.254.169.254 ::a9fe:a9fe 64:ff9b::a9fe:a9fe
64:ff9b:1::6464:64c8 2002:a9fe:a9fe::1 fe80::5efe:a9fe:a9fe
""".split()  # noqa: SIM905 - a table of words

PUBLIC = """
1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.167.255.255 223.5.5.5
::ffff:8.8.8.8 2001:4860:4860::8888 2400:3200::1 2606:4700:4700::1111
""".split()  # noqa: SIM905 - a table of words


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_that_is_not_everybodys_is_private(text):
    """Everything that is local, reserved, tunnelled or translated has a reason why it is not public."""
    assert non_public_reason(ip_address(text))


@pytest.mark.parametrize("text", METADATA)
def test_a_clouds_metadata_service_is_known_in_every_wrapping(text):
    """A metadata address is recognised when mapped, translated or tunnelled, too."""
    assert is_metadata(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_public(text):
    """An address of the public internet has no reason against it."""
    assert (None, False) == (non_public_reason(ip_address(text)), is_metadata(ip_address(text)))
