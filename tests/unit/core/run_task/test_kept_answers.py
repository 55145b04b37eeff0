"""What was paid for and cannot be used is kept for a week, and named in the failure."""

import io
from functools import partial
from random import Random

import attrs
import pytest
from PIL import Image as Pillow

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, TaskStatus
from imagegen_core.attempt import MAX_INLINE_RESPONSE_BYTES, Phase
from imagegen_core.errors import CallError, ResponseNotKept, TaskNotFound
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.ports.provider import GeneratedImage, ProviderResult
from imagegen_core.running.exchange import RETENTION_SECONDS
from imagegen_core.services.upkeep import Stores
from tests.contracts.clock import ManualClock
from tests.unit.core.run_task.test_full_stores import FullStore
from tests.unit.core.scripted_imagegen import crash_in, imagegen_over, outcome, refused, run_until_it_ended
from tests.unit.core.scripted_provider import ScriptedProvider, SpoolingProvider, png

pytestmark = pytest.mark.anyio

KEY = "sk-0123456789abcdef"


def encoded(kind, size=(8, 8)):
    file = io.BytesIO()
    Pillow.new("L", size).save(file, kind)
    return file.getvalue()


BMP = encoded("BMP")


def unusable(image):
    provider = ScriptedProvider()
    provider.images = [image]
    return provider


async def kept_files(imagegen, task_id):
    """Return the bytes of all files that were kept."""
    files = []
    while True:
        try:
            opened = await imagegen.tasks.open_response(task_id=task_id, index=len(files))
        except ResponseNotKept:
            return files
        files.append(b"".join([chunk async for chunk in opened.read(0, opened.size_bytes)]))


@pytest.mark.parametrize(
    "image",
    [
        BMP,
        encoded("TIFF"),
        b"\xff\x0a" + bytes(200),
        Random(1).randbytes(3000),
        b'<svg xmlns="http://www.w3.org/2000/svg">',
        b'<!DOCTYPE svg [<!ENTITY a "aaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        b"\0\0\0 ftypavif",
        encoded("GIF")[:-1],
        png()[:60],
        encoded("PNG", (8001, 5000)),
    ],
    ids=[
        "bmp",
        "tiff",
        "jpeg xl",
        "random",
        "half an svg",
        "entities",
        "avif",
        "cut gif",
        "cut",
        "too many pixels",
    ],
)
async def test_an_image_that_cannot_be_stored_is_kept(image):
    """As it came, and its failure says how to get it and until when; the same request is no use."""
    clock = ManualClock()
    provider = unusable(image)
    imagegen = imagegen_over(
        provider, adapters=memory_adapters(providers={"scripted": provider}, clock=clock)
    )
    until = f"{clock.now():%H:%M} UTC: imagegen tasks response"

    task = await outcome(imagegen)

    assert (FailureCode.INVALID_IMAGE, False) == (task.failure.code, task.failure.retryable)
    assert f"{until} {task.task_id}" in task.failure.message
    assert [image] == await kept_files(imagegen, task.task_id)
    assert [] == [key async for key in imagegen.parts.blobs.keys("")]


@pytest.mark.parametrize("is_refused", [False, True], ids=["counted here", "refused by its source"])
async def test_an_image_that_is_too_large_is_kept_as_far_as_it_came(is_refused):
    """Whoever notices that it is."""
    piece = b"x" * 1024 * 1024

    async def chunks():
        yield png()[:8]
        for _ in range(MAX_IMAGE_BYTES // len(piece) - is_refused):
            yield piece
        if is_refused:
            raise CallError(FailureCode.INVALID_IMAGE, "too large")

    provider = ScriptedProvider()
    provider.collect = partial(_collected, chunks)
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    (image,) = await kept_files(imagegen, task.task_id)
    expected = 8 + MAX_IMAGE_BYTES - len(piece) if is_refused else MAX_IMAGE_BYTES
    assert (FailureCode.INVALID_IMAGE, expected) == (task.failure.code, len(image))
    assert [] == [key async for key in imagegen.parts.blobs.keys("")]


async def _collected(chunks, *_):
    return ProviderResult(images=(GeneratedImage(chunks=chunks),))


@pytest.mark.parametrize("size", [MAX_INLINE_RESPONSE_BYTES, MAX_INLINE_RESPONSE_BYTES + 1])
@pytest.mark.parametrize("as_job", [False, True])
@pytest.mark.parametrize("code", [FailureCode.BAD_RESPONSE, FailureCode.DOWNLOAD_FAILED])
async def test_an_answer_that_cannot_be_used_is_kept(size, as_job, code):
    """A short one, and one that was spooled; nothing else is left of either."""
    provider = SpoolingProvider(size, as_job=as_job)
    provider.collects = [refused(code)]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    (folder,) = await imagegen.parts.spool.folders(older_than_seconds=0)
    (attempt,) = await imagegen.parts.tasks.attempts(task.task_id)
    assert (code, True) == (task.failure.code, "is kept until" in task.failure.message)
    assert (f"{task.task_id}.{attempt.attempt_id}.kept", None) == (folder, attempt.response)
    assert [provider.images[0].ljust(size, b"\0")] == await kept_files(imagegen, task.task_id)


@pytest.mark.parametrize("error", [refused(), refused(FailureCode.BAD_RESPONSE, possible_charge=False)])
async def test_what_cost_nothing_is_not_kept(error):
    """Nor does its failure say so."""
    provider = SpoolingProvider(1000)
    provider.collects = [error]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    assert ([], False) == (await kept_files(imagegen, task.task_id), "kept" in task.failure.message)


async def test_one_of_several_images_is_kept():
    """The others are stored, and a warning says where it is."""
    provider = ScriptedProvider()
    provider.images = [png(), BMP, png((1, 2, 3)), encoded("TIFF")]
    imagegen = imagegen_over(provider)

    task = await outcome(imagegen)

    assert (TaskStatus.COMPLETED, 2) == (task.status, len(await imagegen.parts.images.of_task(task.task_id)))
    assert [True] * 2 == [f"imagegen tasks response {task.task_id}" in str(each) for each in task.warnings]
    assert [BMP, encoded("TIFF")] == await kept_files(imagegen, task.task_id)


async def test_it_is_kept_after_a_crash_as_well():
    """A received response is decoded again, and refused again."""
    provider = unusable(BMP)
    imagegen = imagegen_over(provider)
    task_id = await crash_in(imagegen, Phase.RECEIVED)
    async with imagegen:
        task = await imagegen.wait(task_id, timeout=60)

    assert (FailureCode.INVALID_IMAGE, 0) == (task.failure.code, provider.charged)
    assert [BMP] == await kept_files(imagegen, task_id)


@pytest.mark.parametrize(("failures", "is_kept"), [(1, True), (99, False)])
@pytest.mark.parametrize("image", [BMP, png()[:60]], ids=["bmp", "cut"])
async def test_a_full_disk_loses_it_only_in_the_end(image, failures, is_kept):
    """It waits for room as images do, and is never called kept where it is not."""
    provider, clock = unusable(image), ManualClock()
    adapters = memory_adapters(providers={"scripted": provider}, clock=clock)
    adapters = attrs.evolve(adapters, spool=FullStore(adapters.spool, failures))
    imagegen = imagegen_over(provider, adapters=adapters)

    task = await run_until_it_ended(imagegen, await imagegen.submit("猫"), clock)

    expected = FailureCode.INVALID_IMAGE if is_kept else FailureCode.STORAGE_FAILED
    assert (expected, 1) == (task.failure.code, provider.charged)
    assert ([image] if is_kept else []) == await kept_files(imagegen, task.task_id)
    assert is_kept is ("is kept until" in task.failure.message)


async def test_it_is_removed_after_a_week():
    """Before that no sweep touches it."""
    clock = ManualClock()
    provider = unusable(BMP)
    imagegen = imagegen_over(
        provider, adapters=memory_adapters(providers={"scripted": provider}, clock=clock)
    )
    task = await outcome(imagegen)
    stores = Stores(parts=imagegen.parts)

    clock.advance(RETENTION_SECONDS - 1)
    await stores.clean(at_start=True)
    fresh = await kept_files(imagegen, task.task_id)
    clock.advance(2)
    await stores.clean()

    assert ([BMP], []) == (fresh, await kept_files(imagegen, task.task_id))


async def test_an_unknown_task_is_not_found():
    """It is no task of which nothing was kept."""
    with pytest.raises(TaskNotFound):
        await imagegen_over(ScriptedProvider()).tasks.open_response("nobody")


@pytest.mark.parametrize("cut", [0, 1, 9, len(KEY)])
async def test_keys_are_masked_wherever_chunks_end(cut):
    """A provider that sends the key back does not get it shown; the rest of its answer stays."""
    padding = b"x" * 200_000
    whole = b'{"echo": "' + padding + KEY.encode() + padding + b'"}'
    at = len(b'{"echo": "') + len(padding) + cut

    async def chunks():
        yield whole[:at]
        yield whole[at:]

    provider = ScriptedProvider()
    provider.collect = partial(_collected, chunks)
    adapters = memory_adapters(providers={"scripted": provider})
    adapters.redactor.register(KEY)
    imagegen = imagegen_over(provider, adapters=adapters)

    task = await outcome(imagegen)

    assert [whole.replace(KEY.encode(), b"****")] == await kept_files(imagegen, task.task_id)
