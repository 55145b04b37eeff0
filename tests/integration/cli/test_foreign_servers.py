"""A command that is given the address of something else says so, and gives away nothing."""

import asyncio
import json
import ssl

import pytest

from tests.fakes.certificate import write_certificate
from tests.fakes.loopback import Answer, Loopback
from tests.fakes.raw_server import RawServer, http_response
from tests.integration.api.live_server import imagegen
from tests.integration.cli.outcomes import failed, good

TOKEN = "a-token-for-one-server-4711"
IMAGE = {
    "id": 7,
    "created_at": "2030-01-01T00:00:00.000Z",
    "provider": "p",
    "width": 1,
    "height": 1,
    "prompt": "of later",
    "mime_type": "image/jxl",
    "image_url": "https://images.example.com/7",
    "of_a_later_version": {"a": 1},
}
PAGE = {"items": [IMAGE], "page": 1, "total": 1, "has_more": False, "next_cursor": None, "of_later": True}


def enveloped(data, **more):
    return {"code": 0, "message": "success", "data": data, **more}


def ask(url, *args, cwd, **environ):
    """Run a command with a token."""
    args = ("--server", url, *(args or ("images", "list")))
    return imagegen(*args, cwd=cwd, environ={"IMAGEGEN_TOKEN": TOKEN, **environ})


def tokens(server):
    return [request.headers.get("authorization") for request in server.requests]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(status=404, body=b"<html>Not Found</html>"), "answers 404, and not as imagegen does"),
        (Answer(body=b"<html>Welcome to nginx!</html>"), "answers 200, and not as imagegen does"),
        (Answer.json({"hello": "world"}), "answers 200, and not as imagegen does"),
        (Answer.json(["code", 0]), "answers 200, and not as imagegen does"),
        (Answer.json({"code": "0", "data": {}}), "answers 200, and not as imagegen does"),
        (Answer(status=502, body=b"<html>Bad Gateway</html>"), "a proxy answers 502"),
        (Answer(status=401, body=b"Unauthorized"), "answers 401"),
        (Answer(fault="drop"), "the connection broke off"),
        (Answer(body=b'{"code": 0, "data": null}', fault="cut"), "the connection broke off"),
        (
            Answer.json({"code": 40400, "message": "no such route", "data": {}}, 404),
            "no such route: is the path of the address right, and does that node serve the API?",
        ),
        (Answer.json({"code": 40000, "message": "a\x1b[2Jb", "data": {}}, 400), "imagegen: a [2Jb"),
    ],
)
def test_an_answer_that_is_of_no_use_is_told_in_one_line(answer, message, tmp_path):
    """Whoever gave it, and whatever it does to a terminal."""
    with Loopback(lambda _: answer) as server:
        line = failed(ask(server.url, cwd=tmp_path))

    assert message in line


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_told_and_not_followed(status, tmp_path):
    """So the token goes to nobody else."""
    with Loopback(lambda _: Answer.json(enveloped(PAGE))) as other:
        target = f"{other.url}/imagegen"

        def redirect(request):
            location = f"{target.replace('//', '//user:secret@')}{request.path}?secret=1"
            return Answer(status=status, headers={"Location": location})

        with Loopback(redirect) as server:
            line = failed(ask(server.url, cwd=tmp_path))

    assert ([], [f"Bearer {TOKEN}"]) == (other.requests, tokens(server))
    assert f"imagegen: {server.url}: redirects to {target}, which is not followed" in line
    assert "secret" not in line


def test_an_image_comes_from_the_same_server_whatever_its_address(tmp_path):
    """A record may name another origin, and a format or fields of a later version."""

    def answer(request):
        is_content = request.path == "/below/api/v1/images/7/content"
        return Answer(body=b"bytes") if is_content else Answer.json(enveloped(PAGE, later=1))

    with Loopback(answer) as server:
        good(ask(f"{server.url}/below/", "images", "export", "out", cwd=tmp_path))

    assert b"bytes" == (tmp_path / "out" / "7").read_bytes()
    assert IMAGE == json.loads((tmp_path / "out" / "7.json").read_text())
    assert ["/below/api/v1/images", "/below/api/v1/images/7/content"] == [r.path for r in server.requests]


def test_a_token_in_the_clear_is_warned_of(tmp_path):
    """It goes through the proxy of the environment, which reads it."""
    with Loopback(lambda _: Answer.json(enveloped(PAGE))) as proxy:
        done = ask("http://images.test:8080", cwd=tmp_path, HTTP_PROXY=proxy.url)
        without = imagegen(
            "--server",
            "http://images.test",
            "images",
            "list",
            cwd=tmp_path,
            environ={"HTTP_PROXY": proxy.url},
        )

    assert (0, "7\t2030-01-01T00:00:00.000Z\tp\t1x1\tof later\n") == (done.returncode, done.stdout)
    assert done.stderr.startswith("imagegen: http://images.test:8080 is not encrypted: ")
    assert (1, "") == (done.stderr.count("\n"), without.stderr)
    assert ["images.test:8080", "images.test"] == [request.headers["host"] for request in proxy.requests]


def test_what_stays_on_this_machine_goes_through_no_proxy(tmp_path):
    """Nor is it warned of."""
    with (
        Loopback(lambda _: Answer.json(enveloped(PAGE))) as proxy,
        Loopback(lambda _: Answer.json(enveloped(PAGE))) as server,
    ):
        good(ask(server.url, cwd=tmp_path, HTTP_PROXY=proxy.url, ALL_PROXY=proxy.url))

    assert ([], 1) == (proxy.requests, len(server.requests))


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "nonsense://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_told(proxy, tmp_path):
    """In one line."""
    assert "the proxy or the certificates" in failed(
        ask("https://images.test", cwd=tmp_path, ALL_PROXY=proxy)
    )


@pytest.mark.anyio
async def test_certificates_are_verified(tmp_path):
    """By those that SSL_CERT_FILE names, where a CA of one's own signed them."""
    certificate = tmp_path / "localhost.pem"
    write_certificate(certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    body = json.dumps(enveloped(PAGE)).encode()
    responses = {"/api/v1/images?page_size=20": http_response(body=body, Content_Type="application/json")}
    async with RawServer(responses, ssl=context) as server:
        url = f"https://localhost:{server.port}"
        untrusted = await asyncio.to_thread(ask, url, cwd=tmp_path)
        received = list(server.heads)
        trusted = await asyncio.to_thread(ask, url, cwd=tmp_path, SSL_CERT_FILE=str(certificate))
        other_name = await asyncio.to_thread(
            ask, f"https://127.0.0.1:{server.port}", cwd=tmp_path, SSL_CERT_FILE=str(certificate)
        )

    assert ("7\t2030", []) == (good(trusted)[:6], received)
    assert ["its certificate is not trusted"] * 2 == [
        failed(done).split(": ")[2].partition(" (")[0] for done in (untrusted, other_name)
    ]


def test_a_server_without_tls_is_told(tmp_path):
    """An http:// address, perhaps."""
    with Loopback(lambda _: Answer()) as server:
        line = failed(ask(server.url.replace("http", "https"), cwd=tmp_path))

    assert ("an http:// address, perhaps", []) == (line.rpartition(": ")[2], server.requests)
