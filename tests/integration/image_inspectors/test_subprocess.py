"""The inspector that works in child processes."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from imagegen_adapters.images.inspector import SubprocessInspector
from imagegen_core.ports.tools import ImageRejected, InspectorUnavailable
from tests.contracts.image_files import ACCEPTED, SVG, encoded, gif_of, gradient, in_chunks

pytestmark = pytest.mark.anyio

IMAGE = ACCEPTED["RGB PNG"][0]


def running(pid):
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def peak_megabytes(pid):
    """Return the most memory that the process ever had at once."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.fixture
async def inspector():
    inspector = SubprocessInspector()
    yield inspector
    await inspector.aclose()


async def test_no_child_before_the_first_image(inspector):
    """Children are started when they are needed, and one is enough for one image after the other."""
    before = inspector.pids
    await inspector.inspect(in_chunks(IMAGE))
    first = inspector.pids
    await inspector.inspect(in_chunks(IMAGE))

    assert () == before
    assert (1, first) == (len(first), inspector.pids)


async def test_decodes_side_by_side(inspector):
    """Many images at once are decoded by no more children than allowed, and none is mixed up."""
    sizes = [(100 + n, 50) for n in range(12)]
    files = [encoded(Image.new("RGB", size), "PNG") for size in sizes]

    inspections = await asyncio.gather(*(inspector.inspect(in_chunks(f)) for f in files))

    assert sizes == [(s.width, s.height) for s in inspections]
    assert 2 == len(inspector.pids)


async def test_a_crowd_that_looks_leaves_a_child_to_the_running_tasks(inspector):
    """Thumbnails are made one at a time; a check in the midst of them waits for none."""
    started, resumed = asyncio.Event(), asyncio.Event()

    async def slow():
        started.set()
        await resumed.wait()
        yield IMAGE

    drawing = [asyncio.create_task(inspector.draw(slow(), 512)) for _ in range(50)]
    await started.wait()
    inspection = await inspector.inspect(in_chunks(IMAGE))
    resumed.set()
    thumbnails = await asyncio.gather(*drawing)

    assert (640, 1) == (inspection.width, len(set(thumbnails)))
    assert 2 >= len(inspector.pids)


async def test_a_look_that_goes_away_leaves_the_others_theirs(inspector):
    """In the queue, and while the child draws."""
    drawing = [asyncio.create_task(inspector.draw(in_chunks(IMAGE), 512)) for _ in range(5)]
    await asyncio.sleep(0)
    for gone in (0, 2):
        drawing[gone].cancel()
    thumbnails = await asyncio.gather(*drawing, return_exceptions=True)

    assert [True, False, True, False, False] == [isinstance(t, asyncio.CancelledError) for t in thumbnails]
    assert {b"WEBP"} == {thumbnails[number][8:12] for number in (1, 3, 4)}


async def test_a_killed_child_harms_nobody(inspector):
    """A child that is killed in the middle of an image is replaced, and the image decoded after all."""
    await inspector.inspect(in_chunks(IMAGE))
    (pid,) = inspector.pids

    async def interrupted():
        yield IMAGE[:100]
        os.kill(pid, signal.SIGKILL)
        yield IMAGE[100:]

    inspection = await inspector.inspect(interrupted())
    after = await inspector.inspect(in_chunks(IMAGE))

    assert (640, 640) == (inspection.width, after.width)
    assert pid not in inspector.pids


async def test_a_hanging_child_is_killed(inspector):
    """It says nothing about the image that it does not get done, and the next one gets a new child."""
    impatient = SubprocessInspector(patience_seconds=60)
    await impatient.inspect(in_chunks(IMAGE))
    (pid,) = impatient.pids
    os.kill(pid, signal.SIGSTOP)
    impatient._patience_seconds = 0.2

    with pytest.raises(InspectorUnavailable, match="too busy"):
        await impatient.inspect(in_chunks(IMAGE))
    impatient._patience_seconds = 60
    inspection = await impatient.inspect(in_chunks(IMAGE))
    await impatient.aclose()

    assert 640 == inspection.width
    assert not running(pid)


async def test_an_image_that_takes_too_much_work_is_rejected():
    """A small file whose 2,000 passes would take a minute: the kernel ends the child that tries."""
    red = encoded(Image.new("RGB", (3000, 3000), "red"), "JPEG", progressive=True)
    last_pass = red[red.rindex(b"\xff\xda") : -2]
    inspector = SubprocessInspector(cpu_seconds=0)

    with pytest.raises(ImageRejected, match="of work"):
        await inspector.inspect(in_chunks(red[:-2] + 2000 * last_pass + red[-2:]))
    await inspector.aclose()


@pytest.mark.parametrize(
    ("signal_number", "verdict", "message"),
    [
        (signal.SIGKILL, InspectorUnavailable, "from outside"),
        (signal.SIGTERM, InspectorUnavailable, "from outside"),
        (signal.SIGSEGV, ImageRejected, "crashes"),
        (signal.SIGABRT, ImageRejected, "crashes"),
    ],
)
async def test_two_deaths(monkeypatch, signal_number, verdict, message):
    """An image on which the decoder crashes twice is rejected; nothing is known of one that was killed."""
    inspector = SubprocessInspector()
    await inspector.inspect(in_chunks(IMAGE))

    async def deadly():
        yield IMAGE
        for pid in inspector.pids:
            os.kill(pid, signal_number)
        # The one that replaces it does not get to answer either.
        slot = inspector._slots[-1]
        start = slot.running_child

        async def dying():
            child = await start()
            with contextlib.suppress(ProcessLookupError):  # the first one may be gone by now
                os.kill(child.pid, signal_number)
            return child

        monkeypatch.setattr(slot, "running_child", dying)

    with pytest.raises(verdict, match=message):
        await inspector.inspect(deadly())
    await inspector.aclose()


async def test_cancelling_leaves_a_working_inspector(inspector):
    """A caller that goes away in the middle leaves no half answer for the next one."""
    started = asyncio.Event()

    async def waiting():
        yield IMAGE[:10]
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(inspector.inspect(waiting()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    inspection = await inspector.inspect(in_chunks(IMAGE))

    assert 640 == inspection.width


async def test_a_large_image(inspector):
    """An image of 40 megapixels is within the limits."""
    large = encoded(gradient("RGB", (8000, 5000)), "JPEG")

    inspection = await inspector.inspect(in_chunks(large))

    assert (8000, 5000) == (inspection.width, inspection.height)


@pytest.mark.thorough
async def test_an_avif_of_40_megapixels_takes_bounded_memory(inspector):
    """The worst that Pillow encodes: alpha in full colour; measured 515 MB, and 571 MB with noise all over.

    A file of noise only adds its own size, and takes ten seconds to make; so there is noise in a corner.
    """
    noise = Image.effect_noise((2000, 1250), 60)
    image = Image.new("RGBA", (8000, 5000))
    image.paste(Image.merge("RGBA", [noise, noise.rotate(180), noise, noise.rotate(180)]))
    content = encoded(image, "AVIF", quality=60, speed=10, subsampling="4:4:4")

    inspection = await inspector.inspect(in_chunks(content))

    (pid,) = inspector.pids
    assert (8000, 5000) == (inspection.width, inspection.height)
    assert 300 < peak_megabytes(pid) < 640


def test_an_avif_is_decoded_alone():
    """It may have many more pixels than its header says, which libavif scales."""
    with tempfile.TemporaryFile() as file:
        file.write(encoded(gradient("RGB", (64, 48)), "AVIF"))
        file.flush()
        numbers = (file.fileno(), 40_000_000, 10_000_000, 2**30, 20)
        command = [sys.executable, "-m", "imagegen_adapters.images.decoder", *map(str, numbers)]
        child = subprocess.run(
            command, input=b"AVIF\ngo on\n", capture_output=True, check=True, pass_fds=[file.fileno()]
        )

    statuses = [child.stdout.index(b'"%s"' % status) for status in (b"ready", b"large", b"ok")]
    assert sorted(statuses) == statuses


async def test_a_gif_of_300_frames_takes_little(inspector):
    """The later frames are not decoded, and the child grows no larger than by a single one."""
    content = gif_of(300, (320, 240))
    await inspector.inspect(in_chunks(gif_of(1, (320, 240))))
    (pid,) = inspector.pids
    before = peak_megabytes(pid)

    inspection = await inspector.inspect(in_chunks(content))

    assert ((320, 240), (pid,)) == ((inspection.width, inspection.height), inspector.pids)
    assert len(content) > 20_000_000
    assert peak_megabytes(pid) < before + 20


async def test_an_svg_around_a_large_image_is_read_in_time():
    """An attribute of megabytes takes time by its length, not by the square of it."""
    inspector = SubprocessInspector(cpu_seconds=5)
    large = b'<image href="data:image/png;base64,%s"/></svg>' % (b"A" * 16_000_000)

    inspection = await inspector.inspect(in_chunks(SVG[:-6] + large))
    await inspector.aclose()

    assert (64, 48) == (inspection.width, inspection.height)


async def test_an_svg_of_many_levels_takes_bounded_memory(inspector):
    """It is rejected like any image that takes too much; the next one is fine."""
    deep = SVG[:-6] + b"<g>" * 10_000_000

    with pytest.raises(ImageRejected):
        await inspector.inspect(in_chunks(deep))
    inspection = await inspector.inspect(in_chunks(SVG))

    assert (64, 48) == (inspection.width, inspection.height)


async def test_an_idle_child_ends():
    """A child without work ends, and another is started when there is some."""
    inspector = SubprocessInspector(idle_seconds=0)
    await inspector.inspect(in_chunks(IMAGE))
    (pid,) = inspector.pids

    await inspector._slots[-1]._idle
    inspection = await inspector.inspect(in_chunks(IMAGE))
    await inspector.aclose()

    assert not running(pid)
    assert 640 == inspection.width


async def test_closing_ends_the_children():
    """After closing no child is left, and nothing is inspected any more."""
    inspector = SubprocessInspector()
    await inspector.inspect(in_chunks(IMAGE))
    (pid,) = inspector.pids
    await inspector.aclose()

    assert () == inspector.pids
    assert not running(pid)
    with pytest.raises(InspectorUnavailable):
        await inspector.inspect(in_chunks(IMAGE))


async def test_a_child_has_no_secrets(inspector, monkeypatch):
    """The environment of a child holds none of the service's keys."""
    monkeypatch.setenv("IMAGEGEN_SERVER__AUTH_TOKEN", "open-sesame")
    await inspector.inspect(in_chunks(IMAGE))

    with open(f"/proc/{inspector.pids[0]}/environ", "rb") as file:  # noqa: PTH123, ASYNC230 - no disk is read
        assert b"open-sesame" not in file.read()
