"""A zip file with images: what is in it, what it says is missing, and when there is none."""

import csv
import io
import zipfile
from datetime import UTC, datetime

import attrs
import pytest

from imagegen_adapters.memory import in_memory
from imagegen_core.errors import (
    BlobMissing,
    ImageNotFound,
    StorageError,
    StorageUnreachable,
    ValidationFailed,
)
from imagegen_core.images import StorageState
from imagegen_core.messages import Language
from imagegen_core.services.gallery import MISSING_FILE, PROMPTS_FILE, Images
from imagegen_core.values import ZipStream
from tests.contracts.samples import add_image

pytestmark = pytest.mark.anyio

PROMPTS = ("一只猫", "a/b: c", "一只猫")


@attrs.define
class Faulty:
    """A store that fails for some keys, before the first bytes or after them; it notes what it opened."""

    store: object
    errors: dict = attrs.field(factory=dict)
    late: bool = False
    opened: list = attrs.field(factory=list)
    closed: list = attrs.field(factory=list)

    async def open(self, key, **part):
        self.opened.append(key)
        try:
            if key in self.errors and not self.late:
                raise self.errors[key]
            async for chunk in self.store.open(key, **part):
                yield chunk[:10]
                if key in self.errors:
                    raise self.errors[key]
                yield chunk[10:]
        finally:
            self.closed.append(key)


@pytest.fixture
async def images():
    """Return three images, the use case, and its faulty store."""
    async with in_memory() as imagegen:
        records = []
        for prompt in PROMPTS:
            task = await imagegen.wait((await imagegen.submit(prompt, width=64, height=64)).task_id)
            records += await imagegen.parts.images.of_task(task.task_id)
        store = Faulty(imagegen.parts.blobs)
        gallery = Images(parts=attrs.evolve(imagegen.parts, blobs=store), on_change=lambda: None)
        yield records, gallery.zip, store


async def collected(pieces):
    return b"".join([piece async for piece in pieces])


async def unzipped(pieces):
    """Return the files of a zip file by their names."""
    with zipfile.ZipFile(io.BytesIO(await collected(pieces))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_each_image_is_in_it_once_and_unchanged(images):
    """In the order of the ids, under the names that downloads have."""
    records, zip_images, store = images
    ids = [records[2].id, records[0].id, records[2].id, records[1].id]

    files = await unzipped(zip_images(ids))

    names = [f"一只猫-{ids[0]}.png", f"一只猫-{ids[1]}.png", f"a b c-{ids[3]}.png"]
    assert [*names, PROMPTS_FILE] == list(files)
    for name, record in zip(names, (records[2], records[0], records[1]), strict=True):
        assert files[name] == await collected(store.store.open(record.blob_key))


async def test_entries_are_plain(images):
    """Stored, in UTF-8, readable by all, with the time at which the image was made."""
    records, zip_images, _ = images
    content = await collected(zip_images([records[0].id]))

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (entry, _) = archive.infolist()
    at = records[0].created_at
    assert (zipfile.ZIP_STORED, 0x800, 0o644) == (
        entry.compress_type,
        entry.flag_bits & 0x800,
        entry.external_attr >> 16,
    )
    assert (at.year, at.month, at.day, at.hour) == entry.date_time[:4]
    assert int(at.timestamp()) == int.from_bytes(entry.extra[5:9], "little")


@pytest.mark.parametrize(
    ("language", "reasons"),
    [
        (
            Language.EN,
            ["no image 99", "in no store", "archive does not answer", "cannot be read now"],
        ),
        (Language.ZH, ["99", "已不在任何存储中", "归档没有响应", "现在无法读取"]),
    ],
)
async def test_what_is_missing_is_said_and_why(images, language, reasons):
    """In a file at the end, without a key of the store; the others are there."""
    records, zip_images, store = images
    tasks = zip_images.__self__.parts.tasks
    missing = [await add_image(tasks, prompt=records[0].prompt, blob_key=f"k/{n}") for n in range(3)]
    store.errors = {
        "k/0": BlobMissing("k/0"),
        "k/1": StorageUnreachable("http://secret-bucket.example"),
        "k/2": StorageError("/var/lib/secret"),
    }

    files = await unzipped(zip_images([99, *(i.id for i in missing), records[1].id], language=language))

    assert [f"a b c-{records[1].id}.png", PROMPTS_FILE, MISSING_FILE] == list(files)
    heading, _, *lines, end = files[MISSING_FILE].decode().split("\n")
    names = ["99", *(f"一只猫-{image.id}.png" for image in missing)]
    assert (True, "") == (bool(heading), end)
    assert names == [line.partition(": ")[0] for line in lines]
    assert all(reason in line for reason, line in zip(reasons, lines, strict=True))
    assert not any("k/" in line or "secret" in line for line in lines)


async def test_a_damaged_file_is_said_to_be_one(images):
    """What there is of it is there."""
    records, zip_images, store = images
    await store.store.put(records[0].blob_key, _once(b"\x89PNG"), content_type="image/png")

    files = await unzipped(zip_images([records[0].id]))

    assert b"\x89PNG" == files[f"一只猫-{records[0].id}.png"]
    assert b"damaged" in files[MISSING_FILE]


@pytest.mark.parametrize("ids", [[], list(range(1, 1002))])
async def test_no_ids_and_too_many_are_refused(images, ids):
    """By the name of the field."""
    _, zip_images, _ = images

    with pytest.raises(ValidationFailed) as refusal:
        await collected(zip_images(ids))
    assert ["ids"] == [problem.field for problem in refusal.value.problems]


async def test_without_any_image_there_is_no_file(images):
    """What may be had later is the reason, if there is such a one."""
    records, zip_images, store = images
    store.errors = {
        records[0].blob_key: BlobMissing("a key"),
        records[1].blob_key: StorageUnreachable("not now"),
    }

    with pytest.raises(ImageNotFound):
        await collected(zip_images([98, 99]))
    with pytest.raises(BlobMissing):
        await collected(zip_images([records[0].id]))
    with pytest.raises(StorageUnreachable):
        await collected(zip_images([99, records[0].id, records[1].id]))


async def test_what_breaks_off_within_an_image_breaks_the_file(images):
    """Nothing that could pass for a zip file comes after it."""
    records, zip_images, store = images
    store.errors, store.late = {records[1].blob_key: StorageUnreachable("cut")}, True
    pieces = []

    with pytest.raises(StorageUnreachable):
        await _read_into(pieces, zip_images([record.id for record in records]))
    assert len(pieces) >= 3
    assert not zipfile.is_zipfile(io.BytesIO(b"".join(pieces)))


async def archived(zip_images, count):
    """Return the ids of so many images that only the archive has, under keys from ``k/0`` on."""
    tasks = zip_images.__self__.parts.tasks
    return [
        (await add_image(tasks, storage=StorageState.ARCHIVE, size_bytes=12, blob_key=f"k/{n}")).id
        for n in range(count)
    ]


async def test_a_silent_archive_is_not_asked_for_each_image(images):
    """Three in a row are enough to know; what is on the disk is read all the same."""
    records, zip_images, store = images
    ids = await archived(zip_images, 6)
    store.errors = {f"k/{n}": StorageUnreachable("down") for n in range(6)}

    files = await unzipped(zip_images([ids[0], records[1].id, *ids[1:], records[2].id]))

    expected = ["k/0", records[1].blob_key, "k/1", "k/2", records[2].blob_key]
    assert expected == store.opened
    assert 6 == files[MISSING_FILE].decode().count("archive does not answer")


async def test_an_archive_that_answers_again_is_asked_again(images):
    """Two failures are chance."""
    _, zip_images, store = images
    ids = await archived(zip_images, 6)
    await store.store.put("k/2", _once(b"of 12 bytes!"), content_type="image/png")
    store.errors = {f"k/{n}": StorageUnreachable("down") for n in (0, 1, 3, 4, 5)}

    await unzipped(zip_images(ids))

    assert [f"k/{n}" for n in range(6)] == store.opened


async def test_who_stops_reading_closes_everything(images):
    """The image that was being read, at once."""
    records, zip_images, store = images
    pieces = zip_images([record.id for record in records])

    await anext(pieces)
    await pieces.aclose()

    assert [records[0].blob_key] == store.opened == store.closed


def test_a_file_has_to_be_begun():
    """Bytes of no file would damage the archive."""
    archive = ZipStream()

    with pytest.raises(ValueError, match="begun"):
        archive.write(b"x")
    archive.close()


@pytest.mark.parametrize("year", [1, 1979, 2107, 9999])
def test_any_time_fits(year):
    """The nearest one that the format has."""
    archive = ZipStream()
    archive.begin("a", datetime(year, 2, 3, tzinfo=UTC))
    archive.close()

    with zipfile.ZipFile(io.BytesIO(archive.take())) as file:
        assert min(max(year, 1980), 2107) == file.infolist()[0].date_time[0]


async def _once(data):
    yield data


async def _read_into(pieces, stream):
    async for piece in stream:
        pieces += [piece]


async def test_no_prompt_is_a_formula(images):
    """A spreadsheet that opens the table of prompts must run nothing; all else is as it was written."""
    _, zip_images, _ = images
    tasks = zip_images.__self__.parts.tasks
    blobs = zip_images.__self__.parts.blobs.store
    prompts = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "＝1", '一只猫, "a"\nb', "a=b"]
    records = [await add_image(tasks, prompt=prompt) for prompt in prompts]
    for record in records:
        await blobs.put(record.blob_key, _once(b"x"), content_type="image/png")

    files = await unzipped(zip_images([record.id for record in records]))

    table = [*csv.DictReader(io.StringIO(files[PROMPTS_FILE].decode("utf-8-sig"), newline=""))]
    guarded = [f"'{prompt}" for prompt in prompts[:6]]
    assert [*guarded, *prompts[6:]] == [line["prompt"] for line in table]
    assert [str(record.id) for record in records] == [line["image_id"] for line in table]
    assert not any(line["file"].startswith(("=", "+", "-", "@")) for line in table)
