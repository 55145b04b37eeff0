"""The documents on the page about signatures behind the service, against providers that check each one."""

import re
from pathlib import Path

import pytest
import yaml

from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.fakes.signed_upstreams import FakeBedrock, FakeVolcengine
from tests.integration.api.asking import CONFIG, GENERATE, WAIT, data
from tests.integration.api.live_server import LiveServer

pytestmark = pytest.mark.one_python

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "sign-requests.md"
_BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
DOCUMENTS = {block["id"]: block for block in map(yaml.safe_load, _BLOCKS) if "schema" in block}
FAKES = {"bedrock": FakeBedrock, "volcengine-visual": FakeVolcengine}


@pytest.fixture(scope="module")
def upstreams():
    with (
        in_thread(HttpServer(FakeBedrock())) as bedrock,
        in_thread(HttpServer(FakeVolcengine())) as volcengine,
    ):
        yield {"bedrock": bedrock, "volcengine-visual": volcengine}
    assert [] == [*bedrock.complaints, *volcengine.complaints]


@pytest.fixture(scope="module")
def server(upstreams, tmp_path_factory):
    allowed = [f"127.0.0.1:{upstream.port}" for upstream in upstreams.values()]
    server = LiveServer(
        tmp_path_factory.mktemp("service"), {"security": {"allow_private_upstreams": allowed}}
    ).start()
    yield server
    server.end()


@pytest.fixture
def api(server):
    with server.client() as client:
        yield client


def task_with(api, name, upstream, key, prompt="a lighthouse"):
    """Return the task of a provider that is saved with a document of the page and a key."""
    config = {"kind": "http", "api_base": upstream.url, "api_key": key, "max_retries": 0}
    data(api.post(CONFIG, json={"provider_name": name, **config, "extra_config": {"spec": DOCUMENTS[name]}}))
    return data(api.post(GENERATE, json={"provider": name, "params": {"prompt": prompt}}, headers=WAIT))


@pytest.mark.parametrize("name", FAKES)
def test_a_signed_call_makes_an_image(api, upstreams, name):
    """Its key signs and is not sent; one call is paid for."""
    upstream = upstreams[name]
    paid = len(upstream.fake.ledger)

    task = task_with(api, name, upstream, upstream.fake.key)
    assert ("completed", 1, 1) == (task["status"], len(task["images"]), len(upstream.fake.ledger) - paid)
    secret = upstream.fake.key.split(":")[1]
    assert secret not in repr(upstream.requests) + task["task_id"]


@pytest.mark.parametrize("name", FAKES)
def test_a_wrong_secret_is_refused(api, upstreams, name):
    """Nothing is paid for, and the message has no part of the key."""
    upstream = upstreams[name]
    paid, (key_id, secret, *more) = len(upstream.fake.ledger), upstream.fake.key.split(":")

    task = task_with(api, name, upstream, ":".join((key_id, f"{secret[:-1]}!", *more)))
    assert ("failed", "auth_failed") == (task["status"], task["error"]["code"])
    assert (paid, False) == (len(upstream.fake.ledger), secret[:-1] in str(task["error"]))


@pytest.mark.parametrize("name", FAKES)
def test_a_refused_prompt_is_told_as_such(api, upstreams, name):
    """By the codes of the document."""
    task = task_with(api, name, upstreams[name], upstreams[name].fake.key, prompt="something forbidden")

    assert ("failed", "content_policy") == (task["status"], task["error"]["code"])
