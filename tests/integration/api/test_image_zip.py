"""API.md section 10: images as one zip file."""

import hashlib
import io
import socket
import zipfile
from urllib.parse import urlsplit

import pytest

from tests.integration.api.asking import ENGLISH, IMAGES, fields, make_image, row
from tests.integration.api.live_server import LiveServer

ZIP = f"{IMAGES}/zip"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def images(api):
    """Three images that no test deletes."""
    return [make_image(api, prompt) for prompt in ("一只猫", "../etc/passwd", "一只猫")]


def unzipped(response):
    """Return the files of a zip file by their names, but the table of prompts that each has."""
    assert (200, "application/zip") == (response.status_code, response.headers["content-type"])
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    assert b"prompt" in files.pop("prompts.csv")
    return files


def test_a_zip_has_the_stored_bytes(api, images):
    """Each image once, in the order of the ids, under the name of its download."""
    ids = [image["id"] for image in images]
    files = unzipped(api.post(ZIP, json={"ids": [*reversed(ids), ids[0]]}))

    expected = {f"一只猫-{ids[2]}.png": images[2], f"etc passwd-{ids[1]}.png": images[1]}
    expected[f"一只猫-{ids[0]}.png"] = images[0]
    assert {name: api.get(image["image_url"]).content for name, image in expected.items()} == files
    assert list(expected) == list(files)


def test_a_zip_is_a_harmless_download(api, images):
    """Under a name, without being kept or sniffed."""
    headers = api.post(ZIP, json={"ids": [images[0]["id"]]}).headers

    assert 'attachment; filename="images.zip"' == headers["content-disposition"]
    assert ("no-store", "nosniff") == (headers["cache-control"], headers["x-content-type-options"])
    assert "sandbox" in headers["content-security-policy"]


@pytest.mark.parametrize("form", ["ids={0}&ids={1}", "ids={0},{1}", "ids={0}%20{1}", "ids={0}%2C+{1}%2C"])
def test_a_form_says_the_same(api, images, form):
    """As the console posts it, so that the browser saves the file."""
    ids = [image["id"] for image in images[:2]]
    files = unzipped(api.post(ZIP, content=form.format(*ids), headers=FORM))

    assert files == unzipped(api.post(ZIP, json={"ids": ids}))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "ids"),
        ({"ids": []}, "ids"),
        ({"ids": list(range(1, 1002))}, "ids"),
        ({"ids": ["1"]}, "ids.0"),
        ({"ids": [1, 0]}, "ids.1"),
        ({"ids": [1, 2**63]}, "ids.1"),
        ({"ids": [1.5]}, "ids.0"),
        ({"ids": 1}, "ids"),
        ({"ids": [1], "name": "x"}, "name"),
        ([1], "body"),
    ],
)
def test_what_names_no_images_is_refused(api, body, field):
    """By its field."""
    assert [field] == fields(api.post(ZIP, json=body))


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ("ids=", ["ids"]),
        ("ids=a", ["ids.0"]),
        ("ids=1&x=2", ["x"]),
        ("x", ["ids"]),
        ("ids=1&" * 1001, ["ids"]),
        ("ids=" + "1," * 1001, ["ids"]),
        ("ids=%ff%00", ["ids.0"]),
    ],
)
def test_a_form_that_names_none_is_refused(api, form, named):
    """Likewise."""
    assert named == fields(api.post(ZIP, content=form, headers=FORM))


def test_a_page_of_another_site_gets_none(api, images):
    """Neither by a form, which needs no preflight, nor as plain text."""
    form = f"ids={images[0]['id']}"

    foreign = api.post(ZIP, content=form, headers={**FORM, "Origin": "http://other.example"})
    plain = api.post(ZIP, content=form, headers={"Content-Type": "text/plain"})
    assert (403, 40301, "forbidden_origin") == row(foreign)
    assert (415, 41500, "unsupported_media_type") == row(plain)


def test_what_is_missing_is_said_in_it(api, images):
    """In the language of the request; the others are there."""
    gone = make_image(api, "gone")
    api.delete(f"{IMAGES}/{gone['id']}")
    body = {"ids": [gone["id"], images[1]["id"]]}

    chinese, english = (unzipped(api.post(ZIP, json=body, headers=h)) for h in ({}, ENGLISH))
    assert [f"etc passwd-{images[1]['id']}.png", "MISSING.txt"] == list(chinese) == list(english)
    assert f"no image {gone['id']}" in english["MISSING.txt"].decode()
    assert "缺少" in chinese["MISSING.txt"].decode()


def test_without_any_image_it_is_not_found(api):
    """An error as any other."""
    assert (404, 40402, "image_not_found") == row(api.post(ZIP, json={"ids": [10**9, 10**9 + 1]}))


@pytest.fixture
def own(tmp_path):
    """A server whose files a test may change."""
    server = LiveServer(tmp_path).start()
    yield server
    server.end()


def test_a_lost_file_stops_no_other(own):
    """The bytes are nowhere; where that is so of all, there is no zip file."""
    with own.client(**ENGLISH) as api:
        lost, other = make_image(api, "lost"), make_image(api, "there")
        (file,) = (
            p for p in (own.data_dir / "images").rglob("*.png") if p.stat().st_size == lost["size_bytes"]
        )
        file.unlink()

        files = unzipped(api.post(ZIP, json={"ids": [lost["id"], other["id"]]}))
        alone = api.post(ZIP, json={"ids": [lost["id"]]})
    assert [f"there-{other['id']}.png", "MISSING.txt"] == list(files)
    assert "in no store" in files["MISSING.txt"].decode()
    assert (404, 40402, "image_not_found") == row(alone)


def _is_of(image, path):
    return hashlib.sha256(path.read_bytes()).hexdigest() == image["sha256"]


def _request(server, ids):
    """Open a connection and ask for a zip file; return the socket."""
    place = urlsplit(server.url)
    body = f"ids={','.join(map(str, ids))}".encode()
    head = f"POST {ZIP} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(body)}\r\n"
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((place.hostname, place.port))
    connection.sendall(f"{head}Content-Type: {FORM['Content-Type']}\r\n\r\n".encode() + body)
    return connection


def test_who_does_not_read_holds_nothing_up(own):
    """More than the buffers of a connection hold: others are served, and the service stops all the same."""
    with own.client() as api:
        ids = [make_image(api, f"large {n}", width=1024, height=1024)["id"] for n in range(10)]
        with _request(own, ids) as slow:
            assert slow.recv(12) == b"HTTP/1.1 200"
            assert len(unzipped(api.post(ZIP, json={"ids": ids}))) == len(ids)

            assert 0 == own.stop()
