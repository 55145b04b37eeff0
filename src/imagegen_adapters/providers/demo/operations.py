"""What each operation does with the caller's images."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from imagegen_adapters.providers.common.images import MaskPolarity, convert_mask
from imagegen_adapters.providers.demo.drawing import draw
from imagegen_adapters.providers.demo.files import decode
from imagegen_adapters.providers.demo.work import MAX_SIDE_PIXELS, Work
from imagegen_core.operations import Operation


def perform(work: Work) -> Image.Image:
    """Return the image. It takes some tens of milliseconds: call it in a thread.

    Raises:
        OSError: one of the caller's images cannot be decoded.
        InvalidImage: the mask's size differs from the image's.
    """
    return _PERFORMERS[work.operation](work)


def _generate(work: Work) -> Image.Image:
    return draw(work.prompt, work.seed, work.size)


def _reference(work: Work) -> Image.Image:
    """Return the scene tinted with the colours of the references, from left to right."""
    tint = Image.new("RGB", (len(work.references), 2))
    for column, reference in enumerate(work.references):
        colours = decode(reference, side=64).convert("RGB").resize((1, 2), Image.Resampling.BOX)
        tint.paste(colours, (column, 0))
    light = tint.resize(work.size, Image.Resampling.BICUBIC)
    scene = draw(work.prompt, work.seed, work.size)
    return Image.blend(ImageChops.soft_light(scene, light), light, 0.25)


def _edit(work: Work) -> Image.Image:
    """Return the image with the scene where the mask is white, or blended over all of it without a mask."""
    image = decode(work.image).convert("RGB")
    mask = None
    if work.mask is not None:
        mask = decode(convert_mask(work.mask, polarity=MaskPolarity.WHITE_IS_EDIT, size=image.size)).convert(
            "L"
        )
    if max(image.size) > MAX_SIDE_PIXELS:
        image = ImageOps.contain(image, (MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))
    scene = draw(work.prompt, work.seed, image.size)
    if mask is None:
        return Image.blend(image, scene, 0.4)
    return Image.composite(scene, image, mask.resize(image.size))


def _upscale(work: Work) -> Image.Image:
    image = decode(work.image)
    if image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    size = image.width * work.upscale_factor, image.height * work.upscale_factor
    return image.resize(size, Image.Resampling.LANCZOS)


def _recontext(work: Work) -> Image.Image:
    """Return the image, with a shadow, in front of the scene."""
    scene = draw(work.prompt, work.seed, work.size)
    max_size = max(1, round(work.size[0] * 0.6)), max(1, round(work.size[1] * 0.6))
    subject = ImageOps.contain(decode(work.image, side=MAX_SIDE_PIXELS), max_size)
    shape = ImageChops.multiply(subject.getchannel("A"), _rounded(subject.size))
    x, y = (work.size[0] - subject.width) // 2, round((work.size[1] - subject.height) * 0.6)
    blur = max(1, min(work.size) // 40)
    shadow = Image.new("L", work.size)
    shadow.paste(shape, (x, y + blur))
    shadow = shadow.filter(ImageFilter.BoxBlur(blur)).point([round(v * 0.5) for v in range(256)])
    scene.paste((12, 12, 24), (0, 0), shadow)
    scene.paste(subject.convert("RGB"), (x, y), shape)
    return scene


def _rounded(size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), min(size) * 0.08, fill=255)
    return mask


def _segment(work: Work) -> Image.Image:
    """Return white where the image differs from its border, black elsewhere."""
    image = decode(work.image, side=MAX_SIDE_PIXELS).convert("RGB")
    border = Image.new("RGB", (2, 2))
    for x in (0, 1):
        for y in (0, 1):
            corner = x * (image.width - 1), y * (image.height - 1)
            border.paste(image.crop((*corner, corner[0] + 1, corner[1] + 1)), (x, y))
    ground = border.resize(image.size, Image.Resampling.BILINEAR)
    difference = ImageOps.autocontrast(ImageChops.difference(image, ground).convert("L"))
    smooth = difference.filter(ImageFilter.BoxBlur(max(1, min(image.size) // 100)))
    return smooth.point([255 * (v > 56) for v in range(256)])  # noqa: PLR2004 - a fifth of the contrast


_PERFORMERS: Mapping[Operation, Callable[[Work], Image.Image]] = MappingProxyType(
    {
        Operation.GENERATE: _generate,
        Operation.REFERENCE: _reference,
        Operation.EDIT: _edit,
        Operation.UPSCALE: _upscale,
        Operation.RECONTEXT: _recontext,
        Operation.SEGMENT: _segment,
    }
)
