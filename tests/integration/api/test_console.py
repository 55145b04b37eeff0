"""The console is a page of our own files, closed without a token."""

import contextlib
import re
from base64 import b64encode
from hashlib import sha256
from http.client import HTTPConnection
from urllib.parse import urljoin

import pytest

from imagegen_http.console import PAGES
from tests.integration.api.live_server import LiveServer

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
NAVIGATION = {**HTML, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
GZIP, PLAIN = {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}
TOKEN = "a-token-that-is-long-enough-0001"
MAX_SHELL_BYTES = 60 * 1000
REFERENCE = re.compile(
    r"""(?:\b(?:src|href)=|\b(?:from|import)\s*\(?\s*|\burl\(\s*)["']?((?:/console/|\.{1,2}/)[^"')\s]+)"""
)
MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff2": "font/woff2",
}
NOWHERE = ["/nowhere", "/p/cat", "/gallery/more", "/docs/nothing.js", "/console/none.css"]
NAMES = {path: name for name, paths in PAGES.items() for path in paths if path != "/"}
STATES = {re.sub(r"\{\w+:(int|str)\}", "7", path): name for path, name in NAMES.items()}
"""Addresses of the console, each with the module that it shows."""


@pytest.fixture(scope="module")
def loaded(api):
    """The page and all files that it loads, modules of modules too, by their addresses."""
    waiting, answers = ["/"], {}
    while waiting:
        address = waiting.pop()
        if address not in answers:
            answers[address] = api.get(address, headers=HTML if address == "/" else {})
            waiting += [urljoin(address, path) for path in REFERENCE.findall(answers[address].text)]
    return answers


@pytest.fixture(scope="module")
def script(loaded):
    """The address of the module that the page starts with."""
    return re.search(r'<script type="module" src="([^"]+)"', loaded["/"].text)[1]


def test_the_page_is_whole_and_needs_no_other_host(loaded):
    """Scripts, styles and the icon all exist, and its policy allows nothing else."""
    page = loaded["/"]

    assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
    assert {"js", "css", "svg"} <= {address.rpartition(".")[2] for address in loaded}
    assert {} == {address: answer.status_code for address, answer in loaded.items() if answer.is_error}
    assert [] == re.findall(r"https?://", page.text + page.headers["content-security-policy"])
    assert ["<script"] * 2 == re.findall(r"<script(?![^>]* src=)|\son\w+=|style=", page.text)


def test_the_page_begins_in_the_readers_language(api):
    """From its first byte; a cache in between keeps both apart, and no tag is that of both."""
    english, chinese, other = (
        api.get("/", headers={**HTML, "Accept-Language": languages})
        for languages in ("en-GB,en;q=0.9,zh;q=0.8", "zh-TW,zh;q=0.9,en;q=0.8", "fr")
    )

    assert ["en", "zh-CN", "zh-CN"] == [
        re.match(r'<!doctype html>\s<html lang="([^"]+)"', page.text)[1] for page in (english, chinese, other)
    ]
    assert ("en", "zh-CN") == tuple(page.headers["content-language"] for page in (english, chinese))
    assert english.headers["vary"].startswith("Accept, Accept-Language")
    assert english.headers["etag"] != chinese.headers["etag"] == other.headers["etag"]


def test_the_policy_allows_our_own_files_and_images_that_are_made_here(loaded):
    """A preview is a blob, a small icon data; nothing is evaluated, what is in the page has its digest."""
    inside = {
        tag: re.findall(f"<{tag}>(.*?)</{tag}>", loaded["/"].text, re.DOTALL) for tag in ("script", "style")
    }
    digests = {
        tag: " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts)
        for tag, texts in inside.items()
    }
    policy = dict(
        rule.strip().split(" ", 1) for rule in loaded["/"].headers["content-security-policy"].split(";")
    )

    assert {
        "default-src": "'none'",
        "script-src": f"'self' {digests['script']}",
        "style-src": f"'self' {digests['style']}",
        "img-src": "'self' blob: data:",
        "connect-src": "'self'",
        "worker-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    } == policy


def test_its_logout_is_hidden_without_a_login(api):
    """The page's script shows a button for it where the form is not hidden."""
    assert 'action="/logout" hidden' in api.get("/").text


def test_a_file_has_the_type_that_browsers_demand(api, loaded):
    """They run no module of another type."""
    answers = {**loaded, "icon": api.get("/console/icon.svg")}
    answers["manifest"] = api.get("/console/manifest.webmanifest")
    types = {
        address: (answer.headers["content-type"], MEDIA_TYPES.get(str(answer.url).rpartition(".")[2]))
        for address, answer in answers.items()
        if address != "/"
    }

    assert {} == {address: both for address, both in types.items() if both[0] != both[1]}


def test_every_file_of_the_page_is_kept_for_good(loaded):
    """Its address has the digest of all, so an upgrade never mixes modules of two versions."""
    files = {address: answer for address, answer in loaded.items() if address != "/"}
    digests = {address.split("/")[2] for address in files}

    assert 1 == len(digests)
    assert re.fullmatch(r"[0-9a-f]{16}", digests.pop())
    assert {"private, max-age=31536000, immutable"} == {
        answer.headers["cache-control"] for answer in files.values()
    }
    assert "no-cache" == loaded["/"].headers["cache-control"]


def test_modules_of_another_version_are_gone(api, script):
    """A page that was open during an upgrade does not get the new ones among its own."""
    digest = script.split("/")[2]

    assert 404 == api.get(script.replace(digest, "0123456789abcdef")).status_code


def test_without_the_digest_files_are_revalidated_and_not_sent_again(api, script):
    """As the page itself is."""
    path = script.replace(script.split("/")[2] + "/", "")
    for address in ("/", path):
        first = api.get(address, headers=GZIP)
        again = api.get(address, headers={**GZIP, "If-None-Match": first.headers["etag"]})

        assert "no-cache" == first.headers["cache-control"]
        assert (304, b"", first.headers["etag"]) == (again.status_code, again.content, again.headers["etag"])
        assert not first.headers["etag"].startswith("W/")


def test_files_are_compressed_for_who_can_read_it(api, script):
    """A cache in between keeps both forms apart."""
    for address in ("/", script, "/docs/swagger-ui-bundle.js", "/openapi.json"):
        packed, plain = api.get(address, headers=GZIP), api.get(address, headers=PLAIN)

        assert ("gzip", None) == (
            packed.headers.get("content-encoding"),
            plain.headers.get("content-encoding"),
        )
        assert packed.content == plain.content
        assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
        assert packed.headers["etag"] != plain.headers["etag"]
        assert ["Accept-Encoding"] * 2 == [
            answer.headers["vary"].split(", ")[-1] for answer in (packed, plain)
        ]


@pytest.mark.parametrize("accepted", [GZIP, PLAIN])
def test_a_head_is_that_of_the_file(api, script, accepted):
    """In the form that is asked for, without its bytes."""
    for address in ("/", script, "/openapi.json"):
        head, whole = api.head(address, headers=accepted), api.get(address, headers=accepted)
        same = ("content-length", "content-type", "content-encoding", "etag", "cache-control", "vary")

        assert (200, b"") == (head.status_code, head.content)
        assert [whole.headers.get(name) for name in same] == [head.headers.get(name) for name in same]


@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "nothing.js",
        "vendor",
        "vendor/",
        "vendor/SHA256",
        "vendor/LICENSES",
        "",
        "..%2Fswagger-ui%2Fstart.js",
        "vendor/../../swagger-ui/start.js",
        "vendor/..%2F..%2Fswagger-ui%2Fstart.js",
        "vendor%2F..%2Fvendor%2Fhtm.js",
        "./vendor/./htm.js",
        "vendor%5Chtm.js",
        "%2Fetc%2Fpasswd",
        "vendor/htm.js%00",
        "%00.js",
        "VENDOR/HTM.JS",
    ],
)
def test_nothing_else_is_served(server, name):
    """Neither other folders nor files that are not part of the page, however the path is written."""
    host = server.url.removeprefix("http://")
    with contextlib.closing(HTTPConnection(host, timeout=20)) as connection:  # sends the path as it is
        connection.request("GET", f"/console/{name}")

        assert 404 == connection.getresponse().status


@pytest.mark.parametrize("path", STATES)
def test_each_state_of_the_console_has_an_address(api, path):
    """A browser gets the page whichever it opens, so links can be sent and pages reloaded."""
    answer = api.get(f"{path}?q=%E7%8C%AB", headers=NAVIGATION)
    modules = re.findall(r'"modulepreload" href="/console/\w+/pages/(\w+).js"', answer.text)

    assert (200, [STATES[path]]) == (answer.status_code, modules)
    assert re.findall(r"<script.*", api.get("/").text) == re.findall(r"<script.*", answer.text)
    assert 200 == api.head(path, headers=HTML).status_code


@pytest.mark.parametrize("path", [*STATES, *NOWHERE, "/api/v1/nowhere", "/v1/nowhere"])
def test_programs_get_json_for_what_is_no_address_of_the_api(api, path):
    """A mistyped address must not look like success."""
    for accepted in ("*/*", "application/json"):
        answer = api.get(path, headers={"Accept": accepted})

        assert (404, "application/json") == (answer.status_code, answer.headers["content-type"])


@pytest.mark.parametrize("path", NOWHERE)
@pytest.mark.parametrize(
    ("language", "tag", "words"),
    [("zh-CN,zh;q=0.9", "zh-CN", "没有这个页面"), ("en-GB,en;q=0.9", "en", "There is no such page")],
)
def test_people_get_a_page_for_what_is_no_address(api, path, language, tag, words):
    """In their language, with a way back; it loads nothing, since the console may be closed to them."""
    answer = api.get(path, headers={**NAVIGATION, "Accept-Language": language})

    assert (404, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert (tag, "no-store") == (answer.headers["content-language"], answer.headers["cache-control"])
    assert words in answer.text
    assert '<a class="button" href="/">' in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert [] == re.findall(r"<script|<img|stylesheet", answer.text)


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/v1/nowhere", "/api/v1/images/999999"])
def test_below_the_api_people_get_json_too(api, path):
    """Whoever opens such an address looks at the API."""
    answer = api.get(path, headers=NAVIGATION)

    assert (404, "application/json") == (answer.status_code, answer.headers["content-type"])


def test_with_a_token_the_page_is_behind_the_login(tmp_path):
    """A browser is redirected there, and back to the address that it asked for; a session has a logout."""
    server = LiveServer(tmp_path, {"server": {"auth_token": TOKEN}}).start()
    try:
        with server.client() as api:
            led = api.get("/", headers=NAVIGATION)
            deep = api.get("/p/7/edit", headers=NAVIGATION)
            files = ["/console/vendor/index.js", "/console/manifest.webmanifest", "/gallery", "/nowhere"]
            closed = {path: api.get(path).status_code for path in files}
            page = api.get("/", headers={"Authorization": f"Bearer {TOKEN}"})
            missing = api.get("/docs/nowhere", headers=NAVIGATION)
    finally:
        server.end()

    assert (303, "/login") == (led.status_code, led.headers["location"])
    assert (303, "/login?next=/p/7/edit") == (deep.status_code, deep.headers["location"])
    assert dict.fromkeys(files, 401) == closed
    assert 'action="/logout">' in page.text
    assert 404 == missing.status_code


def test_the_first_page_is_at_most_60_kilobytes(api, loaded):
    """On the wire, with all modules and styles that it loads; images and what is loaded later apart."""
    page = loaded["/"].text
    links = re.findall(r"""(?:src|href)="(/console/[^"]+\.(?:js|css))\"""", page)
    assert any(link.endswith(".css") for link in links)
    assert set(links) == {
        address for address in loaded if address.endswith((".js", ".css")) and address in links
    }
    sizes = {
        address: int(api.head(address, headers={**HTML, **GZIP}).headers["content-length"])
        for address in ("/", *links)
    }

    assert sum(sizes.values()) <= MAX_SHELL_BYTES, sizes


def test_a_visit_is_a_line_of_the_log_and_not_one_for_each_file(tmp_path):
    """A file that is not there has its line."""
    server = LiveServer(tmp_path, {}).start()
    try:
        with server.client(**HTML) as visitor:
            files = set(re.findall(r'"(/console/[^"]+)"', visitor.get("/").text))
            statuses = {visitor.get(path).status_code for path in files}
            visitor.get("/console/none.css")
        server.stop()  # a line follows its answer, so that a kill may be before it
    finally:
        server.end()
    paths = re.findall(r'"path":"([^"]*)"|path=(\S+)', server.log)

    assert len(files) > 5
    assert {200} == statuses
    assert ["/", "/console/none.css"] == ["".join(path) for path in paths]
