"""A saved key goes only to its origin, whatever a caller, a provider or a disk thief does."""

from contextlib import closing

import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.echo import DOCUMENT, JOB, Echo
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.in_thread import in_thread
from tests.integration.api.asking import CONFIG, GENERATE, WAIT, data, finished, row
from tests.integration.api.live_server import LiveServer
from tests.integration.security.searching import needles

KEY = "sk-Xq7Rn2Vb9Tz4Lk8Ws1Yp6Dc3Fg5Hj0Ma"
OTHER_KEY = "sk-another-key-Zz0123456789"
_UPDATE = "UPDATE provider_configs SET"
REFUSED = (400, 40007, "api_key_required")
SAVED = {"kind": "http", "extra_config": {"spec": DOCUMENT}, "api_key": KEY, "max_retries": 0}
FILE = "on-file"


@pytest.fixture(scope="module")
def listeners():
    with in_thread(HttpServer(Echo())) as home, in_thread(HttpServer(Echo())) as stranger:
        yield home, stranger


@pytest.fixture
def home(home):
    """Forget the keys as well."""
    home.fake.keys.clear()
    return home


@pytest.fixture
def stranger(stranger):
    """Forget the keys as well."""
    stranger.fake.keys.clear()
    return stranger


@pytest.fixture(scope="module")
def settings(listeners):
    """Two listeners that the service may call."""
    home, stranger = listeners
    allowed = [f"127.0.0.1:{upstream.port}" for upstream in (home, stranger)]
    providers = {FILE: {**SAVED, "api_base": home.url, "api_key": "env:KEY"}}
    return {"security": {"allow_private_upstreams": allowed}, "providers": providers}


@pytest.fixture(scope="module")
def api(settings, tmp_path_factory):
    """One service for all tests that change no file."""
    server = LiveServer(tmp_path_factory.mktemp("home"), settings, {"KEY": KEY}).start()
    with server.client() as client:
        yield client
    server.end()


@pytest.fixture(autouse=True)
def _nothing_saved(request):
    yield
    if "api" in request.fixturenames:
        for name in ("saved", FILE):
            request.getfixturevalue("api").delete(f"{CONFIG}/{name}")


@pytest.fixture
def serve(start_server, settings):
    """Return a function that starts a service for one test."""
    return lambda: start_server(settings, environ={"KEY": KEY})


def save(api, name="saved", **more):
    return api.post(CONFIG, json={"provider_name": name, **more})


def generate(api, name="saved", **more):
    return api.post(
        GENERATE, json={"provider": name, "params": {"prompt": "echo-good"}, **more}, headers=WAIT
    )


def got_the_key(listener):
    """Return the requests that contain a piece of the key, in any encoding."""
    pieces = needles(f"{KEY}?0000")
    return [
        request for request in listener.requests if any(piece in repr(request).encode() for piece in pieces)
    ]


class TestMoved:
    """Changing a configuration does not reveal its key."""

    @pytest.mark.parametrize("name", ["saved", FILE])
    @pytest.mark.parametrize("key", [{}, {"api_key": None}, {"api_key": "sk-****j0Ma"}])
    def test_by_an_update_or_for_one_task(self, api, home, stranger, name, key):
        """40007; a key in the same request is used instead."""
        data(save(api, **SAVED, api_base=home.url))
        moved = save(api, name, api_base=stranger.url, **key)
        once = generate(api, name, config={"api_base": stranger.url, **key})
        own = generate(api, name, config={"api_base": stranger.url, "api_key": OTHER_KEY})

        assert [REFUSED, REFUSED] == [row(moved), row(once)]
        assert ("completed", [OTHER_KEY]) == (data(own)["status"], stranger.fake.keys)
        assert [] == got_the_key(stranger)

    @pytest.mark.parametrize("name", ["saved", FILE])
    def test_by_a_document_that_lets_the_key_go_further(self, api, home, stranger, name):
        """Hosts that get the key, and a proxy that would see it, are part of what it was saved for."""
        makes_jobs = {"generate": {**DOCUMENT["operations"]["generate"], **JOB}}
        further = {**DOCUMENT, "egress": {"allow_hosts": ["thief.example", "127.0.0.1"]}}
        changes = [
            {"extra_config": {"spec": further}},
            {"extra_config": {"spec": {**further, "operations": makes_jobs}}},
            {"extra_config": {"spec": DOCUMENT, "proxy": stranger.url}},
            {"extra_config": {"preset": "fal"}},
        ]
        data(save(api, **SAVED, api_base=home.url))
        responses = [save(api, name, **change) for change in changes]
        with_key = save(api, name, **changes[0], api_key=OTHER_KEY)
        without_change = save(api, name, **changes[0])

        assert [REFUSED] * 4 == [row(response) for response in responses]
        assert [200, 200] == [with_key.status_code, without_change.status_code]
        assert [] == stranger.requests

    def test_by_the_address_in_a_document(self, api, home, stranger):
        """Without a saved ``api_base`` the key belongs to the document's own address."""
        data(save(api, **{**SAVED, "extra_config": {"spec": {**DOCUMENT, "base_url": home.url}}}))
        moved = save(api, extra_config={"spec": {**DOCUMENT, "base_url": stranger.url}})
        task = data(generate(api))

        assert (REFUSED, "completed") == (row(moved), task["status"])
        assert [] == stranger.requests

    def test_by_taking_secret_headers_along(self, api, home, stranger):
        """Headers that look like secrets stay, too; a proxy's password goes only to its proxy."""
        headers = {"X-Api-Token": KEY, "X-Team": "blue"}
        extra = {**SAVED["extra_config"], "headers": headers}
        data(save(api, **{**SAVED, "api_key": OTHER_KEY, "extra_config": extra}, api_base=home.url))
        at_home = data(generate(api))
        once = data(generate(api, config={"api_base": stranger.url, "api_key": OTHER_KEY}))
        moved = data(save(api, api_base=stranger.url, api_key=OTHER_KEY))
        for_good = data(generate(api))
        proxies = [
            f"http://{user}" for user in (f"me:{KEY}@proxy.example:1", f"****@127.0.0.1:{stranger.port}")
        ]
        extras = [{**extra, "proxy": proxy} for proxy in proxies]
        data(save(api, extra_config=extras[0], api_key=OTHER_KEY))
        proxy = save(api, extra_config=extras[1], api_key=OTHER_KEY)

        assert ["completed"] * 3 == [task["status"] for task in (at_home, once, for_good)]
        assert {"X-Team": "blue"} == moved["extra_config"]["headers"]
        assert (["blue"] * 3, 40000) == (
            [r.headers.get("x-team") for r in (*home.requests, *stranger.requests)],
            proxy.json()["code"],
        )
        assert (1, []) == (len(got_the_key(home)), got_the_key(stranger))

    @pytest.mark.parametrize("word", ["away", "away301", "away303", "away307", "away308"])
    def test_by_a_redirect(self, api, home, stranger, word):
        """A redirect of a call is a failure, and is not followed."""
        home.fake.elsewhere = stranger.url
        data(save(api, **SAVED, api_base=home.url))
        task = data(generate(api, params={"prompt": f"echo-{word}"}))
        data(api.post(f"{CONFIG}/saved/test"))

        assert "failed" == task["status"]
        assert [] == stranger.requests

    def test_by_a_job_or_a_result_elsewhere(self, api, home, stranger):
        """A job is polled at its own origin only; an image is downloaded elsewhere without the key."""
        document = {**DOCUMENT, "operations": {"generate": {**DOCUMENT["operations"]["generate"], **JOB}}}
        home.break_next(Reply.json({"job": "j-1", "poll": f"{stranger.url}/jobs/0"}), path="^/make$")
        data(save(api, **{**SAVED, "extra_config": {"spec": document}}, api_base=home.url))
        job = data(generate(api))
        data(save(api, extra_config={"spec": DOCUMENT}))
        home.break_next(Reply.json({"made": [{"url": f"{stranger.url}/files/picture/1"}]}), path="^/make$")
        result = data(generate(api))

        assert ["bad_response", "download_failed"] == [job["error"]["code"], result["error"]["code"]]
        assert [] == stranger.requests

    def test_by_a_whole_new_configuration_of_the_name(self, api, home, stranger):
        """A deleted configuration leaves no key behind."""
        data(save(api, **SAVED, api_base=home.url))
        data(api.delete(f"{CONFIG}/saved"))
        saved = data(save(api, **{**SAVED, "api_key": None}, api_base=stranger.url))
        refused = generate(api)

        assert (False, (400, 40001, "provider_not_configured")) == (saved["has_api_key"], row(refused))
        assert [] == stranger.requests


def test_a_changed_database_opens_no_key(serve, home, stranger):
    """Keys swapped between rows and changed addresses: nothing is sent, everything else works."""
    document = {**SAVED, "extra_config": {"spec": {**DOCUMENT, "base_url": home.url}}}
    server = serve()
    with server.client() as api:
        for name in ("swapped-1", "moved", "moved-with-origin"):
            data(save(api, name, **SAVED, api_base=home.url))
        data(save(api, "swapped-2", **{**SAVED, "api_key": OTHER_KEY}, api_base=home.url))
        data(save(api, "moved-document", **document))
    server.stop()
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database, database:
        sealed = dict(database.execute("SELECT provider_name, api_key FROM provider_configs"))
        for one, other in (("swapped-1", "swapped-2"), ("swapped-2", "swapped-1")):
            database.execute(f"{_UPDATE} api_key = ? WHERE provider_name = ?", (sealed[other], one))
        database.execute(f"{_UPDATE} api_base = ? WHERE provider_name LIKE 'moved%'", (stranger.url,))
        database.execute(f"{_UPDATE} key_origin = api_base WHERE provider_name = 'moved-with-origin'")
        database.execute(
            f"""{_UPDATE} api_base = NULL, extra_config = json_set(extra_config, '$.spec.base_url', ?)
            WHERE provider_name = 'moved-document'""",
            (stranger.url,),
        )
    server.start()
    with server.client() as api:
        responses = {name: row(generate(api, name))[:2] for name in sealed}
        drawn = finished(api)
        used = data(generate(api, FILE))

    locked = (503, 50301)
    assert {
        "swapped-1": locked,
        "swapped-2": locked,
        "moved": REFUSED[:2],
        "moved-with-origin": locked,
        "moved-document": REFUSED[:2],
    } == responses
    assert ("completed", "completed", [KEY]) == (drawn["status"], used["status"], home.fake.keys)
    assert [] == stranger.requests


class TestLocked:
    """A master key that is missing, wrong or malformed."""

    @pytest.mark.parametrize("how", ["missing", "wrong"])
    def test_reading_goes_on_and_nothing_is_sent_or_lost(self, serve, home, stranger, how):
        """Providers with keys are 50301, demo works, /health says why; the right key restores all."""
        server = serve()
        with server.client() as api:
            data(save(api, **SAVED, api_base=home.url))
            task = finished(api)
        server.stop()
        key_file = server.data_dir / "master.key"
        key, sealed = key_file.read_bytes(), saved_rows(server)
        wrong = {"missing": None, "wrong": b"A" * 43 + b"=\n"}[how]
        if wrong is None:
            key_file.unlink()
        else:
            key_file.write_bytes(wrong)
        home.requests.clear()
        server.start()
        with server.client() as api:
            health = api.get("/health")
            refused = [
                generate(api),
                generate(api, config={"api_key": OTHER_KEY}),
                save(api, "another", **{**SAVED, "api_key": OTHER_KEY}, api_base=home.url),
                save(api, display_name="renamed"),
            ]
            read = [api.get(p) for p in ("/api/v1/tasks", "/api/v1/images", CONFIG, task["image_url"])]
            drawn = finished(api)
        server.stop()
        after = saved_rows(server), key_file.read_bytes() if key_file.exists() else None
        key_file.write_bytes(key)
        key_file.chmod(0o600)
        server.start()
        with server.client() as api:
            again = data(generate(api))

        assert (503, "degraded", "locked") == (
            health.status_code,
            health.json()["status"],
            health.json()["checks"]["keys"],
        )
        assert [(503, 50301, "unavailable")] * 4 == [row(response) for response in refused]
        assert [200] * 4 == [response.status_code for response in read]
        assert "completed" == drawn["status"]
        assert (sealed, wrong) == after
        assert ("completed", {KEY}) == (again["status"], set(home.fake.keys))


def saved_rows(server):
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database:
        return database.execute("SELECT * FROM provider_configs").fetchall()
