"""``edit``, ``upscale``, ``reference``, ``recontext`` and ``segment``, beside a server and without one."""

import json

import pytest
from PIL import Image

from tests.fakes.images import png
from tests.integration.cli.outcomes import failed, good

PRICE = {"currency": "CNY", "rates": [{"amount": 0.1}]}
PRICED = {"providers": {"priced": {"kind": "demo", "extra_config": {"prices": {"demo": PRICE}}}}}
SMALL = ("--param", "width=64", "--param", "height=64")


@pytest.fixture
def place(other):
    """A directory with a few images, one of which the service keeps as ``image:1``."""
    (other.folder / "cat.png").write_bytes(png(1, (64, 64)))
    (other.folder / "mask.png").write_bytes(png(2, (64, 64)))
    (other.folder / "wide.png").write_bytes(png(3, (80, 64)))
    (other.folder / "cut.png").write_bytes(png(1, (64, 64))[:-30])
    (other.folder / "text.png").write_text("not an image")
    (other.folder / "empty.png").touch()
    with (other.folder / "huge.png").open("wb") as file:
        file.truncate(60 * 1024 * 1024)
    return other


@pytest.fixture(params=["with a server", "without a server"])
def service(request, place):
    """The same, where a server runs and where none does."""
    if request.param == "with a server":
        place.start()
    good(place.imagegen("generate", "一只可爱的猫", *SMALL))
    return place


def _size(path):
    with Image.open(path) as image:
        image.load()
        return image.size


def tasks_in(place):
    return json.loads(good(place.imagegen("tasks", "list", "--json")))


def test_each_operation_takes_files_and_kept_images(service):
    """Which of them it works on, the task says."""
    image, stored = ("--image", "cat.png"), ("--image", "image:1")
    results = [
        good(service.imagegen("edit", "加一顶帽子", *image, "--mask", "mask.png", "-o", "hat.png")),
        good(service.imagegen("upscale", *stored, "--factor", "x4", "-o", "large.png")),
        good(service.imagegen("reference", "两只猫", *image, *stored, *SMALL, "-o", "two.png")),
        good(service.imagegen("recontext", "海边", *image, "-o", "sea.png")),
        good(service.imagegen("segment", *image, "-o", "parts.png")),
    ]
    sizes = [_size(service.folder / f"{name}.png") for name in ("hat", "large", "two")]

    assert [
        f"{service.folder / name}\n" for name in ("hat.png", "large.png", "two.png", "sea.png", "parts.png")
    ] == (results)
    assert [(64, 64), (256, 256), (64, 64)] == sizes
    assert ["segment", "recontext", "reference", "upscale", "edit", "generate"] == [
        task["operation"] for task in tasks_in(service)
    ]


def test_an_image_comes_from_standard_input(service):
    """At the end of a pipe."""
    task = json.loads(good(service.imagegen("upscale", "--image", "-", "--json", stdin=png(5, (40, 30)))))

    assert [(80, 60)] == [(image["width"], image["height"]) for image in task["images"]]


@pytest.mark.parametrize(
    ("args", "english", "chinese"),
    [
        (
            ("--image", "gone.png"),
            "gone.png: No such file or directory",
            "gone.png：没有这个文件或目录",
        ),
        (
            ("--image", "text.png"),
            "text.png: it is not PNG, JPEG, WebP, GIF or AVIF",
            "text.png：不是 PNG、JPEG、WebP、GIF 或 AVIF",
        ),
        (("--image", "empty.png"), "empty.png: the file is empty", "empty.png：文件是空的"),
        (("--image", "huge.png"), "huge.png: it is larger than 50 MB", "huge.png：超过 50 MB"),
        (
            ("--image", "cat.png", "--mask", "wide.png"),
            "wide.png: the mask is 80x64, and cat.png is 64x64; they must be of one size",
            "wide.png：蒙版是 80x64，而 cat.png 是 64x64；两者须大小相同",
        ),
    ],
    ids=["missing", "no image", "empty", "60 MB", "a mask of another size"],
)
def test_a_bad_file_is_named_and_nothing_is_sent(place, args, english, chinese):
    """Not even a data directory is begun."""
    lines = [failed(place.imagegen("edit", "x", *args, "--lang", lang)) for lang in ("en", "zh")]

    assert [f"imagegen: {english}", f"imagegen: {chinese}"] == lines
    assert not place.data_dir.exists()


def test_too_many_references_are_refused_before_they_are_sent(place):
    """Fourteen are the most."""
    images = ["--image", "cat.png"] * 14 + ["--image", "mask.png"]

    assert "imagegen: mask.png: 15 reference images; there may be at most 14" == failed(
        place.imagegen("reference", "x", *images)
    )
    assert not place.data_dir.exists()


def test_an_image_that_only_decoding_shows_to_be_bad_is_named_too(service):
    """By its file, not by the field of the API; no task is made of it."""
    lines = [
        failed(service.imagegen("edit", "x", "--image", "cut.png")),
        failed(service.imagegen("reference", "x", "--image", "cat.png", "--image", "cut.png")),
    ]

    assert [True, True] == [line.endswith(": cut.png: it is a truncated PNG") for line in lines]
    assert ["generate"] == [task["operation"] for task in tasks_in(service)]


def test_only_one_image_can_be_standard_input(place):
    """It can be read once."""
    result = place.imagegen("edit", "x", "--image", "-", "--mask", "-")

    assert (2, True) == (result.returncode, "only one image can be standard input" in result.stderr)


@pytest.mark.parametrize("args", [("generate", "一座灯塔", *SMALL), ("upscale", "--image", "cat.png")])
def test_a_person_is_told_the_cost_before_it_is_spent(place, args):
    """A script is not, nor is anybody where there is nothing to pay."""
    place.configure(PRICED)
    terminal = place.on_terminal(*args, "-p", "priced", "-n", "2", "--lang", "zh")
    free = place.on_terminal(*args, "--lang", "zh")
    priced, unpriced = terminal.until("保存在"), free.until("保存在")

    assert ["预计费用：0.20 CNY"] == [line for line in priced.splitlines() if "费用" in line]
    assert "费用" not in unpriced
    assert "" == place.imagegen(*args, "-p", "priced").stderr
    assert [0, 0] == [terminal.end(), free.end()]


def test_what_the_encoding_lacks_is_escaped(service):
    """Instead of a traceback, where a locale's encoding has no Chinese."""
    terminal = service.on_terminal("images", "list", "--json", PYTHONIOENCODING="latin-1")
    shown = terminal.until("\n]")
    terminal.end()

    assert r'"prompt": "\u4e00\u53ea' in shown
    assert "一只可爱的猫" == json.loads(shown)[0]["prompt"]
