"""The console is a page of our own files, closed without a token."""

import re

import pytest

from tests.integration.api.live_server import LiveServer

HTML = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
TOKEN = "a-token-that-is-long-enough-0001"


def files_of(text):
    return re.findall(r"""(?:src|href|from) ?=? ?"(?:/console/|\./)([^"]+)\"""", text)


def all_files(api):
    """Return the names of all files that the page loads, modules of modules too."""
    waiting, done = files_of(api.get("/").text), set()
    while waiting:
        name = waiting.pop()
        if name not in done:
            done.add(name)
            waiting += files_of(api.get(f"/console/{name}").text)
    return done


def test_the_page_is_whole_and_needs_no_other_host(api):
    """Scripts, styles and the icon all exist, and its policy allows nothing else."""
    page = api.get("/", headers=HTML)
    answers = {name: api.get(f"/console/{name}") for name in all_files(api)}

    assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
    assert {"main.js", "api.js", "gallery.js", "viewer.js", "console.css", "icon.svg"} <= set(answers)
    assert {200} == {answer.status_code for answer in answers.values()}
    assert [] == re.findall(r"https?://", page.text + page.headers["content-security-policy"])
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert [] == re.findall(r"<script(?![^>]* src=)|\son\w+=|style=", page.text)


def test_its_controls_have_accessible_names(api):
    """For screen readers and for scripts."""
    text = api.get("/").text

    assert [] == [name for name in ("提示词", "生成", "搜索", "删除") if name not in text]
    assert 'action="/logout" hidden' in text


def test_files_are_revalidated_and_not_sent_again(api):
    """After an update nobody runs the previous version's script."""
    first = api.get("/console/main.js")
    again = api.get("/console/main.js", headers={"If-None-Match": first.headers["etag"]})

    assert "no-cache" == first.headers["cache-control"]
    assert (304, b"") == (again.status_code, again.content)


@pytest.mark.parametrize(
    "name",
    ["index.html", "nothing.js", "..%2Fswagger-ui%2Fstart.js", "%2Fetc%2Fpasswd", "main.js%00", "%00.js"],
)
def test_nothing_else_is_served(api, name):
    """Neither other folders nor files that are not part of the page."""
    assert 404 == api.get(f"/console/{name}").status_code


def test_with_a_token_the_page_is_behind_the_login(tmp_path):
    """A browser is redirected there; with a session there is a logout."""
    server = LiveServer(tmp_path, {"server": {"auth_token": TOKEN}}).start()
    try:
        with server.client() as api:
            led = api.get("/", headers=HTML)
            script = api.get("/console/main.js")
            page = api.get("/", headers={"Authorization": f"Bearer {TOKEN}"})
    finally:
        server.end()

    assert (303, "/login") == (led.status_code, led.headers["location"])
    assert 401 == script.status_code
    assert 'action="/logout">' in page.text
