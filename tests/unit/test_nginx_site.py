"""The site for nginx that we ship waits longer than we do, and repeats nothing."""

import re
from pathlib import Path

from imagegen_http.openai.images_response import MAX_HOLD_SECONDS
from imagegen_http.settings.schema import ServerSettings

SITE = Path(__file__).parents[2] / "deploy" / "nginx.conf"
DIRECTIVES = dict(re.findall(r"^ *(\w+) ([^;{]+);", SITE.read_text("utf-8"), re.MULTILINE))


def test_it_waits_longer_than_a_request_is_held():
    """A minute more, for the answer itself to be made."""
    assert float(DIRECTIVES["proxy_read_timeout"].removesuffix("s")) >= MAX_HOLD_SECONDS + 60


def test_it_takes_what_the_service_takes():
    """And leaves it to the service to refuse more."""
    assert f"{ServerSettings().max_upload_mb}m" == DIRECTIVES["client_max_body_size"]


def test_it_hides_no_lost_client_and_repeats_nothing():
    """Nor does it hold events back."""
    expected = {"proxy_next_upstream": "off", "proxy_ignore_client_abort": "off", "proxy_buffering": "off"}
    assert expected == {name: DIRECTIVES[name] for name in expected}
