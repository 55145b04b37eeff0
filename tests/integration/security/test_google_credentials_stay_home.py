"""The operator's Google credentials go only where config.yaml sends them, whatever a caller does."""

import json
from contextlib import closing

import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.gemini import TOKEN, FakeGemini
from tests.fakes.google_sign_in import GoogleSignIn, environ_of_a_cloud_machine, service_account
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.in_thread import in_thread
from tests.integration.api.asking import CONFIG, GENERATE, WAIT, data, row
from tests.integration.api.live_server import LiveServer

REFUSED = (400, 40007, "api_key_required")
OWN_KEY = "fake-gemini-key-0001"
PROJECT = {"backend": "vertex", "project": "my-project", "location": "us-central1"}
MODELS = [{"id": "gemini-nano-banana-2.1"}]


@pytest.fixture(scope="module")
def listeners():
    """Return the operator's gateway to Google, a stranger, and the token service."""
    with (
        in_thread(FakeGemini()) as home,
        in_thread(HttpServer(lambda _: Reply.json({}, 500))) as stranger,
        in_thread(HttpServer(GoogleSignIn())) as sign_in,
    ):
        yield home, stranger, sign_in


@pytest.fixture
def home(listeners):
    listeners[0].requests.clear()
    return listeners[0]


@pytest.fixture
def sign_in(listeners):
    """The token service, without earlier requests."""
    listeners[2].requests.clear()
    listeners[2].fake.tokens.clear()
    return listeners[2]


@pytest.fixture(scope="module")
def server(listeners, tmp_path_factory):
    """A service on a cloud machine; some of its providers use the credentials of the machine."""
    home, stranger, sign_in = listeners
    folder = tmp_path_factory.mktemp("cloud")
    file = folder / "robot.json"
    file.write_text(service_account(sign_in))
    vertex = {"kind": "gemini", "models": MODELS, "max_retries": 0}
    config = {
        "security": {"allow_private_upstreams": [home.address, f"127.0.0.1:{stranger.port}"]},
        "providers": {
            "ambient": {**vertex, "api_base": home.url, "extra_config": PROJECT},
            "robot": {
                **vertex,
                "api_base": home.url,
                "extra_config": {**PROJECT, "credentials_file": str(file)},
            },
            "google": {**vertex, "extra_config": PROJECT},
            "keyed": {**vertex, "api_base": home.url, "api_key": OWN_KEY, "extra_config": PROJECT},
        },
    }
    environ = environ_of_a_cloud_machine(sign_in, folder)
    running = LiveServer(folder, config, environ).start()
    yield running
    running.end()


def save(api, name, **more):
    return api.post(CONFIG, json={"provider_name": name, **more})


def generate(api, name, **more):
    return api.post(GENERATE, json={"provider": name, "params": {"prompt": "a cat"}, **more}, headers=WAIT)


def test_config_yaml_alone_lends_them(api, home, stranger, sign_in):
    """Those of the machine and those of a file; a saved row that redirects nothing changes nothing."""
    tasks = [data(generate(api, "ambient")), data(generate(api, "robot"))]
    for name in ("ambient", "robot"):
        shown = data(api.get(f"{CONFIG}/{name}"))
        data(save(api, name, timeout_seconds=33, models=MODELS))
        tasks.append(data(generate(api, name)))
        again = data(api.post(CONFIG, json={**shown, "timeout_seconds": 34, "models": MODELS}))
        tasks.append(data(generate(api, name)))

        assert shown["extra_config"] == again["extra_config"]
    probes = [data(api.post(f"{CONFIG}/{name}/test"))["ok"] for name in ("ambient", "robot")]

    assert ["completed"] * 6 == [task["status"] for task in tasks]
    assert [True, True] == probes
    assert {f"Bearer {TOKEN}"} == {requests.headers["authorization"] for requests in home.requests}
    assert {"metadata", "service account"} == set(sign_in.fake.tokens)


def changes(home, stranger, file):
    """Return the attempts of a caller without a key, by name."""
    return {
        "another address": {"api_base": stranger.url},
        "another project": {"extra_config": {**PROJECT, "project": "theirs"}},
        "another region": {"extra_config": {**PROJECT, "location": "europe-west4"}},
        "a file of this machine": {"extra_config": {**PROJECT, "credentials_file": file}},
        "a proxy that sees all": {"extra_config": {**PROJECT, "proxy": stranger.url}},
        "only a proxy": {"extra_config": {"proxy": stranger.url}},
        "another address of the same host": {"api_base": home.url.replace("127.0.0.1", "localhost")},
    }


def test_no_saved_row_moves_them(api, server, home, stranger, sign_in):
    """Another address, project, region, file or proxy is 40007; that of config.yaml stays in effect."""
    file = str(server.folder / "robot.json")
    tried = changes(home, stranger, file)
    responses = {name: row(save(api, "ambient", **change)) for name, change in tried.items()}
    requests = list(sign_in.requests)
    task = data(generate(api, "ambient"))

    assert dict.fromkeys(tried, REFUSED) == responses
    assert [] == requests
    assert ("completed", 0) == (task["status"], stranger.connections)


def test_no_new_configuration_uses_them(api, server, stranger, sign_in):
    """Neither for a task nor for a probe; not even with Google's own address."""
    new = {"kind": "gemini", "models": MODELS, "extra_config": PROJECT}
    files = [str(server.folder / "robot.json"), "/etc/hostname", "/proc/self/environ"]
    responses = [
        save(api, "new", **new),
        save(api, "new", **new, api_base=stranger.url),
        *(save(api, "new", **{**new, "extra_config": {**PROJECT, "credentials_file": f}}) for f in files),
        save(api, "keyed", extra_config={**PROJECT, "credentials_file": files[0]}),
        save(
            api, "new", **{**new, "extra_config": {**PROJECT, "credentials_file": files[0]}}, api_key=OWN_KEY
        ),
    ]
    tested, used = api.post(f"{CONFIG}/new/test"), generate(api, "new")

    assert [REFUSED] * 7 == [row(response) for response in responses]
    assert [(404, 40403), (400, 40001)] == [row(response)[:2] for response in (tested, used)]
    assert ([], 0) == (sign_in.requests, stranger.connections)


def test_no_command_moves_them(server, api, stranger, sign_in):
    """``imagegen providers`` uses the same API: one line, and exit code 1."""
    moved = server.imagegen("providers", "set", "ambient", "--api-base", stranger.url)
    requests = list(sign_in.requests)
    tested = server.imagegen("providers", "test", "ambient")

    assert (1, 1, 0) == (moved.returncode, len(moved.stderr.splitlines()), tested.returncode)
    assert ([], 0) == (requests, stranger.connections)


@pytest.mark.parametrize("name", ["ambient", "robot", "google"])
def test_no_request_moves_them(api, stranger, sign_in, name):
    """40007; a request with its own key is sent with that key alone."""
    moved = generate(api, name, config={"api_base": stranger.url})
    connections = stranger.connections
    data(generate(api, name, config={"api_base": stranger.url, "api_key": OWN_KEY}))

    assert (REFUSED, 0) == (row(moved), connections)
    assert [(OWN_KEY, None)] == [
        (r.headers.get("x-goog-api-key"), r.headers.get("authorization")) for r in stranger.requests
    ]
    assert [] == sign_in.requests


def test_no_model_takes_them_to_another_project(api, home, stranger, sign_in):
    """A saved model must be in the project of config.yaml, in whatever form: otherwise 40007."""
    place = "projects/{}/locations/{}/publishers/google/models/gemini-nano-banana-2.1"
    names = [place.format("thief", "us-central1"), place.format("my-project", "europe-west4")]
    responses = [save(api, "ambient", models=[*MODELS, {"id": name}]) for name in names]
    data(save(api, "ambient", models=[{"id": place.format("my-project", "us-central1")}]))

    assert [REFUSED] * 2 == [row(response) for response in responses]
    assert "completed" == data(generate(api, "ambient"))["status"]


def test_a_row_of_earlier_versions_lends_nothing(api, server, home, stranger, sign_in):
    """It is shown and can be toggled and removed; its tasks and its probe are refused."""
    data(save(api, "new", kind="gemini", models=MODELS, api_base=stranger.url))
    extra = {**PROJECT, "credentials_file": str(server.folder / "robot.json")}
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database, database:
        database.execute(
            "UPDATE provider_configs SET extra_config = ? WHERE provider_name = 'new'", (json.dumps(extra),)
        )
    data(save(api, "google", timeout_seconds=33))  # drops cached rows
    listed = [c["provider_name"] for c in data(api.get(CONFIG))["items"]]
    responses = [generate(api, "new"), api.post(f"{CONFIG}/new/test"), save(api, "new", timeout_seconds=9)]
    shown = data(api.get(f"{CONFIG}/new"))["extra_config"]
    switched = data(api.patch(f"{CONFIG}/new/toggle", json={"enabled": False}))["enabled"]
    mended = data(save(api, "new", extra_config=PROJECT, api_key=OWN_KEY))["has_api_key"]

    assert "new" in listed
    assert [REFUSED] * 3 == [row(response) for response in responses]
    assert ({**PROJECT, "credentials_file": "****"}, False, True) == (shown, switched, mended)
    assert ([], 0) == (sign_in.requests, stranger.connections)
