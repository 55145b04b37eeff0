"""Fills a data directory with what hundreds of tasks leave, in a second: rows, images and thumbnails.

The rows go through the code of the adapters. Usage and attempts know nothing of them.
"""

import asyncio
import itertools
import os
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO

import attrs
from PIL import Image as RasterImage

from imagegen_adapters.stores.directory import IMAGES_DIRECTORY, DataDirectory
from imagegen_adapters.stores.rows import task_to_row
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import index_new, insert_prepared, prepare
from imagegen_adapters.stores.sqlite.tasks import INSERT_TASK_IF_ROOM
from imagegen_adapters.system import new_id, simplify
from imagegen_core.errors import Failure, FailureCode
from imagegen_core.images import Image, MediaType
from imagegen_core.ports.blobs import thumbnail_key
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.task import Task, TaskStatus

SHAPES = ((512, 512), (640, 360), (360, 640), (512, 384), (384, 512), (960, 240))
COLOURS = ((47, 91, 215), (179, 38, 30), (30, 107, 58), (242, 184, 75), (92, 92, 99))
KINDS = len(SHAPES) * len(COLOURS)
SUBJECTS = ("一只可爱的猫", "雪山", "大海", "雨夜街头", "a lighthouse at dusk", "水彩的竹林", "宇航员骑马")
FAILURES = (FailureCode.OUTCOME_UNKNOWN, FailureCode.CONTENT_POLICY, FailureCode.TIMEOUT)


@attrs.frozen(kw_only=True)
class Seeds:
    """So many images, each with its completed task, and tasks in other states.

    The oldest is ``hours_apart`` before the next one, and so on until now. A pending task takes
    ``delay_seconds`` once a worker has it. ``prompts`` are taken in turn.
    """

    images: int = 0
    pending: int = 0
    failed: int = 0
    cancelled: int = 0
    hours_apart: float = 1.0
    delay_seconds: float = 600.0
    prompts: tuple[str, ...] = SUBJECTS

    def plant(self, data_dir):
        """Write them; the service must not run yet."""
        directory = DataDirectory.open(data_dir)
        try:
            database = Database.open(directory.database)
            try:
                asyncio.run(self._plant(database, data_dir / IMAGES_DIRECTORY))
            finally:
                database.close_now()
        finally:
            directory.close()

    async def _plant(self, database, folder):
        ended = [*self._tasks(TaskStatus.COMPLETED, self.images), *self._ended()]
        tasks = [*ended, *self._tasks(TaskStatus.PENDING, self.pending)]
        rows = [{**task_to_row(task), "queue_size": len(tasks) + 1} for task in tasks]
        images = [_image(number, task) for number, task in enumerate(ended[: self.images])]
        prepared = [prepare(image, simplify) for image in images]

        def insert(connection):
            index_new(connection, [insert_prepared(connection, prepared)], simplify)

        await database.writer.write(lambda c: c.executemany(INSERT_TASK_IF_ROOM, rows))
        await database.writer.write(insert)
        _link(folder, images)

    def _ended(self):
        for number, task in enumerate(self._tasks(TaskStatus.FAILED, self.failed)):
            code = FAILURES[number % len(FAILURES)]
            yield attrs.evolve(task, failure=Failure(code, "planted"))
        yield from self._tasks(TaskStatus.CANCELLED, self.cancelled)

    def _tasks(self, status, number):
        now, prompts = datetime.now(UTC), itertools.cycle(self.prompts)
        for n in range(number):
            moment = now - timedelta(hours=self.hours_apart * (number - n))
            is_final = status.final
            yield Task(
                task_id=_id_of(moment),
                request=ImageRequest(
                    operation=Operation.GENERATE,
                    prompt=f"{next(prompts)} {n + 1}",
                    params={"seed": n, "delay_seconds": 0 if is_final else self.delay_seconds},
                ),
                provider_name="demo",
                model_id="demo",
                created_at=moment,
                status=status,
                attempts=int(is_final),
                started_at=moment if is_final else None,
                completed_at=moment + timedelta(seconds=3) if is_final else None,
            )


def _id_of(moment):
    """Return an id that begins with its time, as those of tasks do."""
    digits = f"{int(moment.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}{new_id()[13:]}"


def _image(number, task):
    key = f"{task.created_at:%Y/%m/%d}/{task.task_id}-0.png"
    width, height = SHAPES[number % len(SHAPES)]
    return Image(
        task_id=task.task_id,
        attempt_id=task.task_id,
        position=0,
        operation=task.request.operation,
        prompt=task.request.prompt,
        params=task.request.params,
        provider_name=task.provider_name,
        model_id=task.model_id,
        mime_type=MediaType.PNG,
        width=width,
        height=height,
        size_bytes=len(_bytes(number % KINDS, "PNG")),
        sha256=f"{number:064x}",
        blob_key=key,
        thumbnail_key=thumbnail_key(key),
        created_at=task.completed_at,
    )


def _link(folder, images):
    """Give each image its files, of which there are only as many as shapes and colours."""
    sources = {}
    for number, image in enumerate(images):
        kind = number % KINDS
        for key, form in ((image.blob_key, "PNG"), (image.thumbnail_key, "WEBP")):
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if (kind, form) in sources:
                os.link(sources[kind, form], path)
            else:
                path.write_bytes(_bytes(kind, form))
                path.chmod(0o600)
                sources[kind, form] = path


@cache
def _bytes(kind, form):
    shape, colour = SHAPES[kind % len(SHAPES)], COLOURS[kind % len(COLOURS)]
    raster = RasterImage.new("RGB", shape, colour)
    raster.paste(tuple(255 - part for part in colour), (8, 8, 40, 40))
    content = BytesIO()
    raster.save(content, form)
    return content.getvalue()
