"""API.md section 3, the other five operations, with data URLs and stored images."""

import io
import struct
import zlib

import pytest
from PIL import Image

from imagegen_core.requests import Operation
from tests.fakes.images import png
from tests.integration.api.asking import (
    IMAGES,
    TASKS,
    WAIT,
    data,
    data_url,
    fields,
    make_image,
    row,
    task_of,
    total,
)

REFERENCE = "/api/v1/images/generate-with-references"
EDIT = "/api/v1/images/edit"
UPSCALE = "/api/v1/images/upscale"
RECONTEXT = "/api/v1/images/recontext"
SEGMENT = "/api/v1/images/segment"


def encoded(kind, size=(32, 24)):
    out = io.BytesIO()
    Image.new("RGB", size, (200, 40, 90)).save(out, kind)
    return out.getvalue()


def huge_png(width=10_000, height=10_000):
    """Return a PNG whose header claims 100 megapixels."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


IMAGE = data_url(png(1, (32, 24)))
SMALL = {"width": 64, "height": 48}

GOOD = {
    "reference": (
        REFERENCE,
        {"prompt": "like these", "reference_images": [IMAGE], "params": SMALL},
        (64, 48),
    ),
    "edit": (EDIT, {"prompt": "a hat", "image": IMAGE}, (32, 24)),
    "upscale": (UPSCALE, {"image": IMAGE}, (64, 48)),
    "recontext": (RECONTEXT, {"prompt": "on a beach", "image": IMAGE, "params": SMALL}, (64, 48)),
    "segment": (SEGMENT, {"image": IMAGE}, (32, 24)),
}


def test_every_operation_is_tried_here():
    """Generating has tests of its own."""
    assert {*Operation} == {"generate", *GOOD}


def run(api, path, body):
    return data(api.post(path, json={"provider": "demo", **body}, headers=WAIT))


@pytest.mark.parametrize("operation", GOOD)
def test_an_operation_runs_with_a_data_url(api, operation):
    """Accepted, run, its image stored."""
    path, body, size = GOOD[operation]
    task = run(api, path, body)
    image = task["images"][0]

    assert ("completed", operation, operation) == (task["status"], task["operation"], image["operation"])
    assert size == (image["width"], image["height"])
    assert body.get("prompt", "") == task["prompt"]


@pytest.mark.parametrize("operation", GOOD)
def test_an_operation_runs_with_a_stored_image(api, operation):
    """``image:<id>``; 202 with a Location like every task."""
    path, body, _ = GOOD[operation]
    stored = f"image:{make_image(api)['id']}"
    body = {**body, **({"image": stored} if "image" in body else {"reference_images": [stored, IMAGE]})}
    answer = api.post(path, json={"provider": "demo", **body})
    task = task_of(api, data(answer)["task_id"])

    assert (202, f"{TASKS}/{task['task_id']}") == (answer.status_code, answer.headers["location"])
    assert "completed" == run(api, path, body)["status"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("declared", ["image/png", "image/x-anything", "image/jpeg;charset=binary"])
def test_the_format_of_an_image_is_detected_from_its_bytes(api, kind, declared):
    """Not from the type of the data URL."""
    assert "completed" == run(api, UPSCALE, {"image": data_url(encoded(kind), declared)})["status"]


@pytest.mark.parametrize(("factor", "size"), [("x2", (64, 48)), ("x4", (128, 96))])
def test_upscaling_has_two_factors(api, factor, size):
    """Twice and four times."""
    image = run(api, UPSCALE, {"image": IMAGE, "upscale_factor": factor})["images"][0]

    assert size == (image["width"], image["height"])


def test_a_factor_in_params_counts_if_there_is_none_beside(api):
    """A default never overrides the caller."""
    image = run(api, UPSCALE, {"image": IMAGE, "params": {"upscale_factor": "x4"}})["images"][0]

    assert 128 == image["width"]


def test_a_factor_of_null_is_the_default(api):
    """As every null is, in any place."""
    body = {"image": IMAGE, "upscale_factor": None, "prompt": None, "params": {"upscale_factor": None}}
    task = run(api, UPSCALE, body)

    assert ({"upscale_factor": "x2"}, "") == (task["params"], task["prompt"])


def test_a_segmentation_needs_no_words(api):
    """Neither a prompt nor a mode; null is the same as leaving them out."""
    task = run(api, SEGMENT, {"image": IMAGE, "prompt": None, "mode": None})

    assert ("completed", "") == (task["status"], task["prompt"])


def test_a_parameter_in_two_places_must_be_the_same(api):
    """Beside ``params`` and in them."""
    body = {"provider": "demo", "prompt": "x", "reference_images": [IMAGE], "image_size": "1K"}
    differing = api.post(REFERENCE, json={**body, "params": {"image_size": "2K"}})

    assert ["image_size"] == fields(differing)
    assert "1K" == run(api, REFERENCE, {**body, "params": {"image_size": "1K"}})["params"]["image_size"]


@pytest.mark.parametrize("count", [1, 2, 14])
def test_one_to_fourteen_references_are_accepted(api, count):
    """Each of its own colour."""
    references = [data_url(png(i)) for i in range(count)]

    assert (
        "completed"
        == run(api, REFERENCE, {"prompt": "x", "reference_images": references, "params": SMALL})["status"]
    )


@pytest.mark.parametrize("count", [0, 15])
def test_no_reference_and_fifteen_are_refused(api, count):
    """40006 with the maximum."""
    body = {"provider": "demo", "prompt": "x", "reference_images": [IMAGE] * count}
    answer = api.post(REFERENCE, json=body)

    assert (400, 40006, "reference_count", 14) == (*row(answer), answer.json()["data"]["max"])


def test_a_mask_selects_what_is_repainted(api):
    """White is repainted, black stays."""
    mask = Image.new("L", (32, 24), 0)
    mask.paste(255, (0, 0, 16, 24))
    out = io.BytesIO()
    mask.save(out, "PNG")
    task = run(api, EDIT, {"prompt": "x", "image": IMAGE, "mask": data_url(out.getvalue())})
    with Image.open(io.BytesIO(api.get(task["image_url"]).content)) as result:
        pixel = result.convert("RGB").getpixel((30, 12))

    assert (40, 90, 128) == pixel


def test_edit_modes_are_accepted_beside_the_image(api):
    """There is a default."""
    task = run(api, EDIT, {"prompt": "x", "image": IMAGE, "edit_mode": "EDIT_MODE_OUTPAINT"})

    assert ("completed", "EDIT_MODE_OUTPAINT") == (task["status"], task["params"]["edit_mode"])


PNG = png(1, (32, 24))

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'/>"

NO_IMAGES = {
    "text": data_url(b"just some text"),
    "text that claims to be a PNG": data_url(b"\x89PNG\r\n\x1a\n just some text"),
    "truncated PNG": data_url(encoded("PNG")[:-20]),
    "truncated JPEG": data_url(encoded("JPEG", (200, 200))[:-300]),
    "truncated WebP": data_url(encoded("WEBP", (200, 200))[:-20]),
    "100 megapixels": data_url(huge_png()),
    "wide beyond all": data_url(huge_png(2**31 - 1, 1)),
    "GIF without its end": data_url(encoded("GIF")[:-1]),
    "half an AVIF": data_url(encoded("AVIF")[:-100]),
    "BMP": data_url(encoded("BMP")),
    "SVG": data_url(SVG, "image/svg+xml"),
    "SVG that claims to be a PNG": data_url(SVG),
    "nothing": "data:image/png;base64,",
    "no base64": "data:image/png;base64,%%%%",
    "plain base64": data_url(PNG).partition(",")[2],
    "another scheme": "http://127.0.0.1/cat.png",
    "a file": "file:///etc/passwd",
    "no image": data_url(PNG, "text/html"),
    "url-encoded": "data:image/png,%89PNG",
    "image:0": "image:0",
    "image:x": "image:x",
    "image:-1": "image:-1",
    "blanks": " ",
}


@pytest.mark.parametrize("text", NO_IMAGES.values(), ids=NO_IMAGES)
@pytest.mark.parametrize(
    ("path", "field"),
    [(UPSCALE, "image"), (EDIT, "mask"), (REFERENCE, "reference_images.1")],
    ids=["image", "mask", "reference"],
)
def test_an_invalid_image_is_40005_with_its_field(api, path, field, text):
    """And nothing is stored or queued."""
    before = total(api)
    body = {
        UPSCALE: {"image": text},
        EDIT: {"prompt": "x", "image": IMAGE, "mask": text},
        REFERENCE: {"prompt": "x", "reference_images": [IMAGE, text]},
    }[path]
    answer = api.post(path, json={"provider": "demo", **body})

    assert (400, 40005, "invalid_image", field) == (*row(answer), answer.json()["data"]["field"])
    assert before == total(api)


def test_a_mask_of_another_size_is_refused(api):
    """It has to match the image."""
    body = {"provider": "demo", "prompt": "x", "image": IMAGE, "mask": data_url(png(1, (24, 32)))}
    answer = api.post(EDIT, json=body)

    assert (400, 40005, "invalid_image", "mask") == (*row(answer), answer.json()["data"]["field"])


def test_a_deleted_input_image_is_40402(api):
    """And so is one that never existed."""
    answer = api.post(UPSCALE, json={"provider": "demo", "image": "image:999999999"})

    assert (404, 40402, "image_not_found") == row(answer)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (UPSCALE, {"image": IMAGE, "upscale_factor": "x3"}, "upscale_factor"),
        (UPSCALE, {"image": IMAGE, "upscale_factor": 2}, "upscale_factor"),
        (UPSCALE, {"image": IMAGE, "mask": IMAGE}, "mask"),
        (UPSCALE, {}, "image"),
        (UPSCALE, {"image": None}, "image"),
        (UPSCALE, {"image": 7}, "image"),
        (UPSCALE, {"image": ""}, "image"),
        (UPSCALE, {"image": [IMAGE]}, "image"),
        (EDIT, {"prompt": "x", "image": IMAGE, "edit_mode": "EDIT_MODE_MAGIC"}, "edit_mode"),
        (EDIT, {"image": IMAGE}, "prompt"),
        (EDIT, {"prompt": "", "image": IMAGE}, "prompt"),
        (EDIT, {"prompt": "x" * 32_001, "image": IMAGE}, "prompt"),
        (EDIT, {"prompt": "a\u0000", "image": IMAGE}, "prompt"),
        (REFERENCE, {"prompt": "x"}, "reference_images"),
        (REFERENCE, {"prompt": "x", "reference_images": IMAGE}, "reference_images"),
        (REFERENCE, {"prompt": "x", "reference_images": [7]}, "reference_images.0"),
        (REFERENCE, {"prompt": " ", "reference_images": [IMAGE]}, "prompt"),
        (REFERENCE, {"prompt": "x", "reference_images": [IMAGE], "image_size": "9K"}, "image_size"),
        (RECONTEXT, {"image": IMAGE}, "prompt"),
        (RECONTEXT, {"prompt": "x"}, "image"),
        (SEGMENT, {"prompt": "x"}, "image"),
        (SEGMENT, {"image": IMAGE, "mode": 7}, "mode"),
        (SEGMENT, {"image": IMAGE, "params": {"prompt": "x"}}, "params.prompt"),
        (SEGMENT, {"image": IMAGE, "params": {"num": 11}}, "params.num"),
        (SEGMENT, {"image": IMAGE, "colour": "red"}, "colour"),
    ],
    ids=range(25),
)
def test_a_wrong_field_of_an_operation_is_named(api, path, body, field):
    """40000, as everywhere, with its path in the body."""
    before = total(api)
    answer = api.post(path, json={"provider": "demo", **body})

    assert (400, 40000, "validation_failed") == row(answer)
    assert [field] == fields(answer)
    assert before == total(api)


def test_a_large_image_in_a_body_is_accepted(api):
    """Several megabytes, below the limit of 64."""
    noise = Image.frombytes("RGB", (1500, 1200), bytes(range(256)) * 21_093 + bytes(192)).resize((1500, 1200))
    out = io.BytesIO()
    noise.save(out, "PNG", compress_level=0)

    assert "completed" == run(api, SEGMENT, {"image": data_url(out.getvalue())})["status"]


def test_an_operation_is_in_the_list_with_the_others(api):
    """Filtered by its name."""
    run(api, SEGMENT, {"image": IMAGE})

    assert {"segment"} == {i["operation"] for i in data(api.get(f"{IMAGES}?operation=segment"))["items"]}
