"""What a seed means to a caller, whatever range the provider's own seeds have."""

from contextlib import ExitStack

import pytest

from tests.fakes import simple_upstreams
from tests.fakes.comfyui import FakeComfyUI
from tests.fakes.dashscope import FakeDashScope
from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.fakes.tokenhub import FakeTokenHub
from tests.integration.api.asking import GENERATE, WAIT, data, fields
from tests.integration.api.live_server import LiveServer

UPSTREAMS = (
    FakeDashScope,
    simple_upstreams.FakeQianfan,
    simple_upstreams.FakeIdeogram,
    simple_upstreams.FakeSiliconFlow,
    FakeComfyUI,
    FakeTokenHub,
)
NAMES = [upstream.preset for upstream in UPSTREAMS]
DRAWS_NONE = ("comfyui",)
"""Providers to whom a number has to be sent."""


@pytest.fixture(scope="module")
def servers():
    """One of each, listening, by the name of its preset."""
    with ExitStack() as stack:
        yield {v.preset: stack.enter_context(in_thread(HttpServer(v()))) for v in UPSTREAMS}


@pytest.fixture(scope="module")
def api(servers, tmp_path_factory):
    providers = {
        name: {
            **({} if name == "comfyui" else {"kind": "http", "extra_config": {"preset": name}}),
            "api_base": f"{server.url}{server.fake.base}",
            **({"api_key": server.fake.key} if server.fake.key else {}),
        }
        for name, server in servers.items()
    }
    allowed = [server.url.removeprefix("http://") for server in servers.values()]
    config = {"providers": providers, "security": {"allow_private_upstreams": allowed}}
    live = LiveServer(tmp_path_factory.mktemp("service"), config).start()
    try:
        with live.client() as client:
            yield client
    finally:
        live.end()


def generate(api, name, **params):
    """Return the task and the image of a request that completed."""
    body = {"provider": name, "params": {"prompt": "a lighthouse", **params}}
    task = data(api.post(GENERATE, json=body, headers=WAIT))
    assert task["status"] == "completed", task
    return task, task["images"][0]


def seeds_in(value):
    """Return all that is called a seed in JSON."""
    if isinstance(value, dict):
        seeds = [item for name, item in value.items() if name.lower() == "seed"]
        return seeds + [seed for item in value.values() for seed in seeds_in(item)]
    return [seed for item in value for seed in seeds_in(item)] if isinstance(value, list) else []


def last_seeds(server):
    """Return the seeds of the last request that was paid for."""
    paid = [r for r in server.requests if r.body and (b"lighthouse" in r.body)][-1]
    return [b"seed" in paid.body.lower()] if b"form-data" in paid.body else seeds_in(paid.json)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DRAWS_NONE])
@pytest.mark.parametrize("params", [{"seed": -1}, {}])
def test_minus_one_and_nothing_leave_the_seed_to_the_upstream(api, servers, name, params):
    """A number that its range does not hold is never sent."""
    generate(api, name, **params)

    assert last_seeds(servers[name]) in ([], [False])


@pytest.mark.parametrize("name", DRAWS_NONE)
@pytest.mark.parametrize("params", [{"seed": -1}, {}])
def test_an_upstream_that_draws_none_is_sent_a_random_one(api, servers, name, params):
    """Another one each time; the record of the image tells it."""
    pairs = []
    for _ in range(2):
        _, image = generate(api, name, **params)
        pairs.append((image["metadata"]["seed"], last_seeds(servers[name])))

    assert [[seed] for seed, _ in pairs] == [seeds for _, seeds in pairs]
    assert pairs[0] != pairs[1]


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_is_sent_as_it_is(api, servers, name):
    """And below the range is refused by name."""
    _, image = generate(api, name, seed=7)
    refused = api.post(GENERATE, json={"provider": name, "params": {"prompt": "a", "seed": -2}})

    assert last_seeds(servers[name]) in ([7], [True])
    assert "seed" not in image["metadata"] or name not in DRAWS_NONE
    assert ["params.seed"] == fields(refused)
