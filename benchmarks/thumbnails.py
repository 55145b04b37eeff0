"""What the check of an image and its thumbnail cost: ``python benchmarks/thumbnails.py``.

Milliseconds of processor time in this process, the least of several runs, so that a busy machine changes
little. Each task pays for the check; the first look, or an idle machine, for check and thumbnail. Then the
encoding alone, as WebP and as a JPEG of Pillow's own quality. The limit of quality is a thumbnail made with
care: all pixels decoded, Lanczos, WebP as thorough as Pillow does it by default. The similarity (SSIM of the
brightness) is to that one before WebP.
"""

import io
import time
from functools import partial

from instant_upstream import photograph
from PIL import Image, ImageMath
from reports import Report, option_parser

from imagegen_adapters.images.decoder import decode, open_image
from imagegen_core.images import MediaType, ThumbnailSide

COLUMNS = {"work": "thumbnail", "processor_ms": "processor ms", "bytes": "bytes", "similarity": "SSIM"}
BLOCK_PIXELS = 8
MAX_PIXELS = 40_000_000
ALONE = {"WebP": {"kind": "WEBP", "quality": 80, "method": 0}, "JPEG": {"kind": "JPEG"}}
"""How one is encoded without transparency, and how it might be."""

SSIM_CONSTANTS = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""C1 and C2 of Wang et al., Image Quality Assessment, 2004."""


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args()
    report = Report("thumbnails", COLUMNS)
    for title, file in sources():
        exact = exact_thumbnail(file)
        _, seconds = least(options.runs, decoded, file)
        report.add(work=f"{title}, check", processor_ms=seconds * 1000)
        ways = {"": (our_thumbnail, file), ", with care": (careful_thumbnail, file)}
        if exact.mode == "RGB":
            ways |= {f", {kind} alone": (partial(encoded, **how), exact) for kind, how in ALONE.items()}
        for way, (make, source) in ways.items():
            thumbnail, seconds = least(options.runs, make, source)
            similarity = ssim(brightness(Image.open(io.BytesIO(thumbnail))), brightness(exact))
            report.add(
                work=title + way, processor_ms=seconds * 1000, bytes=len(thumbnail), similarity=similarity
            )
    report.publish(options.json)


def sources():
    """Yield titles and files: what providers send most, from one photograph."""
    large = photograph("photograph")
    yield "JPEG 1920×1440", large
    yield "JPEG 160×120", photograph("small")
    square = Image.open(io.BytesIO(large)).convert("RGB").crop((0, 0, 1440, 1440)).resize((1024, 1024))
    clear = square.copy()
    clear.putalpha(Image.linear_gradient("L").resize(square.size))
    yield "JPEG 1024×1024", encoded(square, "JPEG", quality=90)
    yield "progressive JPEG 1024×1024", encoded(square, "JPEG", quality=90, progressive=True)
    yield "PNG 1024×1024", encoded(square, "PNG")
    yield "PNG 1024×1024 with alpha", encoded(clear, "PNG")
    yield "WebP 1024×1024", encoded(square, "WEBP", quality=90)


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def decoded(file, *, side=0):
    with open_image(io.BytesIO(file), MediaType.sniff(file).name, max_pixels=MAX_PIXELS) as image:
        return decode(image, side=side)


def our_thumbnail(file):
    return decoded(file, side=ThumbnailSide.SMALL).thumbnail


def careful_thumbnail(file):
    return encoded(exact_thumbnail(file), "WEBP", quality=80)


def exact_thumbnail(file):
    """Return the pixels that a thumbnail has before it is compressed."""
    image = Image.open(io.BytesIO(file))
    image = image.convert("RGBA" if "A" in image.mode else "RGB")
    scale = min(1, ThumbnailSide.SMALL / max(image.size))
    return image.resize([round(side * scale) for side in image.size], Image.Resampling.LANCZOS)


def least(runs, make, file):
    """Return what ``make`` returns, and the seconds of its fastest run."""
    fastest, thumbnail = float("inf"), b""
    for _ in range(runs):
        started = time.process_time()
        thumbnail = make(file)
        fastest = min(fastest, time.process_time() - started)
    return thumbnail, fastest


def brightness(image):
    return image.convert("RGB").convert("L").convert("F")


def ssim(one, other):
    """Return how alike two images are, from 0 to 1: the mean over blocks."""
    means = [block_means(image) for image in (one, other)]
    squares = [block_means(product(image, image)) for image in (one, other)]
    small, large = SSIM_CONSTANTS
    total = 0.0
    for a, b, aa, bb, ab in zip(*means, *squares, block_means(product(one, other)), strict=True):
        alike = (2 * a * b + small) * (2 * (ab - a * b) + large)
        total += alike / ((a * a + b * b + small) * (aa - a * a + bb - b * b + large))
    return total / len(means[0])


def product(one, other):
    return ImageMath.lambda_eval(lambda images: images["a"] * images["b"], a=one, b=other)


def block_means(image):
    blocks = image.resize([max(1, side // BLOCK_PIXELS) for side in image.size], Image.Resampling.BOX)
    return memoryview(blocks.tobytes()).cast("f")


if __name__ == "__main__":
    main()
