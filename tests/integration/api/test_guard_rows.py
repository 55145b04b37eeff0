"""API.md sections 1 and 9: the rows of the checks before routing: 40101, 40301, 41300, 41500."""

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.fakes.images import png
from tests.integration.api.asking import (
    CONFIG,
    ENGLISH,
    GENERATE,
    IMAGES,
    TASKS,
    body_of,
    data,
    data_url,
    make_image,
    row,
    submit,
    total,
)
from tests.integration.api.live_server import LiveServer, imagegen

TOKEN = "an-auth-token-that-nobody-guesses"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A client without the token, of a server with one."""
    server = LiveServer(
        tmp_path_factory.mktemp("guarded"),
        {"server": {"auth_token": "env:TOKEN", "allowed_hosts": ["pictures.example"], "max_upload_mb": 2}},
        {"TOKEN": TOKEN},
    ).start()
    with server.client() as client:
        yield client
    server.end()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Cookie": f"session={TOKEN}"},
    ],
)
@pytest.mark.parametrize(
    "path", [TASKS, IMAGES, CONFIG, f"{IMAGES}/1/content", "/api/v1/providers", "/api/v1/no"]
)
def test_without_the_token_nothing_is_revealed(guarded, headers, path):
    """Not even which paths exist."""
    assert (401, 40101, "unauthorized") == row(guarded.get(path, headers=headers))


def test_40101_speaks_both_languages_and_asks_for_a_bearer(guarded):
    """With a hint, and HTTP's own header."""
    chinese, english = guarded.get(TASKS), guarded.get(TASKS, headers=ENGLISH)

    assert (False, True) == (chinese.json()["message"].isascii(), english.json()["message"].isascii())
    assert chinese.headers["www-authenticate"].startswith("Bearer")
    assert chinese.headers["x-request-id"] == chinese.json()["data"]["request_id"]
    assert english.json()["data"]["hint"]


def test_with_the_token_everything_works(guarded):
    """The scheme's case does not matter."""
    answers = [
        guarded.get(TASKS, headers={"Authorization": f"{scheme} {TOKEN}"}) for scheme in ("Bearer", "bearer")
    ]

    assert [200, 200] == [answer.status_code for answer in answers]
    assert 202 == submit(guarded, headers=BEARER).status_code


@pytest.mark.parametrize(
    "path", ["/health", "/health/live", "/health/ready", "/docs", "/openapi.json", "/login"]
)
def test_health_documentation_and_login_stay_open(guarded, path):
    """They contain no secret."""
    assert 200 == guarded.get(path).status_code


@pytest.mark.parametrize(
    "path", [f"/docs/..{TASKS}", f"/health/../{TASKS}", f"/{TASKS}", "/api/v1/tasks/", "/API/v1/tasks"]
)
def test_no_spelling_of_a_path_gets_around_the_token(guarded, path):
    """Refused or unknown, never served."""
    host = urlsplit(str(guarded.base_url))
    connection = http.client.HTTPConnection(host.hostname, host.port)
    connection.request("GET", path)

    assert connection.getresponse().status in (400, 401, 404)
    connection.close()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil"]
)
def test_a_foreign_host_is_40301(api, host):
    """A page that rebinds its DNS name to us has that name in Host."""
    answer = api.get(TASKS, headers={"Host": host})

    assert (403, 40301, "forbidden_origin") == row(answer)
    assert api.get(TASKS, headers={"Host": host, **ENGLISH}).json()["message"].isascii()


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1234", "127.0.0.1", "127.0.0.1:80", "[::1]:9", "LOCALHOST"]
)
def test_loopback_is_allowed_with_any_port(api, host):
    """Hosts are compared by name."""
    assert 200 == api.get(TASKS, headers={"Host": host}).status_code


def test_allowed_hosts_are_allowed(guarded):
    """With any port, too."""
    hosts = ("pictures.example", "PICTURES.example:8443")

    assert [200, 200] == [guarded.get(TASKS, headers={**BEARER, "Host": host}).status_code for host in hosts]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost:1"},
    ],
)
def test_a_change_from_another_site_is_40301(api, headers):
    """With any fetch metadata; nothing is stored."""
    before = total(api)
    answers = [
        api.post(GENERATE, json=body_of(), headers=headers),
        api.delete(f"{IMAGES}/1", headers=headers),
        api.patch(f"{CONFIG}/demo/toggle", json={"enabled": False}, headers=headers),
    ]

    assert [(403, 40301, "forbidden_origin")] * 3 == [row(answer) for answer in answers]
    assert before == total(api)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ({}, 200),
    ],
)
def test_a_cross_site_get_that_is_no_navigation_is_40301(api, headers, status):
    """A foreign page may link to us but not read our responses."""
    assert status == api.get(TASKS, headers=headers).status_code


def test_an_app_with_the_token_reads_answers_and_errors(guarded):
    """From any origin; what no page may read has no CORS headers."""
    page = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}
    preflight_headers = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    body = {"prompt": "a lighthouse", "size": "64x64"}
    images = "/v1/images/generations"
    preflight = guarded.options(images, headers={**page, **preflight_headers})
    answers = [
        guarded.post(images, json=body, headers=page | BEARER),
        guarded.post(images, json={}, headers=page | BEARER),
        guarded.get(f"{TASKS}/{'0' * 8}-0000-7000-8000-{'0' * 12}", headers=page | BEARER),
        guarded.post(images, json=body, headers=page | {"Authorization": "Bearer wrong"}),
        guarded.post(images, json=body, headers=page),
    ]
    readable = [answer.headers.get("access-control-allow-origin") for answer in (preflight, *answers)]

    assert [204, 200, 400, 404, 401, 403] == [answer.status_code for answer in (preflight, *answers)]
    assert ["null"] * 5 + [None] == readable
    assert "x-task-id" in answers[0].headers["access-control-expose-headers"].lower()
    assert "invalid_api_key" == answers[3].json()["error"]["code"]


def test_our_own_page_may_change_things(api, server):
    """The console's origin is ours."""
    answer = api.post(
        GENERATE, json=body_of(), headers={"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    )

    assert 202 == answer.status_code


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
        "json",
    ],
)
@pytest.mark.parametrize("path", [GENERATE, "/api/v1/images/edit", CONFIG])
def test_a_body_that_is_not_declared_as_json_is_41500(api, path, kind):
    """A page of another site could send those without a CORS preflight."""
    answer = api.post(
        path, content=json.dumps(body_of()).encode(), headers={"Content-Type": kind} if kind else {}
    )

    assert (415, 41500, "unsupported_media_type") == row(answer)


def test_41500_tells_what_is_taken(api):
    """Also where the type is right and the body is compressed."""
    gzipped = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    answers = [
        api.post(GENERATE, content=b"{}", headers=gzipped),
        api.post("/api/v1/images/zip", content=b"{}", headers=form),
    ]

    assert [["application/json"], ["application/json", "application/x-www-form-urlencoded"]] == [
        answer.json()["data"]["accepted"] for answer in answers
    ]


def test_41500_speaks_both_languages(api):
    """With a hint."""
    answers = [
        api.post(GENERATE, content=b"{}", headers={"Content-Type": "text/plain", **headers}).json()
        for headers in ({}, ENGLISH)
    ]

    assert [False, True] == [a["message"].isascii() for a in answers]
    assert answers[1]["data"]["hint"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_is_json_with_a_charset_too(api, kind):
    """Media types are case-insensitive."""
    answer = api.post(GENERATE, content=json.dumps(body_of()).encode(), headers={"Content-Type": kind})

    assert 202 == answer.status_code


def test_a_body_over_a_megabyte_is_41300(api):
    """1,048,576 bytes; with the limit, in both languages."""
    body = json.dumps(body_of("x" * MIB)).encode()
    headers = {"Content-Type": "application/json"}
    answer, english = (api.post(GENERATE, content=body, headers={**headers, **h}) for h in ({}, ENGLISH))

    assert (413, 41300, "body_too_large", MIB) == (*row(answer), answer.json()["data"]["max_bytes"])
    assert (False, True) == (answer.json()["message"].isascii(), english.json()["message"].isascii())


@pytest.mark.parametrize("extra", [0, 1])
def test_the_limit_is_exact(api, extra):
    """A body of exactly a megabyte is parsed (and this one refused as invalid)."""
    frame = b'{"params": {"prompt": ""}}'
    body = frame.replace(b'""', b'"' + b"x" * (MIB + extra - len(frame)) + b'"')
    answer = api.post(GENERATE, content=body, headers={"Content-Type": "application/json"})

    assert MIB + extra == len(body)
    assert [40000, 41300][extra] == answer.json()["code"]


def test_chunked_bodies_are_limited_alike(api):
    """Without a Content-Length."""
    pieces = (b"x" * 65536 for _ in range(40))
    answer = api.post(GENERATE, content=pieces, headers={"Content-Type": "application/json"})

    assert (413, 41300, MIB) == (*row(answer)[:2], answer.json()["data"]["max_bytes"])


def test_uploads_have_their_own_limit(guarded):
    """``server.max_upload_mb``, here 2."""
    urls = [data_url(png() + bytes(size)) for size in (MIB, 2 * MIB)]
    small, large = (
        guarded.post("/api/v1/images/upscale", json={"provider": "demo", "image": url}, headers=BEARER)
        for url in urls
    )

    assert small.status_code in (202, 400)
    assert (413, 41300, 2 * MIB) == (*row(large)[:2], large.json()["data"]["max_bytes"])


def test_json_that_is_nested_too_deep_is_40000(api):
    """However it is written."""
    body = b'{"params": {"prompt": "x", "seed": ' + b"[" * 1000 + b"]" * 1000 + b"}}"
    answer = api.post(GENERATE, content=body, headers={"Content-Type": "application/json"})

    assert (400, 40000) == row(answer)[:2]


def test_the_login_authorizes_images(guarded):
    """With the cookie only; the token is in no cookie."""
    image = image_of(guarded)
    page = guarded.get("/login")
    name = "token" if 'name="token"' in page.text else "password"
    origin = {"Origin": str(guarded.base_url).rstrip("/")}
    answer = guarded.post("/login", data={name: TOKEN}, headers=origin)
    cookie = answer.headers["set-cookie"]
    guarded.cookies.clear()
    value = cookie.partition(";")[0]

    assert TOKEN not in cookie
    assert ("httponly" in cookie.lower(), "samesite" in cookie.lower()) == (True, True)
    assert 200 == guarded.get(image["image_url"], headers={"Cookie": value}).status_code
    assert 401 == guarded.get(image["image_url"]).status_code


def image_of(guarded):
    guarded.headers.update(BEARER)
    image = make_image(guarded)
    del guarded.headers["Authorization"]
    return image


def test_another_address_needs_a_token(tmp_path):
    """One line that names the key; exit 2."""
    result = imagegen("serve", "--host", "0.0.0.0", "--port", "0", cwd=tmp_path)

    assert (2, 1) == (result.returncode, len(result.stderr.strip().splitlines()))
    assert "auth_token" in result.stderr


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n",
        b"POST /api/v1/tasks/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
    ids=range(7),
)
def test_invalid_http_is_refused_and_harms_nobody(api, server, head):
    """A 4xx or nothing; the service goes on."""
    host = urlsplit(server.url)
    with socket.create_connection((host.hostname, host.port), timeout=20) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        try:
            answer = connection.recv(65536)
        except ConnectionResetError:
            answer = b""

    assert answer == b"" or b" 4" in answer[:14]
    assert data(api.get(TASKS))["total"] >= 0
