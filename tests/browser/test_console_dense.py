"""The console on a dense screen: more pixels where images are large; an ordinary one loads what it did."""

import pytest

from tests.browser.tab import PHONE, Look
from tests.integration.api.asking import make_image

DENSE = Look(density=2)
SHOWN = """
const images = [...document.images].filter((one) => one.currentSrc.includes("/api/v1/images/"));
return images.length >= arguments[0] && images.every((one) => one.complete && one.naturalWidth)
  && images.map((one) => one.currentSrc.split("/api/v1")[1]);
"""


def shown(tab, number):
    """Return where the images that are shown come from, once so many are."""
    return tab.until(lambda: tab.driver.execute_script(SHOWN, number))


@pytest.fixture(scope="module")
def shapes():
    """Wide, an animation, small, and one of few bytes that is no larger than its thumbnail."""
    square = {"width": 1024, "height": 1024}
    return [
        {"width": 1600, "height": 800},
        {**square, "format": "gif"},
        {"width": 512, "height": 512},
        square,
    ]


def gallery(tab, serve, shapes, size="large"):
    """Start a service whose gallery has tiles of such a size; return it, and its images."""
    server = serve()
    with server.client() as api:
        images = [make_image(api, f"image {at}", **shape) for at, shape in enumerate(shapes)]
    tab.open(f"{server.url}/settings")  # a page without images, which a browser would use again
    tab.driver.execute_script("localStorage['imagegen.gallery-size'] = JSON.stringify(arguments[0])", size)
    return server, images


LARGE = "thumbnail?size=1024"


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (Look(), ["thumbnail"] * 4),
        (Look(size=(2560, 1440)), ["thumbnail"] * 4),
        (DENSE, ["content", "thumbnail", LARGE, LARGE]),
        (Look(size=PHONE, has_touch=True, density=3), ["thumbnail", "thumbnail", "thumbnail", LARGE]),
    ],
    ids=["ordinary", "ordinary and large", "dense", "phone"],
)
def test_a_large_tile_has_the_pixels_of_the_screen(tab, serve, shapes, look, expected):
    """Where the image has them; a small file is shown itself."""
    server, images = gallery(tab, serve, shapes)
    tab.look(look)
    tab.open(f"{server.url}/gallery")
    sources = dict(source.removeprefix("/images/").split("/") for source in shown(tab, 4))

    assert images[3]["size_bytes"] < 256 * 1024
    assert expected == [sources[str(images[at]["id"])] for at in (3, 2, 1, 0)]


def test_a_small_tile_stays_as_it_is(tab, serve, shapes):
    """Its pixels are enough."""
    server, _ = gallery(tab, serve, shapes[1:], "small")
    tab.look(DENSE)
    tab.open(f"{server.url}/gallery")

    assert {"thumbnail"} == {source.rpartition("/")[2] for source in shown(tab, 3)}


def test_where_the_large_one_cannot_be_had_the_small_one_is_shown(tab, serve, shapes):
    """As while the image is damaged, or where it cannot be read now."""
    server, (image, *_) = gallery(tab, serve, shapes[:1])
    with server.client() as api:
        api.get(image["thumbnail_url"])
    (file,) = (server.data_dir / "images").rglob(f"{image['task_id']}*.png")
    file.write_bytes(file.read_bytes()[:1000])
    tab.allow(LARGE)
    tab.look(DENSE)
    with tab.recording() as exchanges:
        tab.open(f"{server.url}/gallery")
        tab.until(lambda: shown(tab, 1)[0].endswith("/thumbnail"))

    assert [500] == [one.status for one in exchanges if one.url.endswith(LARGE)]
