"""An SVG with scripts: the console shows a tile, and no address of its bytes runs or fetches anything."""

import httpx
import pytest

from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.images import svg
from tests.fakes.in_thread import in_thread
from tests.fakes.own_upstream import DOCUMENT
from tests.integration.api.asking import GENERATE, WAIT, data

_TILE = "return document.querySelector('.card .broken')?.textContent"
_STAGE = "return document.querySelector('.stage > .broken')?.textContent"
_IMAGES = "return [...document.querySelectorAll('img')].map((one) => one.getAttribute('src'))"
_SHOWN = """
const [url, done] = arguments;
const image = new Image();
const ran = () => [window.ran ?? null, document.title === 'ran'];
image.onload = () => done([image.naturalWidth, image.naturalHeight, ...ran()]);
image.onerror = () => done('error');
document.body.append(image);
image.src = url;
"""
_FRAMED = """
const [url, document_, done] = arguments;
const frame = document.createElement('iframe');
if (document_) frame.srcdoc = document_; else frame.src = url;
frame.onload = () => setTimeout(() => done([window.ran ?? null, document.title === 'ran']), 300);
setTimeout(() => done([window.ran ?? null, document.title === 'ran']), 2000);
document.body.append(frame);
"""


class Drawer:
    def __call__(self, request):
        if request.method == "GET":
            return Reply(body=svg(), headers={"content-type": "image/svg+xml"})
        return Reply.json({"made": [{"url": "/drawing"}]})


@pytest.fixture
def drawn(serve):
    """Return a server that has an SVG, and its record."""
    make = {**DOCUMENT["operations"]["make"], "response": {"images": [{"select": "made[]", "url": "url"}]}}
    with in_thread(HttpServer(Drawer())) as upstream:
        spec = {**DOCUMENT, "operations": {"make": make}}
        own = {"kind": "http", "api_base": upstream.url, "api_key": "sk-own", "extra_config": {"spec": spec}}
        allowed = {"allow_private_upstreams": [upstream.url.removeprefix("http://")]}
        server = serve(providers={"own": own}, security=allowed)
        body = {"provider": "own", "params": {"prompt": "a drawing"}}
        task = data(httpx.post(server.url + GENERATE, json=body, headers=WAIT, timeout=60))
        yield server, task["images"][0]


def _fetched(tab):
    """Return what the script or the document has asked for, and no policy stopped."""
    return [one.url for one in tab.exchanges() if one.url.endswith("/ran") and one.failure != "csp"]


def test_the_console_shows_a_tile_and_never_the_drawing(tab, drawn):
    """In the gallery, and on its own page, where it can be downloaded but is no input."""
    server, image = drawn
    tab.open(f"{server.url}/gallery")
    tile = tab.until(lambda: tab.driver.execute_script(_TILE))
    tab.allow(f"/images/{image['id']}/thumbnail")  # asked for before the record says that there is none
    tab.open(f"{server.url}/p/{image['id']}")
    text = tab.until(lambda: tab.driver.execute_script(_STAGE))
    acts = tab.driver.find_elements("css selector", ".acts a")

    assert ("SVG", True) == (tile, "SVG" in text)
    assert [image["image_url"]] == [one.get_attribute("href").removeprefix(server.url) for one in acts]
    assert [] == tab.driver.execute_script(_IMAGES)
    assert [] == [one.url for one in tab.exchanges() if one.url.endswith("/content")]


def test_nothing_of_it_runs_wherever_it_is_put(tab, drawn):
    """As an image it is drawn without scripts; as a page and in a frame it is a download."""
    server, image = drawn
    tab.open(f"{server.url}/gallery")
    tab.until(lambda: tab.driver.execute_script(_TILE))
    tab.allow("Framing")  # the console's own policy stops it before
    shown = tab.driver.execute_async_script(_SHOWN, image["image_url"])
    framed = tab.driver.execute_async_script(_FRAMED, image["image_url"], None)
    before = tab.driver.current_url
    tab.open(server.url + image["image_url"])

    assert [150, 100] == [round(side / shown[0] * 150) for side in shown[:2]]
    assert [[None, False]] * 2 == [shown[2:], framed]
    assert (before, False) == (tab.driver.current_url, tab.driver.title == "ran")
    assert [] == _fetched(tab)


@pytest.mark.parametrize("without", ["content-disposition", "content-security-policy"])
def test_each_of_its_two_headers_is_enough(tab, drawn, without):
    """A server that sends only the other one: the script does not run, and with neither it does."""
    server, image = drawn
    headers = httpx.get(server.url + image["image_url"]).headers
    other_headers = {name: headers[name] for name in ("content-disposition", "content-security-policy")}
    del other_headers[without]
    paths = []

    def serve(request):
        paths.append(request.path)
        more = {} if request.path == "/bare" else other_headers
        return Reply(body=svg(), headers={"content-type": "image/svg+xml", **more})

    with in_thread(HttpServer(serve)) as other:
        tab.origins.add(other.url)
        tab.allow("Content Security Policy")
        tab.allow("sandbox")
        tab.open(f"{other.url}/drawing")
        guarded, fetched = tab.driver.title, paths.count("/ran")
        tab.open(f"{other.url}/bare")
        tab.until(lambda: "/ran" in paths)
        tab.open("about:blank")

    assert (False, 0) == (guarded == "ran", fetched)
