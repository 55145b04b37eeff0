"""The sites for nginx that we ship wait longer than we do, and repeat nothing that costs."""

import re
from pathlib import Path

import pytest

from imagegen_http.openai.responses import MAX_HOLD_SECONDS
from imagegen_http.settings.schema import ServerSettings

DEPLOY = Path(__file__).parents[2] / "deploy"


def directives(site):
    text = (DEPLOY / site).read_text("utf-8")
    return dict(re.findall(r"^ *(\w+) ([^;{]+);", text, re.MULTILINE))


@pytest.mark.parametrize("site", ["nginx.conf", "cluster/nginx.conf"])
def test_it_waits_longer_than_a_request_is_held(site):
    """A minute more, for the answer itself to be made."""
    assert float(directives(site)["proxy_read_timeout"].removesuffix("s")) >= MAX_HOLD_SECONDS + 60


@pytest.mark.parametrize("site", ["nginx.conf", "cluster/nginx.conf"])
def test_it_takes_what_the_service_takes(site):
    """And leaves it to the service to refuse more."""
    assert f"{ServerSettings().max_upload_mb}m" == directives(site)["client_max_body_size"]


@pytest.mark.parametrize("site", ["nginx.conf", "cluster/nginx.conf"])
def test_it_hides_no_lost_client_and_holds_no_events_back(site):
    """Neither is passed on by default."""
    expected = {"proxy_ignore_client_abort": "off", "proxy_buffering": "off"}
    assert expected == {name: directives(site)[name] for name in expected}


def test_one_node_is_asked_once():
    """A request that was sent may have been accepted."""
    assert "off" == directives("nginx.conf")["proxy_next_upstream"]


def test_another_node_gets_what_reached_none():
    """But no POST that a node has seen: that needs ``non_idempotent``."""
    assert ["error", "http_503"] == directives("cluster/nginx.conf")["proxy_next_upstream"].split()
