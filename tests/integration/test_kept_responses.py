"""What was paid for and cannot be used is fetched over HTTP and by the command line, also after a kill."""

import io

import pytest
from PIL import Image

from tests.fakes import exchanged_keys
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.in_thread import in_thread
from tests.fakes.own_upstream import DOCUMENT
from tests.integration.api.asking import GENERATE, TASKS, WAIT, data, finished, row
from tests.integration.cli.outcomes import failed, good

pytestmark = pytest.mark.one_python

KEY = "sk-of-the-own-provider"


def bmp():
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "BMP")
    return file.getvalue()


class Unusable:
    """Answers with an image of another format, or with a page that shows the key, or the token for it."""

    def __call__(self, request):
        if request.path == "/login":
            return Reply.json({"access_token": f"token-{exchanged_keys.TOKEN_END}"})
        if request.path == "/draw":
            return Reply.json({"sent": request.headers["authorization"].removeprefix("Bearer ")})
        if request.method == "GET":
            return Reply(body=bmp(), headers={"content-type": "image/bmp"})
        if "page" in request.json["words"]:
            page = f"<html>not for {request.headers['x-own-key']}</html>".encode()
            return Reply(body=page, headers={"content-type": "text/html"})
        return Reply.json({"made": [{"url": "/made.bmp"}]})


@pytest.fixture(scope="module")
def upstream():
    with in_thread(HttpServer(Unusable())) as server:
        yield server


@pytest.fixture
def server(start_server, upstream):
    """A server with the providers ``own`` and ``exchanged``."""
    make = DOCUMENT["operations"]["make"]
    linked = {**make, "response": {"images": [{"select": "made[]", "url": "url"}]}}
    spec = {**DOCUMENT, "operations": {"make": linked}}
    own = {"kind": "http", "api_base": upstream.url, "api_key": KEY, "extra_config": {"spec": spec}}
    spec = exchanged_keys.document(f"{upstream.url}/login")
    exchanged = {**own, "api_key": exchanged_keys.KEY, "extra_config": {"spec": spec}}
    authority = upstream.url.removeprefix("http://")
    return start_server(
        {
            "providers": {"own": own, "exchanged": exchanged},
            "security": {"allow_private_upstreams": [authority]},
        }
    )


def task_of(api, prompt, provider="own"):
    return data(api.post(GENERATE, json={"provider": provider, "params": {"prompt": prompt}}, headers=WAIT))


def test_it_is_an_attachment_that_no_browser_shows(server):
    """And no cache holds; of a task that lost nothing there is none."""
    with server.client() as api:
        task = task_of(api, "a cat")
        path = f"{TASKS}/{task['task_id']}/response"
        answer, part = api.get(path), api.get(path, headers={"Range": "bytes=0-5"})
        head, second = api.head(path), api.get(path, params={"index": 1})
        nothing = api.get(f"{TASKS}/{finished(api)['task_id']}/response")

    assert ("failed", "invalid_image") == (task["status"], task["error"]["code"])
    assert (200, bmp(), bmp()[:6], b"") == (answer.status_code, answer.content, part.content, head.content)
    assert [
        "application/octet-stream",
        "no-store",
        "nosniff",
        "default-src 'none'; sandbox",
        f"attachment; filename=\"{task['task_id']}-0.bin\"; filename*=UTF-8''{task['task_id']}-0.bin",
    ] == [
        answer.headers[name]
        for name in (
            "content-type",
            "cache-control",
            "x-content-type-options",
            "content-security-policy",
            "content-disposition",
        )
    ]
    assert [(404, 40405, "response_not_kept")] * 2 == [row(second), row(nothing)]


def test_an_access_token_is_masked_as_a_key_is(server):
    """It opens the same account."""
    with server.client() as api:
        path = f"{TASKS}/{task_of(api, 'a cat', 'exchanged')['task_id']}/response"

        assert b'{"sent": "****"}' == api.get(path).content


def test_a_command_saves_it_also_after_a_kill(server, tmp_path):
    """Beside the server and without one; a page without the key that it shows."""
    with server.client() as api:
        image, page = task_of(api, "a cat")["task_id"], task_of(api, "a page")["task_id"]
    server.kill()
    path = good(server.imagegen("tasks", "response", image)).strip()
    good(server.imagegen("tasks", "response", page, "-o", "page.html"))
    again = failed(server.imagegen("tasks", "response", page, "-o", "page.html"))

    folder = server.folder
    assert (bmp(), f"{image}.bin") == ((folder / f"{image}.bin").read_bytes(), path.rpartition("/")[2])
    assert b"<html>not for ****</html>" == (folder / "page.html").read_bytes()
    assert "--force" in again
    assert "40405" not in again
