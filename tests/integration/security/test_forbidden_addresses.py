"""Every spelling of a forbidden address, given to a running service: not one connection is made."""

import socket
from contextlib import ExitStack

import pytest

from tests.fakes.echo import DOCUMENT
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.images import png_base64
from tests.fakes.in_thread import in_thread
from tests.integration.api.asking import CONFIG, GENERATE, data, ended
from tests.integration.api.live_server import LiveServer
from tests.integration.outbound.test_spellings import EVERY

KEY = "sk-0123456789abcdef"


class Pointing:
    """A provider whose result URLs, or their redirects, come from the prompt."""

    def __call__(self, request):
        if request.path == "/make":
            return Reply.json({"made": [{"url": request.json["words"].split()[-1]}]})
        if request.path.startswith("/hop/"):
            return Reply(302, b"", {"location": request.query["to"]})
        return Reply.json({"made": [{"data": png_base64()}]})


class Listener:
    """Counts the connections that the kernel accepted."""

    def __init__(self, family, host, port=0):
        self._socket = socket.socket(family)
        self._socket.setblocking(False)
        if family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self._socket.bind((host, port))
        self._socket.listen(64)
        self.port = self._socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def connections(self):
        count = 0
        while True:
            try:
                self._socket.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


@pytest.fixture(scope="module")
def upstream():
    with in_thread(HttpServer(Pointing())) as running:
        yield running


@pytest.fixture(scope="module")
def listeners(upstream):
    """Listeners on every address of two ports, and on the provider's port at neighbouring addresses."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(Listener(socket.AF_INET, "127.0.0.2", upstream.port))]
        for _ in range(2):
            listeners.append(stack.enter_context(Listener(socket.AF_INET, "0.0.0.0")))
            listeners.append(stack.enter_context(Listener(socket.AF_INET6, "::", listeners[-1].port)))
        yield listeners


@pytest.fixture(scope="module")
def api(upstream, tmp_path_factory):
    """A service with one allowed provider, which is saved."""
    config = {"security": {"allow_private_upstreams": [f"127.0.0.1:{upstream.port}"]}}
    server = LiveServer(tmp_path_factory.mktemp("addresses"), config).start()
    with server.client() as client:
        body = {"kind": "http", "extra_config": {"spec": DOCUMENT}, "api_key": KEY, "max_retries": 0}
        data(client.post(CONFIG, json={"provider_name": "pointing", "api_base": upstream.url, **body}))
        yield client
    server.end()


def addresses(upstream, listeners, scheme="http"):
    """Return each spelling with the port of a listener, and other addresses with the provider's port."""
    ports = [listener.port for listener in listeners[1:]]
    spelled = [f"{scheme}://{host}:{ports[i % len(ports)]}" for i, host in enumerate(EVERY)]
    return [
        *spelled,
        *(f"{scheme}://{host}:{upstream.port}" for host in ("127.0.0.2", "0x7f000002", "0.0.0.0")),
    ]


def counted(listeners):
    return [listener.connections() for listener in listeners]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_can_be_saved_or_used_once(api, upstream, listeners, scheme):
    """40008, or 40000 for a malformed one; the probe is refused in the same way."""
    urls = addresses(upstream, listeners, scheme)
    saved = {
        url: api.post(CONFIG, json={"provider_name": "bad", "api_base": f"{url}/v1", "api_key": KEY})
        for url in urls
    }
    once = {
        url: api.post(
            GENERATE,
            json={
                "provider": "pointing",
                "params": {"prompt": "x"},
                "config": {"api_base": url, "api_key": KEY},
            },
        )
        for url in urls
    }
    proxies = {
        url: api.post(CONFIG, json={"provider_name": "bad", "api_base": url, "extra_config": {"proxy": url}})
        for url in urls
    }

    assert 60 <= len(urls)
    assert {40000, 40008} >= {
        a.json()["code"] for responses in (saved, once, proxies) for a in responses.values()
    }
    assert 404 == api.post(f"{CONFIG}/bad/test").status_code
    assert [0] * len(listeners) == counted(listeners)


def test_no_result_is_fetched_from_there(api, upstream, listeners):
    """Neither as a result URL, nor behind a redirect from an allowed address."""
    urls = addresses(upstream, listeners)
    hops = [f"{upstream.url}/hop/1?to={url}/x.png" for url in urls]
    bodies = [
        {"provider": "pointing", "params": {"prompt": f"draw {url}"}}
        for url in (*(f"{url}/x.png" for url in urls), *hops)
    ]
    ids = [data(api.post(GENERATE, json=body))["task_id"] for body in bodies]
    codes = {ended(api, task_id)["error"]["code"] for task_id in ids}

    assert {"download_failed"} == codes
    assert [0] * len(listeners) == counted(listeners)
