"""Which requests are equal: those that say the same, however they are written."""

import base64
import json

import pytest

from imagegen_http.api.requests import decoded
from imagegen_http.guard.bodies import MIN_EXTRACTED_IMAGE_BYTES, BufferedBody, outline
from imagegen_http.openai.requests import ImageGeneration, read_edit, read_generation

BODY = '{"prompt": "猫", "n": 2, "seed": 7, "extra": {"a": 1, "b": [true, 0.5]}, "user": "eva"}'


def digest_of_generation(text):
    body = text.encode()
    return read_generation(decoded(body, ImageGeneration), body).digest


def digest_of_edit(text):
    body = BufferedBody(text.encode())
    body.outline = outline(body.text, max_depth=32, extract_images=True)
    return read_edit(body, "application/json").digest


def digest_of_form(*fields, boundary="b"):
    """The digest of a form with such parts: name, content, and for a file its name."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        + (f'; filename="{file[0]}"' if file else "")
        + f"\r\n\r\n{content}\r\n"
        for name, content, *file in fields
    ]
    body = BufferedBody("".join([*parts, f"--{boundary}--\r\n"]).encode())
    return read_edit(body, f"multipart/form-data; boundary={boundary}").digest


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(
            '{"n":2,"user":"eva","extra":{"b":[true,0.5],"a":1},"seed":7,"prompt":"猫"}', id="order"
        ),
        pytest.param(json.dumps(json.loads(BODY), indent=3), id="space and escapes"),
        pytest.param(BODY.replace("7", "70e-1").replace("0.5", "5e-1"), id="numbers"),
        pytest.param(BODY.replace('"n": 2', '"n": 1, "n": 2'), id="a member twice: the last one holds"),
        pytest.param(BODY.replace('"n"', '"size": null, "n"'), id="null"),
    ],
)
def test_what_is_written_in_another_way_is_equal(same):
    """Whoever repeats a request may have parsed it and written it again."""
    assert digest_of_generation(BODY) == digest_of_generation(same)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(BODY.replace("猫", "狗"), id="prompt"),
        pytest.param(BODY.replace("true", "1"), id="true and 1"),
        pytest.param(BODY.replace("[true, 0.5]", "[0.5, true]"), id="order of a list"),
        pytest.param(BODY.replace("7", '"7"'), id="a number and its text"),
        pytest.param(BODY.replace("7", "0.7"), id="number"),
        pytest.param(BODY.replace("eva", "ada"), id="a field that nothing reads"),
        pytest.param(BODY.replace('{"a": 1', '{"a": null'), id="null within a field"),
    ],
)
def test_what_says_something_else_is_another_request(other):
    """Also where we do not read it: two people may ask for the same."""
    assert digest_of_generation(BODY) != digest_of_generation(other)


def test_large_integers_are_compared_digit_by_digit():
    """A float would take two seeds for one."""
    one, other = (BODY.replace("7", str(2**63 + number)) for number in range(2))

    assert digest_of_generation(one) != digest_of_generation(other)


@pytest.mark.parametrize("size", [30, MIN_EXTRACTED_IMAGE_BYTES], ids=["parsed", "extracted"])
def test_an_edit_is_equal_by_its_images(size):
    """By their bytes, wherever they stand and whichever escapes they have."""
    one, other = (
        f"data:image/png;base64,{base64.b64encode(bytes([fill]) * size).decode()}" for fill in (1, 2)
    )
    digest = digest_of_edit(json.dumps({"prompt": "p", "images": [one, other]}))

    assert digest == digest_of_edit(
        json.dumps({"images": [{"image_url": one}, other], "prompt": "p"}).replace("/", "\\/")
    )
    assert digest != digest_of_edit(json.dumps({"prompt": "p", "images": [other, one]}))
    assert digest != digest_of_edit(json.dumps({"prompt": "p", "images": [one], "mask": other}))
    assert digest != digest_of_edit(json.dumps({"prompt": "p", "images": [one, "image:7"]}))


def test_a_form_is_equal_by_its_fields():
    """In any order and between any boundaries; those of one name stay in their order."""
    digest = digest_of_form(("prompt", "p"), ("image[]", "1", "a.png"), ("image[]", "2", "b.png"), ("n", "1"))

    assert digest == digest_of_form(
        ("n", "1"), ("image[]", "1", "a.png"), ("prompt", "p"), ("image[]", "2", "c.png"), boundary="c"
    )
    assert digest != digest_of_form(
        ("prompt", "p"), ("image[]", "2", "a.png"), ("image[]", "1", "b.png"), ("n", "1")
    )
    assert digest != digest_of_form(
        ("prompt", "p"), ("image[]", "1", "a.png"), ("image[]", "2", "b.png"), ("n", "2")
    )


@pytest.mark.parametrize(
    ("digest_of", "request_", "digest"),
    [
        (digest_of_generation, (BODY,), "e13aa1cb40e4aa8d9aa2704918160df945d3a4241d5c407277bbf544e79f3f8c"),
        (
            digest_of_edit,
            ('{"prompt": "a", "image": "image:7", "mask": "image:8"}',),
            "30c805d65c192171b262f3b8643099b93a456f146923eddd0957417b4137692e",
        ),
        (
            digest_of_form,
            (("prompt", "a"), ("image", "image:7")),
            "113f8464f5e41fa28b22fe6c4c87705a69aa1edb2c392ca98a87179f407233c5",
        ),
    ],
    ids=["generation", "edit", "form"],
)
def test_digests_are_those_of_earlier_versions(digest_of, request_, digest):
    """A request whose response was lost by an update is found again, and not paid for twice."""
    assert digest == digest_of(*request_)
