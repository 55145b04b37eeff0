"""What a provider makes beside PNG, JPEG and WebP: kept and served, or refused and kept for a week."""

import base64
import io
import random
import zipfile

import pytest

from tests.contracts.image_files import gif_of
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.images import png, svg
from tests.fakes.in_thread import in_thread
from tests.fakes.own_upstream import DOCUMENT
from tests.integration.api.asking import ENGLISH, GENERATE, IMAGES, TASKS, WAIT, data, make_image, row
from tests.integration.api.live_server import LiveServer
from tests.integration.cli.outcomes import good

pytestmark = pytest.mark.one_python

TOKEN = "a-token-of-this-server-4711"
POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
BOMB = b'<!DOCTYPE svg [<!ENTITY a "%s"><!ENTITY b "%s">]><svg xmlns="http://www.w3.org/2000/svg">&b;</svg>'

FILES = {
    "png": png(),
    "svg": svg(),
    "gif": gif_of(300),
    "jxl": b"\xff\x0a" + bytes(500),
    "random": random.Random(3).randbytes(4000),
    "bomb": BOMB % (b"lol" * 100, b"&a;" * 100),
}


class Maker:
    """Answers with the files that the prompt names, by address or in base64."""

    def __call__(self, request):
        if request.method == "GET":
            return Reply(body=FILES[request.path.removeprefix("/")])
        names = request.json["words"].split()
        files = [{"url": f"/{name}", "data": base64.b64encode(FILES[name]).decode()} for name in names]
        return Reply.json({"made": files})


@pytest.fixture(scope="module")
def upstream():
    with in_thread(HttpServer(Maker())) as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory, upstream):
    """A server with the providers ``url`` and ``base64``, named by how their files come."""
    make = DOCUMENT["operations"]["make"]
    providers = {}
    for name, source in (("url", {"url": "url"}), ("base64", {"base64": "data"})):
        make = {**make, "response": {"images": [{"select": "made[]", **source}]}}
        spec = {**DOCUMENT, "operations": {"make": make}, "models": []}
        extra = {"spec": {**spec, "models": [{**DOCUMENT["models"][0], "limits": {"n_max": 10}}]}}
        providers[name] = {
            "kind": "http",
            "api_base": upstream.url,
            "api_key": "sk-of-the-own-provider",
            "extra_config": extra,
        }
    authority = upstream.url.removeprefix("http://")
    config = {
        "server": {"auth_token": TOKEN},
        "providers": providers,
        "security": {"allow_private_upstreams": [authority]},
    }
    server = LiveServer(tmp_path_factory.mktemp("formats"), config)
    yield server.start()
    server.end()


@pytest.fixture(scope="module")
def api(server):
    with server.client(Authorization=f"Bearer {TOKEN}") as client:
        yield client


def task_of(api, names, provider="url"):
    body = {"provider": provider, "params": {"prompt": names, "num": len(names.split())}}
    return data(api.post(GENERATE, json=body, headers={**WAIT, **ENGLISH}))


@pytest.mark.parametrize("provider", ["url", "base64"])
def test_an_svg_is_kept_as_it_came_and_can_do_nothing(api, provider):
    """By each address of its bytes: an attachment without scripts and without requests."""
    (image,) = task_of(api, "svg", provider)["images"]
    link = data(api.get(f"{IMAGES}/{image['id']}/link"))["url"]
    answers = [api.get(image["image_url"]), api.get(link, headers={"Authorization": ""})]

    assert ("image/svg+xml", None, 24, 16) == (
        *(image["mime_type"], image["thumbnail_url"]),
        *(image["width"], image["height"]),
    )
    for answer in (*answers, api.head(image["image_url"])):
        assert ("image/svg+xml", POLICY, "nosniff", "attachment") == (
            answer.headers["content-type"],
            answer.headers["content-security-policy"],
            answer.headers["x-content-type-options"],
            answer.headers["content-disposition"].partition(";")[0],
        )
    assert [svg()] * 2 == [answer.content for answer in answers]


def test_an_svg_is_zipped_and_has_no_thumbnail_and_is_no_input(api):
    """As it came; nothing is made from it."""
    (image,) = task_of(api, "svg")["images"]
    archive = api.post(f"{IMAGES}/zip", json={"ids": [image["id"]]}).content
    thumbnail = api.get(f"{IMAGES}/{image['id']}/thumbnail", headers=ENGLISH)
    body = {"provider": "demo", "prompt": "x", "reference_images": [f"image:{image['id']}"]}
    refused = api.post(f"{IMAGES}/generate-with-references", json=body, headers=ENGLISH)

    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        entry, _prompts = opened.infolist()
        assert (True, svg()) == (entry.filename.endswith(".svg"), opened.read(entry))
    assert (404, 40409, "thumbnail_not_found") == row(thumbnail)
    assert (400, 40005, "invalid_image") == row(refused)
    assert "is an SVG, which is no input image" in refused.json()["data"]["detail"]


@pytest.mark.parametrize("provider", ["url", "base64"])
def test_a_gif_is_kept_with_the_thumbnail_of_its_first_frame(api, provider):
    """Also one of 300 frames, byte by byte."""
    (image,) = task_of(api, "gif", provider)["images"]
    content, thumbnail = api.get(image["image_url"]), api.get(image["thumbnail_url"])

    assert ("image/gif", 64, 48) == (image["mime_type"], image["width"], image["height"])
    assert ("image/gif", FILES["gif"]) == (content.headers["content-type"], content.content)
    assert content.headers["content-disposition"].startswith("inline")
    assert (200, "image/webp") == (thumbnail.status_code, thumbnail.headers["content-type"])


@pytest.mark.parametrize("provider", ["url", "base64"])
@pytest.mark.parametrize("name", ["jxl", "random", "bomb"])
def test_what_cannot_be_read_is_kept_for_a_week(api, provider, name):
    """And the failure names it."""
    task = task_of(api, name, provider)

    assert ("failed", "invalid_image") == (task["status"], task["error"]["code"])
    assert "is kept until" in task["error"]["message"]
    assert FILES[name] == api.get(f"{TASKS}/{task['task_id']}/response").content


@pytest.mark.parametrize("provider", ["url", "base64"])
def test_one_of_several_that_cannot_be_read_costs_no_other(api, provider):
    """A warning of the task names it."""
    task = task_of(api, "png jxl svg gif", provider)
    warnings = [warning for warning in task["warnings"] if "imagegen tasks response" in warning]

    assert ["image/png", "image/svg+xml", "image/gif"] == [image["mime_type"] for image in task["images"]]
    assert ("completed", 1) == (task["status"], len(warnings))
    assert FILES["jxl"] == api.get(f"{TASKS}/{task['task_id']}/response").content


@pytest.mark.parametrize(("kind", "head"), [("gif", b"GIF8"), ("avif", b"\0\0\0 ftypavif")])
def test_gif_and_avif_of_callers_become_inputs(start_server, tmp_path, kind, head):
    """From a file by the command line, and by the number of an image; both ways they end as a PNG."""
    server = start_server()
    with server.client() as api:
        image = make_image(api, format=kind)
        (tmp_path / f"cat.{kind}").write_bytes(content := api.get(image["image_url"]).content)
        good(server.imagegen("upscale", "--image", f"cat.{kind}", "--provider", "demo"))
        good(server.imagegen("reference", "a cat", "--image", f"image:{image['id']}", "--provider", "demo"))
        images = data(api.get(IMAGES))["items"]
        inputs = [data(api.get(f"{TASKS}/{one['task_id']}"))["inputs"] for one in images[:2]]

    assert (f"image/{kind}", True) == (image["mime_type"], content.startswith(head))
    assert [f"image/{kind}"] * 2 == [each["mime_type"] for (each,) in inputs]
