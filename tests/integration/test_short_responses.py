"""A response of at most 64 KiB is stored in the database, a longer one is spooled; both yield their image."""

import json
from functools import partial

import pytest

from imagegen_core import TaskStatus
from imagegen_core.attempt import MAX_INLINE_RESPONSE_BYTES
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import FailureCode
from imagegen_core.secrets import Secret
from imagegen_http.service import compose
from imagegen_http.settings.schema import SecuritySettings, Settings
from tests.fakes.images import png, png_base64
from tests.fakes.own_upstream import DOCUMENT
from tests.fakes.raw_server import RawServer, http_response

JSON = "application/json"


def body(size):
    """Return a response with one image that has this number of bytes."""
    value = {"made": [{"data": png_base64(1)}], "padding": ""}
    value["padding"] = "x" * (size - len(json.dumps(value)))
    return json.dumps(value).encode()


def chunked(content, piece):
    """Return the response in chunks of this number of bytes."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    pieces = [content[at : at + piece] for at in range(0, len(content), piece)]
    return head + b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (*pieces, b""))


async def task_over(response, data_dir):
    """Return the task whose provider responded so, its images, and whether anything was spooled."""
    async with RawServer({"/make": response}) as upstream:
        provider = ProviderConfig(
            provider_name="own",
            kind="http",
            api_base=upstream.url,
            api_key=Secret("sk-of-the-own-provider"),
            source=ConfigSource.FILE,
            extra_config={"spec": DOCUMENT},
        )
        settings = Settings(
            data_dir=data_dir,
            security=SecuritySettings(allow_private_upstreams=(upstream.authority,)),
            providers={"own": provider},
        )
        async with compose(settings, environ={}) as service:
            imagegen = service.imagegen
            task = await imagegen.submit("a cat", provider="own")
            task = await imagegen.wait(task.task_id, timeout=60)
            images = [
                await imagegen.read(image) for image in await imagegen.parts.images.of_task(task.task_id)
            ]
            (attempt,) = await imagegen.parts.tasks.attempts(task.task_id)
    assert attempt.response is None
    return task, images, (data_dir / "spool").exists()


@pytest.mark.parametrize(
    "send",
    [
        partial(http_response, "200 OK", content_type=JSON),
        *(partial(chunked, piece=n) for n in (100, 65_536)),
    ],
    ids=["at once", "in small chunks", "in large chunks"],
)
@pytest.mark.parametrize("excess", [-60_000, 0, 1, 200_000])
async def test_each_size_yields_its_image(tmp_path, send, excess):
    """However it arrives, and with one byte more than the database takes."""
    response = send(body(MAX_INLINE_RESPONSE_BYTES + excess))

    task, images, has_spool = await task_over(response, tmp_path / "data")

    assert (TaskStatus.COMPLETED, [png(1)], excess > 0) == (task.status, images, has_spool)


@pytest.mark.parametrize("size", [2_000, MAX_INLINE_RESPONSE_BYTES + 2_000])
async def test_a_response_that_is_cut_is_no_response(tmp_path, size):
    """Nobody knows what it would have said, so its call may be charged, and is not sent again."""
    content = body(size)

    async def cut(writer):
        writer.write(http_response(body=content[:-100], length=len(content), content_type=JSON))
        await writer.drain()
        writer.close()

    task, images, _ = await task_over(cut, tmp_path / "data")

    assert (TaskStatus.FAILED, True, []) == (task.status, task.failure.possible_charge, images)
    assert FailureCode.OUTCOME_UNKNOWN is task.failure.code
