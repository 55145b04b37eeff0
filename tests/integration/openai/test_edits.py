"""API.md section 6: images from images, as multipart and as JSON."""

import io
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from tests.fakes.images import png
from tests.integration.api.asking import data_url, task_of
from tests.integration.openai.conftest import decoded

EDITS = "/v1/images/edits"


def task_made_by(api, response):
    return task_of(api, response.headers["x-task-id"])


def files(*named, kind="image/png"):
    return [(name, (f"{index}.png", content, kind)) for index, (name, content) in enumerate(named)]


def test_one_image_is_edited(client, api, image):
    """And the result has its size."""
    raw = client.images.with_raw_response.edit(image=image, prompt="with a hat", n=2)

    assert "edit" == task_made_by(api, raw)["operation"]
    assert (2, "64x64") == (len(decoded(raw.parse())), raw.parse().size)
    assert 2 == task_made_by(api, raw)["params"]["num"]


def test_a_mask_goes_along(client, api, image):
    """White is repainted."""
    raw = client.images.with_raw_response.edit(
        image=("a.png", image, "image/png"), mask=("m.png", png(3, (64, 64)), "image/png"), prompt="a hat"
    )

    assert "edit" == task_made_by(api, raw)["operation"]


def test_several_images_are_references(client, api, image):
    """The client repeats ``image[]``."""
    raw = client.images.with_raw_response.edit(
        image=[image, png(2), png(3)], prompt="all together", size="64x64", extra_body={"seed": 7}
    )

    assert "reference" == task_made_by(api, raw)["operation"]
    assert {"size": "64x64", "seed": 7} == task_made_by(api, raw)["params"]


@pytest.mark.parametrize("name", ["image", "image[]", "images[]", "images"])
def test_every_spelling_of_the_field_is_accepted(api, image, name):
    """Once or repeated."""
    form = {"prompt": "together", "response_format": "url"}
    one = api.post(EDITS, data=form, files=files((name, image)))
    two = api.post(EDITS, data=form, files=files((name, image), (name, png(2))))

    assert ["edit", "reference"] == [task_made_by(api, answer)["operation"] for answer in (one, two)]


def test_a_json_body_has_data_urls_and_stored_images(api, image):
    """As in the API's own bodies."""
    first = api.post(
        EDITS,
        json={"prompt": "a", "images": [{"image_url": data_url(image)}], "response_format": "url"},
    )
    image_id = first.json()["data"][0]["url"].split("/")[-2]
    again = api.post(
        EDITS,
        json={
            "prompt": "b",
            "images": [{"image_url": f"image:{image_id}"}],
            "mask": {"image_url": data_url(png(3, (64, 64)))},
        },
    )
    plain = api.post(EDITS, json={"prompt": "c", "image": [f"image:{image_id}", data_url(png(2))]})

    assert [200, 200, 200] == [answer.status_code for answer in (first, again, plain)]
    assert ["edit", "edit", "reference"] == [
        task_made_by(api, answer)["operation"] for answer in (first, again, plain)
    ]


def test_a_stream_has_its_own_event(client, image):
    """Named after edits."""
    (event,) = client.images.edit(image=image, prompt="with a hat", stream=True)

    assert ("image_edit.completed", "64x64") == (event.type, event.size)


@pytest.mark.parametrize(
    ("form", "named", "param"),
    [
        ({"prompt": "a"}, [], "image"),
        ({}, ["image"], "prompt"),
        ({"prompt": "a"}, ["image", "image", "mask"], "mask"),
        ({"prompt": "a", "n": "many"}, ["image"], "n"),
        ({"prompt": "a", "n": "11"}, ["image"], "n"),
        ({"prompt": "a", "response_format": "gif"}, ["image"], "response_format"),
        ({"prompt": "a", "seed": "soon"}, ["image"], "seed"),
    ],
)
def test_the_field_of_a_bad_form_is_named(api, image, form, named, param):
    """400, with the problem."""
    answer = api.post(EDITS, data=form, files=files(*((name, image) for name in named)) or {"x": b""})
    error = answer.json()["error"]

    assert (400, "invalid_request_error", param) == (answer.status_code, error["type"], error["param"])


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": "a"}, "image"),
        ({"prompt": "a", "images": [{"image_url": "https://example.com/a.png"}]}, "image"),
        ({"prompt": "a", "images": [{"file_id": "file-1"}]}, "image"),
        ({"prompt": "a", "images": [{"image_url": "image:999999"}]}, None),
        ({"prompt": "a", "image": "data:image/png;base64,AAAA"}, "image"),
        ({"prompt": 1, "image": "image:1"}, "prompt"),
        ([], None),
    ],
)
def test_the_field_of_a_bad_json_body_is_named(api, body, param):
    """400, except for a stored image that does not exist."""
    answer = api.post(EDITS, json=body)
    error = answer.json()["error"]

    expected = (404, "image_not_found") if "image:999999" in str(body) else (400, error["code"])
    assert (*expected, param) == (answer.status_code, error["code"], error["param"])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"--b\r\n", "multipart/form-data; boundary=b"),
        (b"nothing", "multipart/form-data; boundary=b"),
        (b"--b--\r\n", "multipart/form-data"),
        (b"{", "application/json"),
        (b"\xff", "application/json"),
        (
            b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n\xff\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * 101 + b"--b--",
            "multipart/form-data; boundary=b",
        ),
    ],
    ids=["cut", "no-form", "no-boundary", "cut-json", "no-text", "no-utf8", "many-parts"],
)
def test_a_malformed_body_is_400(api, content, kind):
    """In OpenAI's format."""
    answer = api.post(EDITS, content=content, headers={"Content-Type": kind})

    assert (400, "invalid_request_error") == (answer.status_code, answer.json()["error"]["type"])


def noise(side):
    """Return an incompressible PNG."""
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)).save(out, "PNG")
    return out.getvalue()


def test_an_edit_that_waits_holds_no_room_for_bodies(start_server):
    """Its image is spooled by then: six uploads wait although only two fit in memory at once."""
    server = start_server({"server": {"max_upload_mb": 2}})
    large = noise(700)
    form = {"prompt": "a hat", "delay_seconds": "4", "response_format": "url"}
    with server.client() as api, ThreadPoolExecutor(6) as pool:

        def edit(_):
            while (answer := api.post(EDITS, data=form, files=files(("image", large)))).status_code == 503:
                pass
            return answer

        answers = list(pool.map(edit, range(6)))
        tasks = [task_made_by(api, answer) for answer in answers]

        assert [200] * 6 == [answer.status_code for answer in answers]
        assert max(t["started_at"] for t in tasks) < min(t["completed_at"] for t in tasks)
