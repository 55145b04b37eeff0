"""Accepting a request: what is stored, what is refused, and what is replayed."""

import asyncio

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_adapters.outbound.addresses import AddressGate, NameLookups, NameNotResolved, OutboundGuard
from imagegen_core import ImageGen, Limits, Operation, Submission, TaskStatus
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import (
    FailureCode,
    IdempotencyKeyReused,
    ImageNotFound,
    InsufficientStorage,
    InvalidImage,
    ProviderNotConfigured,
    QueueFull,
    UpstreamNotAllowed,
    ValidationFailed,
)
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.search import Paging
from imagegen_core.secrets import Secret
from imagegen_core.task import ImageReference
from tests.unit.core.scripted_imagegen import imagegen_over, refused
from tests.unit.core.scripted_provider import ScriptedProvider, png

pytestmark = pytest.mark.anyio


@pytest.fixture
def imagegen():
    return imagegen_over(ScriptedProvider())


def submission(**fields):
    return Submission(provider_name="scripted", **{"prompt": "猫", **fields})


async def stored(imagegen):
    """Return the tasks and files that a refused submission must not leave behind."""
    tasks = await imagegen.parts.tasks.find(TaskFilter(), Paging())
    return tasks.total, await imagegen.parts.spool.folders(older_than_seconds=0)


async def test_a_repeat_gets_the_task_whatever_has_changed_since(imagegen):
    """Although the provider is gone and the disk is full, the key still returns its task."""
    first = await imagegen.tasks.submit(submission(idempotency_key="k"))
    changed = ImageGen(attrs.evolve(imagegen.parts, has_room=lambda: False))

    again = await changed.tasks.submit(submission(idempotency_key="k"))

    assert (first.task.task_id, True) == (again.task.task_id, again.replayed)


async def test_a_repeat_may_be_written_in_another_way():
    """What sits in between may order the members by name, and write 1.0 as 1."""
    one, same, other = (
        {"a": {"x": 1.0, "y": [True, 0.5]}, "b": 7},
        {"b": 7.0, "a": {"y": [True, 0.5], "x": 1}},
        {"a": {"x": 1.0, "y": [1, 0.5]}, "b": 7},
    )
    digests = [await submission(params=params).digest() for params in (one, same, other)]

    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("reference_images.0", {"references": (png(),)}),
        ("reference_images.0", {"operation": Operation.EDIT, "image": png(), "references": (png(),)}),
        ("image", {"image": png()}),
        ("image", {"operation": Operation.REFERENCE, "references": (png(),), "image": ImageReference(id=1)}),
        ("mask", {"operation": Operation.UPSCALE, "image": png(), "mask": png()}),
        ("image", {"operation": Operation.EDIT, "image": "cat.png"}),
        ("reference_images.1", {"operation": Operation.REFERENCE, "references": (png(), None)}),
        ("image", {"operation": Operation.EDIT, "image": "cat.png", "idempotency_key": "k"}),
    ],
)
async def test_an_image_is_sent_or_refused(imagegen, field, fields):
    """An image that the operation would ignore, or that is none, is named before anything is paid for."""
    with pytest.raises(ValidationFailed) as caught:
        await imagegen.tasks.submit(submission(**fields))

    assert [field] == [problem.field for problem in caught.value.problems]
    assert (0, ()) == await stored(imagegen)


async def test_a_key_belongs_to_one_body(imagegen):
    """Another body under the same key is refused."""
    await imagegen.tasks.submit(submission(idempotency_key="k"))

    with pytest.raises(IdempotencyKeyReused):
        await imagegen.tasks.submit(submission(idempotency_key="k", prompt="狗"))


async def test_a_key_belongs_to_one_operation(imagegen):
    """The same key for another operation creates another task."""
    await imagegen.tasks.submit(submission(idempotency_key="k"))

    other = await imagegen.tasks.submit(
        submission(idempotency_key="k", operation=Operation.UPSCALE, image=png(), prompt="")
    )

    assert not other.replayed


async def test_a_full_queue_refuses_and_stores_nothing():
    """Not even the input images are stored."""
    imagegen = imagegen_over(
        ScriptedProvider(), limits=Limits(default_provider="scripted", queue_size=1, shutdown_grace_seconds=0)
    )
    await imagegen.submit("一")

    with pytest.raises(QueueFull):
        await imagegen.tasks.submit(submission(operation=Operation.EDIT, image=png()))

    assert (1, ()) == await stored(imagegen)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"prompt": ""}, ValidationFailed),
        ({"operation": Operation.EDIT}, ValidationFailed),
        ({"operation": Operation.UPSCALE, "image": png(), "mask": png()}, ValidationFailed),
        ({"operation": Operation.EDIT, "image": b"text"}, InvalidImage),
        ({"operation": Operation.EDIT, "image": png()[:50]}, InvalidImage),
        ({"operation": Operation.EDIT, "image": ImageReference(id=9)}, ImageNotFound),
        ({"operation": Operation.REFERENCE, "references": (png(), b"text")}, InvalidImage),
        ({"params": {"magic": 1}}, ValidationFailed),
    ],
)
async def test_a_refused_request_leaves_nothing(imagegen, fields, error):
    """Neither a task nor a file is stored."""
    with pytest.raises(error):
        await imagegen.tasks.submit(submission(**fields))

    assert (0, ()) == await stored(imagegen)


async def test_too_little_disk_refuses_new_tasks(imagegen):
    """No money is spent on a result that could not be stored."""
    full = imagegen_over(
        ScriptedProvider(),
        adapters=attrs.evolve(
            memory_adapters(providers={"scripted": ScriptedProvider()}),
            has_room=lambda: False,
        ),
    )

    with pytest.raises(InsufficientStorage):
        await full.submit("猫")


def no_name(host, _port):
    raise NameNotResolved(host)


async def test_an_address_that_is_not_allowed_is_refused_on_submitting():
    """The guard checks the address that the request would use."""
    adapters = attrs.evolve(
        memory_adapters(providers={"scripted": ScriptedProvider()}),
        check_address=OutboundGuard(AddressGate(), lookups=NameLookups(1, query=no_name)).check,
    )
    override = ProviderConfig(
        provider_name="scripted",
        source=ConfigSource.REQUEST,
        api_base="http://10.0.0.1",
        api_key=Secret("k" * 20),
    )

    with pytest.raises(UpstreamNotAllowed):
        await imagegen_over(ScriptedProvider(), adapters=adapters).tasks.submit(submission(override=override))


async def test_a_saved_configuration_can_be_demanded(imagegen):
    """The file's layer alone is not enough then."""
    with pytest.raises(ProviderNotConfigured):
        await imagegen.tasks.submit(submission(require_saved=True))


async def test_a_tasks_own_key_is_sealed_and_wiped_at_its_end(imagegen):
    """The task has it, sealed, until it ends; afterwards it is nowhere."""
    override = ProviderConfig(
        provider_name="scripted", source=ConfigSource.REQUEST, api_key=Secret("sk-canary-canary")
    )
    async with imagegen:
        task = (await imagegen.tasks.submit(submission(override=override))).task
        done = await imagegen.wait(task.task_id, timeout=60)

    assert (True, False) == (task.override is not None, "canary" in (task.override or ""))
    assert (TaskStatus.COMPLETED, None) == (done.status, done.override)
    assert ("request", "sk-****nary") == (done.config_snapshot["source"], done.config_snapshot["api_key"])


async def test_a_stored_image_can_be_an_input(imagegen):
    """Its bytes are copied, so deleting it later changes nothing."""
    async with imagegen:
        first = await imagegen.submit("猫")
        await imagegen.wait(first.task_id, timeout=60)
        (image,) = await imagegen.parts.images.of_task(first.task_id)
        second = (
            await imagegen.tasks.submit(
                submission(operation=Operation.UPSCALE, image=ImageReference(id=image.id), prompt="")
            )
        ).task
        done = await imagegen.wait(second.task_id, timeout=60)

    assert (TaskStatus.COMPLETED, image.sha256) == (done.status, done.request.image.sha256)


class SlowRepository:
    """A memory repository that stores a task and never returns."""

    def __init__(self, repository):
        self._repository, self.added = repository, asyncio.Event()

    def __getattr__(self, name):
        return getattr(self._repository, name)

    async def add(self, task, **more):
        await self._repository.add(task, **more)
        self.added.set()
        await asyncio.Event().wait()


async def test_a_cancelled_submission_leaves_the_images_of_a_stored_task():
    """The task may be stored, so its files stay; files without a task are cleaned up later."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider})
    slow = SlowRepository(adapters.tasks)
    impatient = imagegen_over(provider, adapters=attrs.evolve(adapters, tasks=slow))
    submitting = asyncio.create_task(
        impatient.tasks.submit(submission(operation=Operation.EDIT, image=png()))
    )
    await slow.added.wait()

    submitting.cancel()
    await asyncio.gather(submitting, return_exceptions=True)

    (task,) = (await adapters.tasks.find(TaskFilter(), Paging())).items
    folder, _, name = task.request.image.key.partition("/")
    with adapters.spool.open(folder, name) as file:
        assert png() == file.read()


async def test_a_failed_task_is_retried_with_its_images():
    """A new task with the same request and its own copy of the inputs."""
    provider = ScriptedProvider()
    provider.submits = [refused(FailureCode.CONTENT_POLICY)]
    async with imagegen_over(provider) as imagegen:
        first = (await imagegen.tasks.submit(submission(operation=Operation.EDIT, image=png()))).task
        await imagegen.wait(first.task_id, timeout=60)
        second = (await imagegen.tasks.retry(task_id=first.task_id)).task
        done = await imagegen.wait(second.task_id, timeout=60)

    assert (TaskStatus.COMPLETED, first.task_id) == (done.status, done.retry_of)
    assert done.request.image.key != first.request.image.key


async def test_a_retry_with_the_same_key_is_one_task():
    """However often it is sent; a retry of another task, or with another key, is a new task."""
    provider = ScriptedProvider()
    provider.submits = [refused(FailureCode.CONTENT_POLICY)] * 2
    async with imagegen_over(provider) as imagegen:
        failed = [(await imagegen.tasks.submit(submission())).task.task_id for _ in range(2)]
        for task_id in failed:
            await imagegen.wait(task_id, timeout=60)
        retries = [(failed[0], "a"), (failed[0], "a"), (failed[0], "b"), (failed[1], "a")]
        added = [await imagegen.tasks.retry(task_id=task_id, idempotency_key=key) for task_id, key in retries]

    assert [False, True, False, False] == [one.replayed for one in added]
    assert 3 == len({one.task.task_id for one in added})
