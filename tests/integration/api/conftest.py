"""One server for all quick tests."""

import contextlib
from pathlib import Path

import pytest

from tests.fakes.a1111 import FakeA1111
from tests.fakes.oss import FakeOss
from tests.integration.api.asking import CONFIG, data, stop_all
from tests.integration.api.live_server import LiveServer
from tests.integration.cluster.conftest import KEY as MASTER_KEY
from tests.integration.cluster.conftest import node_config

UPSTREAM = "http://127.0.0.1:9"
"""An address that is allow-listed and where nothing listens."""

OTHER_UPSTREAM = "http://127.0.0.1:19"

KEY = "sk-abcdefghijkl-wxyz"
"""A key that is no provider's."""


def pytest_collection_modifyitems(config, items):
    """Over PostgreSQL, leave out what starts a server of its own, or looks into its data directory."""
    if config.getoption("--database") == "postgresql":
        mine = [item for item in items if Path(__file__).parent in item.path.parents]
        others = [
            item for item in mine if "server" not in item.fixturenames or item.get_closest_marker("one_box")
        ]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


@pytest.fixture(scope="session")
def server(tmp_path_factory, request):
    """The shared server; its config.yaml configures ``on-file`` and allows two private upstreams."""
    config = {
        "security": {"allow_private_upstreams": ["127.0.0.1:9", "127.0.0.1:19"]},
        "providers": {
            "on-file": {
                "kind": "demo",
                "display_name": "From the file",
                "api_base": f"{UPSTREAM}/file",
                "api_key": "env:FILE_KEY",
                "timeout_seconds": 11,
                "max_retries": 1,
            }
        },
    }
    environ = {"FILE_KEY": "sk-file-secret-0001"}
    with contextlib.ExitStack() as stack:
        if request.config.getoption("--database") == "postgresql":
            dsn = request.getfixturevalue("postgresql").create_database("api")
            config = node_config(dsn, stack.enter_context(FakeOss()), **config)
            environ["IMAGEGEN_MASTER_KEY"] = MASTER_KEY
        running = LiveServer(tmp_path_factory.mktemp("server"), config, environ).start()
        yield running
        running.end()


@pytest.fixture(scope="module")
def api(server):
    """A client of the shared server; what its module leaves running is stopped, for the modules after it."""
    with server.client() as client:
        yield client
        stop_all(client)


@pytest.fixture
def narrow(start_server):
    """A server with one worker, so that tasks stay pending."""
    server = start_server({"queue": {"workers": 1}})
    with server.client() as client:
        yield client


@pytest.fixture
def held_upstream():
    """A WebUI that accepts a job and does not finish it before `hold` is set; its ledger counts them."""
    with FakeA1111() as upstream:
        upstream.hold.clear()
        yield upstream


@pytest.fixture
def saved(api):
    """Return a function that saves a demo-like provider for the duration of the test."""
    names = []

    def save(name, **config):
        names.append(name)
        return data(api.post(CONFIG, json={"provider_name": name, "kind": "demo", **config}))

    yield save
    for name in names:
        api.delete(f"{CONFIG}/{name}")
