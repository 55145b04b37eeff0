import pytest

from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.outbound.transport import origin_of, parse_url
from imagegen_core.config import origin
from imagegen_core.errors import CallError

TRICKS = [
    r"https://good.example\@evil.example/x",
    r"https://evil.example\.good.example/",
    "https://good.example#@evil.example/",
    "https://good.example?@evil.example/",
    "https://evil.example#.good.example",
    "https://user@good.example/",
    "https://good.example:443@evil.example/",
    "https://good.example:0443/",
    "https://good.example:/x",
    "https://good.example%2eevil.example/",
    "https://good.example%00.evil.example/",
    "https://good.example;evil.example/",
    "https://good.example./",
    "HTTPS://GOOD.example/",
    "https://[::1]:8/",
    "http://[::ffff:127.0.0.1]/",
]


@pytest.mark.parametrize("url", TRICKS)
def test_a_key_is_bound_to_the_origin_that_is_called(url):
    """The core's parsing of a URL, which binds keys, matches the one used for connecting."""
    assert origin(url) == origin_of(parse_url(url))


@pytest.mark.parametrize(
    "url", ["https:///evil.example", "https:good.example", "https://a\nb/", "//a", "x", ""]
)
def test_what_is_read_in_two_ways_is_not_called(url):
    """An address with white space or without a host is none."""
    with pytest.raises(CallError):
        parse_url(url)


def test_an_address_that_is_not_http_is_no_trouble_of_the_line():
    """Waiting would not help, so a job is not polled on with it."""
    with pytest.raises(CallError) as caught:
        parse_url("ftp://good.example")

    assert not is_transport_error(caught.value)
