"""Which forms of a response a client can read."""

import tracemalloc

import pytest

from imagegen_http.guard.asgi import accepts_gzip, accepts_page, preferred_language

CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    "header", ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, GZIP ; q=0.5", "*", "identity;q=0, *;q=0.1"]
)
def test_gzip_is_accepted(header):
    """By its name, or as any coding."""
    assert accepts_gzip(header)


@pytest.mark.parametrize(
    "header", ["", "br", "identity", "gzip;q=0", "gzip;q=0.000, *", "x-gzip-like", "gzip;q=much", "*;q=0"]
)
def test_gzip_is_not_accepted(header):
    """Not named, or refused with a weight of 0."""
    assert not accepts_gzip(header)


@pytest.mark.parametrize("header", [CHROMIUM, "text/html", "Text/HTML;charset=utf-8;q=0.1"])
def test_a_browser_that_navigates_accepts_a_page(header):
    """All browsers name HTML then."""
    assert accepts_page(header)


@pytest.mark.parametrize("header", ["", "*/*", "application/json", "text/*", "text/html;q=0, */*"])
def test_a_client_of_the_api_accepts_no_page(header):
    """Who takes anything does not look at it."""
    assert not accepts_page(header)


def test_long_headers_of_anybody_take_little_memory():
    """They are read before anything else of a request is checked, and what was read is cached."""
    tracemalloc.start()
    try:
        for number in range(150):
            preferred_language(f"{number}," + ",".join(f"{index:x}x" for index in range(6000)))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size < 16 * 1024 * 1024
