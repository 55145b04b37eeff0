"""The address of a node, as ``--server`` gives it."""

import pytest

from imagegen_http.cli.api import is_local
from imagegen_http.cli.context import WrongUsage, server_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        (" https://images.example.com/ ", "https://images.example.com"),
        ("https://example.com/imagegen//", "https://example.com/imagegen"),
        ("HTTP://[::1]:8080/a", "http://[::1]:8080/a"),
        ("HTTPS://a", "https://a"),
    ],
)
def test_an_address_is_a_url_without_a_slash_at_its_end(text, url):
    """It may have a path, before ``/api/v1``."""
    assert url == server_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "images.example.com",
        "127.0.0.1:8080",
        "ftp://example.com",
        "https://",
        "https://user:password@example.com",
        "https://example.com/?token=x",
        "https://example.com/#a",
        "http://example.com:port",
        "http://[::1",
        "http://example.com/\x1b[2J",
    ],
)
def test_what_is_no_address_is_refused(text):
    """So is what may be secret in one."""
    with pytest.raises(WrongUsage, match="--server takes"):
        server_url(text)


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://127.0.0.1", True),
        ("http://127.1.2.3:1", True),
        ("http://[::1]:8080", True),
        ("http://LOCALHOST", True),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost.example.com", False),
        ("http://0.0.0.0", False),
    ],
)
def test_loopback_does_not_leave_the_machine(url, is_loopback):
    """Whatever else merely looks like it."""
    assert is_loopback == is_local(server_url(url))
