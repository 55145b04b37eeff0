"""Secret headers, a proxy's password and a key without an address stay with their origin."""

from contextlib import closing

import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.echo import DOCUMENT, JOB, Echo
from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.integration.api.asking import CONFIG, GENERATE, WAIT, data, row
from tests.integration.api.live_server import LiveServer
from tests.integration.security.searching import needles

SECRET = "sk-Hq3Lm8Wd5Ux1Zr6Ty2Bn9Kv4Jc7Pg0SeRf"
OWN_KEY = "sk-the-callers-own-0123456789"
REFUSED = (400, 40007, "api_key_required")
SPEC = {"spec": DOCUMENT}
HEADERS = {"X-Api-Token": SECRET, "X-Team": "blue"}
MAKES_JOBS = {"generate": {**DOCUMENT["operations"]["generate"], **JOB}}
ELSEWHERE = {
    **DOCUMENT,
    "egress": {"allow_hosts": ["thief.example", "127.0.0.1"]},
    "operations": {
        "generate": {
            **MAKES_JOBS["generate"],
            "poll": {**JOB["poll"], "request": {"method": "GET", "url": "https://thief.example/poll"}},
        }
    },
}
"""A document whose jobs are polled at a URL of its own."""


@pytest.fixture(scope="module")
def listeners():
    with in_thread(HttpServer(Echo())) as home, in_thread(HttpServer(Echo())) as stranger:
        yield home, stranger


@pytest.fixture(scope="module")
def server(listeners, tmp_path_factory):
    home, stranger = listeners
    base = {"kind": "http", "max_retries": 0, "extra_config": SPEC}
    proxy = f"http://me:{SECRET}@127.0.0.1:{home.port}"
    config = {
        "security": {"allow_private_upstreams": [f"127.0.0.1:{s.port}" for s in (home, stranger)]},
        "providers": {
            "headed": {
                **base,
                "api_base": home.url,
                "api_key": OWN_KEY,
                "extra_config": {**SPEC, "headers": HEADERS},
            },
            "behind": {
                **base,
                "api_base": f"{home.url}/v1",
                "api_key": OWN_KEY,
                "extra_config": {**SPEC, "proxy": proxy},
            },
            "homeless": {**base, "api_key": SECRET},
        },
    }
    running = LiveServer(tmp_path_factory.mktemp("secrets"), config).start()
    yield running
    running.end()


def save(api, name="saved", **more):
    return api.post(CONFIG, json={"provider_name": name, **more})


def generate(api, name="saved", **more):
    body = {"provider": name, "params": {"prompt": "echo-good"}, **more}
    return api.post(GENERATE, json=body, headers=WAIT)


def with_the_secret(listener):
    """Return the requests that contain a piece of the secret, in any encoding."""
    pieces = needles(f"{SECRET}?0000")
    return [r for r in listener.requests if any(piece in repr(r).encode() for piece in pieces)]


def saved_with_headers(api, home):
    """Save the configuration under attack; return what a caller sees of it."""
    extra = {**SPEC, "headers": HEADERS}
    return data(save(api, api_base=home.url, api_key=OWN_KEY, kind="http", max_retries=0, extra_config=extra))


class TestHeaders:
    """Headers whose names suggest secrets."""

    @pytest.mark.parametrize("name", ["saved", "headed"])
    @pytest.mark.parametrize("own", [{}, {"api_key": OWN_KEY}])
    def test_masked_ones_do_not_come_along(self, api, home, stranger, name, own):
        """Another proxy, document or address would get their values: 40007, and nothing changes."""
        saved_with_headers(api, home)
        masked = data(api.get(f"{CONFIG}/{name}"))["extra_config"]
        before = data(generate(api, name))
        responses = [
            save(api, name, extra_config={**masked, "proxy": stranger.url}, **own),
            save(api, name, extra_config={**masked, "spec": ELSEWHERE}, **own),
            save(api, name, extra_config=masked, api_base=stranger.url, **own),
            save(api, name, extra_config={**masked, "preset": "fal", "spec": None}, **own),
        ]
        after = data(generate(api, name))

        assert {"X-Api-Token": "****", "X-Team": "blue"} == masked["headers"]
        assert [REFUSED] * 4 == [row(response) for response in responses]
        assert ["completed"] * 2 == [task["status"] for task in (before, after)]
        assert (2, 0) == (len(with_the_secret(home)), stranger.connections)

    def test_those_sent_again_go_along(self, api, home, stranger):
        """A caller who knows them may send them anywhere."""
        saved_with_headers(api, home)
        data(save(api, api_base=stranger.url, api_key=OWN_KEY, extra_config={**SPEC, "headers": HEADERS}))

        assert "completed" == data(generate(api))["status"]
        assert (0, 1) == (len(with_the_secret(home)), len(with_the_secret(stranger)))

    def test_masked_ones_stay_where_nothing_moves(self, api, home):
        """Also those of config.yaml, when the masked ones are sent back."""
        saved_with_headers(api, home)
        for name in ("saved", "headed"):
            shown = data(api.get(f"{CONFIG}/{name}"))
            data(api.post(CONFIG, json={**shown, "timeout_seconds": 33}))

            assert "completed" == data(generate(api, name))["status"]
        assert 2 == len(with_the_secret(home))

    def test_a_saved_proxy_does_not_see_those_of_the_file(self, api, home, stranger):
        """A row with a key of its own goes through its own proxy, without them."""
        data(save(api, "headed", api_key=OWN_KEY, extra_config={"proxy": stranger.url}))
        task = data(generate(api, "headed"))

        assert ("completed", ["blue"]) == (task["status"], [r.headers["x-team"] for r in stranger.requests])
        assert ([], []) == (with_the_secret(home), with_the_secret(stranger))

    def test_a_saved_document_does_not_take_those_of_the_file(self, api, home, stranger):
        """Not even to their own origin, whose responses may lead elsewhere."""
        data(save(api, "headed", api_key=OWN_KEY, extra_config={"spec": ELSEWHERE}))
        task = data(generate(api, "headed"))

        assert "failed" == task["status"]
        assert (1, [], 0) == (len(home.requests), with_the_secret(home), stranger.connections)

    @pytest.mark.parametrize("name", ["saved", "headed"])
    def test_a_caller_with_a_key_of_his_own_gets_none(self, api, home, stranger, name):
        """For one task, or saved."""
        saved_with_headers(api, home)
        once = data(generate(api, name, config={"api_base": stranger.url, "api_key": OWN_KEY}))
        data(save(api, name, api_base=stranger.url, api_key=OWN_KEY))
        for_good = data(generate(api, name))

        assert ["completed"] * 2 == [task["status"] for task in (once, for_good)]
        assert ["blue"] * 2 == [r.headers["x-team"] for r in stranger.requests]
        assert [] == with_the_secret(stranger)

    def test_a_changed_database_moves_none(self, api, server, home, stranger):
        """They were sealed for one origin; a key from the caller does not release them to another."""
        extra = {"spec": {**DOCUMENT, "base_url": home.url}, "headers": HEADERS}
        data(save(api, kind="http", api_key=OWN_KEY, max_retries=0, extra_config=extra))
        with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database, database:
            database.execute(
                """UPDATE provider_configs SET extra_config = json_set(extra_config, '$.spec.base_url', ?)
                WHERE provider_name = 'saved'""",
                (stranger.url,),
            )
        data(save(api, "headed", timeout_seconds=33))  # drops cached rows
        refused = generate(api)
        own = data(generate(api, config={"api_key": OWN_KEY + "0"}))

        assert (REFUSED, "completed", 1) == (row(refused), own["status"], len(stranger.requests))
        assert [] == with_the_secret(stranger)


class TestHost:
    """Where many sites share an address, the Host header selects the recipient."""

    def test_no_document_names_another(self, api, home):
        """A saved document could make the front end route the file's key to another site."""
        fronted = {**DOCUMENT, "headers": {"Host": "thief.example"}}
        refused = save(api, "headed", extra_config={"spec": fronted})
        data(generate(api, "headed"))

        assert (400, 40000, "validation_failed") == row(refused)
        assert [f"127.0.0.1:{home.port}"] == [request.headers["host"] for request in home.requests]


class TestProxyPassword:
    """A proxy's password is only used for the provider that it was configured for."""

    @pytest.mark.parametrize("name", ["saved", "behind"])
    def test_it_leads_nowhere_else(self, api, home, stranger, name):
        """Another address is 40007 until the proxy is sent again, or removed."""
        proxy = f"http://me:{SECRET}@127.0.0.1:{home.port}"
        data(
            save(api, kind="http", api_base=home.url, api_key=OWN_KEY, extra_config={**SPEC, "proxy": proxy})
        )
        own = {"api_base": stranger.url, "api_key": OWN_KEY}
        responses = [generate(api, name, config=own), save(api, name, **own)]
        connections = home.connections, stranger.connections
        data(save(api, name, extra_config={**SPEC, "proxy": None}, **own))
        direct = data(generate(api, name))

        assert [REFUSED] * 2 == [row(response) for response in responses]
        assert ["proxy"] * 2 == [response.json()["data"]["secret"] for response in responses]
        assert (0, 0) == connections
        assert ("completed", 1, []) == (
            direct["status"],
            len(stranger.requests),
            with_the_secret(stranger),
        )


class TestHomelessKey:
    """A key without any address: every address that comes later is foreign."""

    def test_it_follows_no_request(self, api, stranger):
        """From the file or saved: 40007."""
        data(save(api, kind="http", api_key=SECRET, extra_config=SPEC))
        data(save(api, "headed", display_name="x"))
        responses = [generate(api, name, config={"api_base": stranger.url}) for name in ("saved", "homeless")]

        assert [REFUSED] * 2 == [row(response) for response in responses]
        assert 0 == stranger.connections

    def test_it_follows_no_change(self, api, stranger):
        """A later address must come with the key."""
        preset = {"preset": "openai-compatible"}
        models = [{"id": "m"}]
        data(save(api, kind="http", api_key=SECRET, models=models, extra_config=preset))
        responses = [save(api, name, api_base=stranger.url) for name in ("saved", "homeless")]
        with_base = {**DOCUMENT, "base_url": stranger.url}
        responses += [save(api, name, extra_config={"spec": with_base}) for name in ("saved", "homeless")]
        saved = data(save(api, api_base=stranger.url, api_key=SECRET))

        assert ([REFUSED] * 4, stranger.url) == ([row(response) for response in responses], saved["api_base"])
        assert 0 == stranger.connections
