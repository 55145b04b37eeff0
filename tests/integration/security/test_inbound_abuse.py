"""Hostile clients of a running service get a 4xx, and all others are served as usual."""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.api.asking import GENERATE, TASKS, data, finished, until
from tests.integration.api.live_server import LiveServer

TOKEN = "a-token-of-some-length-0123456789"
ATTACKERS = 200
SILENCE_SECONDS = 2


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    """A service without a token, with one image."""
    server = LiveServer(tmp_path_factory.mktemp("open"), {}).start()
    with server.client() as api:
        finished(api)
    yield server
    server.end()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A service with a token."""
    server = LiveServer(tmp_path_factory.mktemp("guarded"), {"server": {"auth_token": TOKEN}}).start()
    yield server
    server.end()


def connect(server):
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=30)


def ask_raw(server, *parts):
    """Send bytes and return all that the server sends until it closes or stays silent."""
    response = b""
    with connect(server) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            while piece := connection.recv(65536):
                response += piece
                connection.settimeout(SILENCE_SECONDS)
        except (ConnectionError, TimeoutError):  # it may close the connection when it refuses a request
            pass
    return response


def statuses(response):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", response)]


def is_well(server):
    """Return whether another client is served: health, and an image."""
    with server.client(Authorization=f"Bearer {TOKEN}") as api:
        return api.get("/health").status_code == 200 and finished(api)["status"] == "completed"


def head(line, *lines, host="localhost"):
    return "\r\n".join([f"{line} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode("latin-1")


JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
SMUGGLED = head("GET /smuggled-through-a-gap")
POST = f"POST {GENERATE}"


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        head(POST, JSON, "Content-Length: 1000") + b'{"params":',
        head("POST /api/v1/images/edit", JSON, "Content-Length: 60000000") + b'{"image": "',
        head(POST, JSON, CHUNKED) + b"5\r\n{",
    ],
    ids=["nothing", "half-a-head", "half-a-body", "half-an-upload", "half-a-chunk"],
)
def test_two_hundred_that_never_finish_keep_nobody_out(open_server, half):
    """Others are still served meanwhile, images included."""
    with ExitStack() as stack:
        for _ in range(ATTACKERS):
            stack.enter_context(connect(open_server)).sendall(half)

        assert is_well(open_server)


NUMBERS = b"9" * 200_000
BOMBS = {
    "brackets": b"[" * 200_000,
    "objects": b'{"a":' * 100_000,
    "in-a-field": b'{"params": {"prompt": "x", "extra": ' + b"[" * 200_000,
    "closed": b'{"params": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a-long-number": b'{"params": {"prompt": "x", "seed": ' + NUMBERS + b"}}",
    "a-large-exponent": b'{"params": {"prompt": "x", "cfg_scale": 1e999999999}}',
    "many-keys": b'{"params": {"prompt": "x", ' + b",".join(b'"k%d": 1' % i for i in range(40_000)) + b"}}",
    "not-utf-8": b'{"params": {"prompt": "\xff\xfe"}}',
    "nothing-but-nul": b"\0" * 1000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_body_made_to_exhaust_the_parser_is_40000(open_server, bomb):
    """In any field and at any depth; no task is created."""
    with open_server.client() as api:
        before = data(api.get(TASKS))["total"]
        response = api.post(GENERATE, content=BOMBS[bomb], headers={"Content-Type": "application/json"})

        assert (400, 40000) == (response.status_code, response.json()["code"])
        assert before == data(api.get(TASKS))["total"]


EMPTY = "Content-Length: 0"
SHAPES = {
    "length-and-chunks": head(POST, JSON, "Content-Length: 4", CHUNKED) + b"0\r\n\r\n",
    "chunks-and-length": head(POST, JSON, CHUNKED, "Content-Length: 4") + b"0\r\n\r\n",
    "two-lengths": head(POST, JSON, EMPTY, f"Content-Length: {len(SMUGGLED)}"),
    "listed-lengths": head(POST, JSON, f"Content-Length: 0, {len(SMUGGLED)}"),
    "signed-length": head(POST, JSON, "Content-Length: +0"),
    "spaced-name": head(POST, JSON, f"Content-Length : {len(SMUGGLED)}"),
    "hidden-chunks": head(POST, JSON, EMPTY, "Transfer-Encoding: xchunked"),
    "identity-chunks": head(POST, JSON, "Transfer-Encoding: identity"),
    "twice-chunked": head(POST, JSON, "Transfer-Encoding: chunked, chunked"),
    "tabbed-chunks": head(POST, JSON, EMPTY, "Transfer-Encoding:\x0bchunked"),
    "folded-chunks": head(POST, JSON, EMPTY, "Transfer-Encoding:", " chunked"),
    "bare-cr": b"GET /health HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n",
    "nul-in-a-value": head("GET /health", "X: a\0b"),
    "bad-chunk-size": head(POST, JSON, CHUNKED) + b"0x0\r\n\r\n",
    "chunk-without-end": head(POST, JSON, CHUNKED) + b"1\r\n{GET",
    "http-0.9": b"GET /health\r\n\r\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_second_request_hides_in_a_first(open_server, shape):
    """Requests that two servers could parse differently are refused, and the connection is closed."""
    response = ask_raw(open_server, SHAPES[shape], SMUGGLED.replace(b"through-a-gap", shape.encode()))

    assert [True] == [400 <= status < 500 for status in statuses(response)], response
    assert f"/smuggled-{shape}" not in open_server.log


@pytest.mark.parametrize(
    "first",
    [b"GET /health HTTP/1.1\r\nHost: localhost\r\n evil.example\r\n", b"PRI * HTTP/2.0\r\n"],
    ids=["a-folded-host", "http-2"],
)
def test_a_head_in_another_manner_is_refused(open_server, first):
    """A folded Host header is refused, and so is HTTP/2."""
    response = ask_raw(open_server, first + b"Connection: close\r\n\r\n")

    assert [True] == [400 <= status < 500 for status in statuses(response)]


def test_requests_in_a_row_are_answered_in_a_row(open_server):
    """Also with bare line feeds, which RFC 9112 lets a server accept: they are unambiguous."""
    ask = head("GET /health/live")

    last = head("GET /health/live", "Connection: close")

    assert [200, 200, 200] == statuses(ask_raw(open_server, ask * 2 + last))
    assert [200] == statuses(ask_raw(open_server, last.replace(b"\r\n", b"\n")))


PATHS = """
http://localhost/api/v1/tasks http://evil.example/health/../api/v1/tasks //api/v1/tasks /api//v1/tasks
/%61pi/v1/tasks /api/v1/%74asks /api%2fv1%2ftasks /health/../api/v1/tasks /health/%2e%2e/api/v1/tasks
/health%2f..%2fapi/v1/tasks /health/..%2f../api/v1/tasks /login/../api/v1/tasks /docs/..%5c..%5capi/v1/tasks
/docs/../api/v1/tasks/ /./api/v1/tasks /api/v1/tasks/. /api/v1/tasks/ /api/v1/tasks%20 /api/v1/tasks%00
/api/v1/tasks;/health /api/v1/tasks%3f/health /api/v1/tasks?/health /api/v1/tasks%23/health
/health;/api/v1/tasks
/API/V1/TASKS /api/v1/tasks%0d%0aX:y /%c0%ae%c0%ae/api/v1/tasks /%ff/api/v1/tasks /api/v1/images?x=/health
/health/api/v1/tasks /openapi.json/../api/v1/images /logout/../api/v1/images /health\\..\\api\\v1\\tasks
* /api/v1/images/1/content /api/v1/images/1/content/../../../tasks /v1/models
""".split()  # noqa: SIM905 - a table of words


@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_of_a_path_gets_around_the_token(guarded, path):
    """No data of the API leaks, whatever a router, a proxy or a file system makes of the path."""
    response = ask_raw(guarded, head(f"GET {path}", "Connection: close"))

    assert len(statuses(response)) == 1
    assert statuses(response)[0] < 500
    assert b'"items"' not in response
    assert b'"code": 0' not in response.replace(b'"code":0', b'"code": 0')


INSIDE = """
/api/v1/images/1%2Fcontent /api/v1/images/..%2f..%2fmaster.key/content /api/v1/images/%2e%2e/content
/api/v1/images/1%00/content /api/v1/images/%2Fetc%2Fpasswd/content /api/v1/tasks/..%2f..%2fconfig.yaml
/api/v1/tasks/%ff%fe /api/v1/images/%e5 /docs/..%2f..%2fsettings.py /docs/%2e%2e%2fapp.py /docs/%00
/docs/....//app.py /api/v1/providers/config/..%2fmaster.key /api/v1/providers/config/%ff
/..%2f..%2fconfig.yaml
/api/v1/images/search?keyword=%ff%fe /api/v1/images/search?keyword=%00 /api/v1/images?provider=%ed%a0%80
/api/v1/images?from=%ff /api/v1/tasks?status=%00 /api/v1/tasks?cursor=%ff%ff /api/v1/images?page=%f0%9f /?%ff
/api/v1/images/search?keyword=\xff /\xff\xfe/\xe7\x8c /api/v1/images?page=1&page=2&page=x
""".split()  # noqa: SIM905 - a table of words


@pytest.mark.parametrize("path", INSIDE)
def test_odd_bytes_in_ids_and_queries_are_no_defect(open_server, path):
    """A 4xx at worst; never a file, a server path or a 5xx."""
    response = ask_raw(open_server, head(f"GET {path}", "Connection: close"))

    assert [True] == [status < 500 for status in statuses(response)], response
    assert str(open_server.data_dir).encode() not in response
    assert b"Traceback" not in response


@pytest.mark.parametrize(
    "line_and_headers",
    [
        ("GET /" + "a" * 20_000,),
        ("GET /" + "a" * 200_000,),
        ("GET /" + "a/" * 10_000,),
        ("GET /api/v1/images?" + "a=b&" * 5_000,),
        ("GET /api/v1/images/search?keyword=" + "%E7%8C%AB" * 2_000,),
        ("GET /health", *(f"X-{i}: y" for i in range(2_000))),
        ("GET /health", *(f"X-{i}: y" for i in range(20_000))),
        ("GET /health", "Cookie: " + "imagegen_session=x; " * 1_000),
        ("GET /health", "Accept-Language: " + "en;q=0.1," * 3_000),
        ("GET /api/v1/images/1/content", "Range: bytes=" + ",".join(f"{i}-{i}" for i in range(5_000))),
        ("GET /api/v1/images/1/content", "If-None-Match: " + ",".join(['"x"'] * 5_000)),
        ("GET /health", f"X-Request-Id: {'x' * 20_000}"),
    ],
    ids=range(12),
)
def test_long_heads_are_answered(open_server, line_and_headers):
    """Or refused; no long input is echoed."""
    response = ask_raw(open_server, head(*line_and_headers, "Connection: close"))

    assert {True} >= {status < 500 for status in statuses(response)}
    assert len(response) < 20_000
    assert httpx.get(f"{open_server.url}/health", trust_env=False).status_code == 200


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "BREW", "OPTIONS", "get", "A" * 1000])
@pytest.mark.parametrize("path", ["/", "/health", TASKS, GENERATE, "/login", "localhost:443"])
def test_methods_that_nobody_offers_are_refused(open_server, method, path):
    """With 405 or another 4xx; the input is not echoed, and no tunnel is opened."""
    response = ask_raw(open_server, head(f"{method} {path}", "X-Secret: mirror-me", "Connection: close"))
    allowed = {204} if method == "OPTIONS" else set()

    assert len(statuses(response)) == 1
    assert statuses(response)[0] in allowed or 400 <= statuses(response)[0] < 500
    assert b"mirror-me" not in response


def test_nobody_becomes_a_websocket(open_server):
    """The request is served as plain HTTP/1.1."""
    upgrade = (
        "Connection: Upgrade, close",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: eA==",
        "Sec-WebSocket-Version: 13",
    )
    responses = [
        ask_raw(open_server, head(f"GET {path}", *upgrade)) for path in ("/health", TASKS, "/nowhere")
    ]

    assert [[200], [200], [404]] == [statuses(response) for response in responses]


def test_head_answers_everywhere_without_a_body(open_server):
    """As GET without its body; a stream, whose response would have no end, is a 405."""
    with open_server.client() as api:
        paths = api.get("/openapi.json").json()["paths"]
        ids = {"{task_id}": data(api.get(TASKS))["items"][0]["task_id"], "{image_id}": "1"}
        for path in [*paths, "/docs", "/openapi.json", "/login", "/", "/nowhere"]:
            for name, value in {**ids, "{provider_name}": "demo"}.items():
                path = path.replace(name, value)  # noqa: PLW2901 - the same path, filled in
            response = ask_raw(open_server, head(f"HEAD {path}", "Connection: close"))

            status = 405 if path.endswith("/events") else api.get(path).status_code
            assert [status] == statuses(response), path
            assert b"" == response.partition(b"\r\n\r\n")[2], path


def test_guessing_at_the_login_is_slow_and_leaves_no_cookie(guarded):
    """Each wrong token is answered as one, and the right one gets in meanwhile."""

    def guess(number):
        form = {"password": f"{TOKEN}{number}", "next": "/"}
        with guarded.client() as api:
            return api.post("/login", data=form)

    with ThreadPoolExecutor(12) as pool, guarded.client() as api:
        guesses = [pool.submit(guess, number) for number in range(12)]
        entered = api.post("/login", data={"password": TOKEN, "next": "https://evil.example/"})
        responses = [pending.result() for pending in guesses]
    cookie = entered.headers["set-cookie"]

    assert {401} == {response.status_code for response in responses}
    assert not any("set-cookie" in response.headers for response in responses)
    assert (303, "/") == (entered.status_code, entered.headers["location"])
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert TOKEN not in cookie
    assert TOKEN not in guarded.log


def test_afterwards_everything_is_as_before(open_server, guarded):
    """None of this logged a defect; this test runs last."""
    errors = [
        line
        for server in (open_server, guarded)
        for line in server.log.splitlines()
        if json.loads(line)["level"] in ("error", "critical")
    ]

    assert [] == errors
    assert is_well(open_server)
    assert is_well(guarded)


def test_readers_of_lists_who_do_not_read_hold_little(start_server):
    """Some get the list, the others are refused; once they disconnect, there is room again."""
    server, whole = start_server(), f"{TASKS}?page_size=100"
    with server.client() as api, ExitStack() as readers:
        for _ in range(40):
            data(api.post(GENERATE, json={"params": {"prompt": "画" * 32_000, "size": "64x64"}}))
        opened = []
        for _ in range(16):
            reader = readers.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect((api.base_url.host, api.base_url.port))
            reader.sendall(f"GET {whole} HTTP/1.1\r\nHost: {api.base_url.netloc.decode()}\r\n\r\n".encode())
            opened.append(reader)
        responses = [reader.recv(12)[9:] for reader in opened]
        readers.close()
        again = until(lambda: api.get(whole), lambda response: response.status_code == 200)

    assert {b"200", b"503"} == set(responses)
    assert 40 == len(data(again)["items"])
