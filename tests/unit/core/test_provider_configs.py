"""Three layers of configuration, and the formats of addresses and keys."""

import pytest

from imagegen_core.config import ConfigSource, ProviderConfig, check_api_base, combine, origin
from imagegen_core.errors import ValidationFailed
from imagegen_core.secrets import Secret, is_masked


def layer(source=ConfigSource.FILE, **fields):
    return ProviderConfig(provider_name="p", source=source, **fields)


def test_the_stronger_layer_wins_field_by_field():
    """Request, then database, then file; unset fields come from lower layers."""
    combined = combine(
        [
            layer(ConfigSource.REQUEST, timeout_seconds=5),
            layer(ConfigSource.DATABASE, timeout_seconds=50, max_retries=1, extra_config={"a": 1}),
            layer(api_base="https://a.example", max_retries=9, extra_config={"a": 0, "b": 2}),
        ]
    )

    assert (5, 1, "https://a.example", {"a": 1, "b": 2}, ConfigSource.REQUEST) == (
        combined.timeout,
        combined.retries,
        combined.api_base,
        dict(combined.extra_config),
        combined.source,
    )


def test_a_spec_drives_out_the_preset_below():
    """They are mutually exclusive."""
    combined = combine(
        [layer(extra_config={"spec": {}}), layer(extra_config={"preset": "openai", "headers": {}})]
    )

    assert {"spec": {}, "headers": {}} == dict(combined.extra_config)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://a.example",
        "a.example",
        "http://",
        "http://u:p@a.example",
        "http://a.example\\@b",
        "http://a b",
        "http://a?x=1",
        "http://a#f",
        "http://a:99999",
        "http://a:0",
        "//a.example",
    ],
)
def test_an_address_that_could_be_read_two_ways_is_refused(address):
    """No scheme, credentials, queries, white space or backslashes."""
    with pytest.raises(ValidationFailed):
        check_api_base(address)


def test_origins_are_written_in_one_way():
    """Case, default ports and a trailing dot make no difference; IPv6 keeps its brackets."""
    assert "https://a.example:443" == origin("https://A.example.:443/v1")
    assert "http://[::1]:80" == origin("http://[::1]/x")


@pytest.mark.parametrize(
    ("key", "masked"),
    [
        ("sk-1234567890", "sk-****7890"),
        ("short", "****"),
        ("12345678901", "****"),
        ("123456789012", "****9012"),
    ],
)
def test_a_key_shows_its_last_four_characters_at_most(key, masked):
    """A short key shows nothing; a masked one is recognised when it is sent back."""
    assert masked == Secret(key).masked
    assert is_masked(masked)
    assert key not in repr(Secret(key))


def test_a_configuration_that_is_printed_shows_no_secret():
    """Key, secret headers and the proxy's password are masked; the rest is shown."""
    shown = repr(
        layer(
            api_key=Secret("sk-0123456789abcdef"),
            extra_config={
                "headers": {"Authorization": "Bearer hush", "X-Team": "a"},
                "proxy": "http://me:hush@proxy.example:3128",
            },
        )
    )

    assert "0123456789" not in shown
    assert "hush" not in shown
    assert "{'Authorization': '****', 'X-Team': 'a'}, 'proxy': 'http://****@proxy.example:3128'" in shown


@pytest.mark.parametrize("key", ["", "  ", "a\nb", "a\x00b", "钥匙", "a" * 9000])
def test_a_key_that_no_header_can_carry_is_refused(key):
    """Line breaks, control characters and other scripts are refused; the message never shows the key."""
    with pytest.raises(ValidationFailed) as error:
        Secret.parse(key)

    assert not key.strip() or key not in str(error.value)
