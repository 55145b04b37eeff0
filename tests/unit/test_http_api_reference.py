"""The reference of the HTTP API tells every route of ours."""

import re
from pathlib import Path

import pytest

from imagegen_http.app import API

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "http-api.md"


def _routes():
    """Return ``METHOD /path`` of each handler; HEAD goes without saying."""
    return sorted(
        f"{method} {re.sub(r':[a-z]+}', '}', path)}"
        for handler in API
        for path in handler.paths
        for method in handler.http_methods
        if method != "HEAD"
    )


def _documented_routes():
    """Return every ``METHOD /path`` in backticks, without queries."""
    return set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /[^`?\s]*)", PAGE.read_text("utf-8")))


@pytest.mark.parametrize("route", _routes())
def test_every_route_is_told(route):
    """A handler without a word about it is unfinished."""
    assert route in _documented_routes()


def test_every_told_route_is_there():
    """Nothing is promised below /api and /health that is not served."""
    routes = {route for route in _documented_routes() if " /v1/" not in route}

    assert set() == routes - set(_routes())
