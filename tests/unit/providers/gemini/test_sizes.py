"""Pixels to ratios and tiers."""

import pytest

from imagegen_adapters.providers.common.images import nearest_ratio
from imagegen_adapters.providers.gemini.requests import Framing, Traits, framing
from imagegen_core.errors import ValidationFailed
from imagegen_core.requests import ImageRequest, InputImage, Operation

RATIOS = ("1:1", "2:3", "3:2", "9:16", "16:9")
TRAITS = Traits(ratios=RATIOS, tiers=("1K", "2K", "4K"))


def frame(**params):
    return framing(ImageRequest(operation=Operation.GENERATE, params=params), TRAITS)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, (None, None, 0)),
        ({"size": "auto"}, (None, None, 0)),
        ({"aspect_ratio": "16:9"}, ("16:9", None, 0)),
        ({"image_size": "2K"}, (None, "2K", 0)),
        ({"size": "4K"}, (None, "4K", 0)),
        ({"width": 1024, "height": 1024}, ("1:1", "1K", 0)),
        ({"size": "2048x2048"}, ("1:1", "2K", 0)),
        ({"width": 1000, "height": 1000}, ("1:1", "1K", 1)),
        ({"size": "1025x1025"}, ("1:1", "2K", 1)),
        ({"size": "9000x6000"}, ("3:2", "4K", 1)),
        ({"width": 1080, "height": 1920}, ("9:16", "2K", 1)),
        ({"width": 1080, "height": 1920, "aspect_ratio": "1:1", "image_size": "1K"}, ("1:1", "1K", 1)),
        ({"width": 800}, (None, "1K", 1)),
    ],
)
def test_what_is_asked_for(params, expected):
    """Explicit values win, pixels select the nearest, with a warning unless they match exactly."""
    result = frame(**params)

    assert expected == (result.aspect_ratio, result.image_size, int(result.warning is not None))


def test_a_size_of_another_kind_is_refused():
    """The error lists the accepted values."""
    with pytest.raises(
        ValidationFailed, match=r"params\.size: must be WIDTHxHEIGHT or one of 1K, 2K, 4K, auto"
    ):
        frame(size="large")


def test_a_model_without_tiers_draws_at_its_own_size():
    """Only the ratio is requested."""
    request = ImageRequest(operation=Operation.GENERATE, params={"size": "512x512"})

    result = framing(request, Traits(ratios=RATIOS, tiers=()))

    assert ("1:1", None, 1) == (result.aspect_ratio, result.image_size, int(result.warning is not None))


def test_ratios_are_compared_as_factors():
    """2:1 is nearer to 16:9 than to 3:2, and 1:2 to 9:16."""
    assert ("16:9", "9:16") == (nearest_ratio(2000, 1000, RATIOS), nearest_ratio(1000, 2000, RATIOS))


def test_tiers_are_ordered_by_pixels():
    """512 is below 1K."""
    traits = Traits(tiers=("4K", "1K", "512"))
    sizes = [
        framing(ImageRequest(operation=Operation.GENERATE, params={"width": width}), traits).image_size
        for width in (100, 513, 9999)
    ]

    assert ["512", "1K", "4K"] == sizes


def test_upscaling_stops_at_the_largest_tier():
    """With a warning."""

    def upscaled(side, factor):
        image = InputImage(key="p", mime_type="image/png", width=side, height=side, size_bytes=1, sha256="")
        params = {"upscale_factor": factor}
        return framing(ImageRequest(operation=Operation.UPSCALE, image=image, params=params), TRAITS)

    assert Framing("1:1", "2K") == upscaled(1024, "x2")
    assert "4K is the model's largest" in str(upscaled(4000, "x4").warning)
