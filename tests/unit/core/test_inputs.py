"""Input images of tasks: how long they stay, what shows them, and what a task that is made again takes."""

import attrs
import pytest

from imagegen_adapters.memory import MemorySpool, memory_adapters
from imagegen_core import FailureCode, Operation, TaskStatus
from imagegen_core.errors import InputNotFound, StorageError, TaskNotFound, ValidationFailed
from imagegen_core.requests import InputRole
from imagegen_core.services.tasks import TaskChanges
from imagegen_core.task import ImageReference
from tests.unit.core.scripted_imagegen import imagegen_over, refused
from tests.unit.core.scripted_provider import ScriptedProvider, png

pytestmark = pytest.mark.anyio


async def ended(imagegen, **inputs):
    """Return a task with such inputs that has ended."""
    operation = Operation.EDIT if "image" in inputs else Operation.REFERENCE
    task = await imagegen.submit("猫", operation=operation if inputs else Operation.GENERATE, **inputs)
    return await imagegen.wait(task.task_id, timeout=60)


async def stored_image(imagegen):
    """Return the image of a new task."""
    task = await ended(imagegen)
    return (await imagegen.parts.images.of_task(task.task_id))[0]


async def rerun(imagegen, task):
    return (await imagegen.tasks.rerun(task_id=task.task_id, changes=TaskChanges())).task


async def inputs_of(imagegen, task):
    view = await imagegen.tasks.show(task_id=task.task_id)
    return [(one.role, one.image.image_id, one.available) for one in view.inputs]


async def test_a_completed_task_is_made_again_with_its_inputs():
    """The new task has a copy of its own, so that neither needs the other."""
    async with imagegen_over(ScriptedProvider()) as imagegen:
        first = await ended(imagegen, image=png(), mask=png())
        second = await rerun(imagegen, first)
        done = await imagegen.wait(second.task_id, timeout=60)
        await imagegen.parts.spool.remove(first.task_id)
        content = [await imagegen.read_input(second.task_id, index) for index in range(2)]

    assert (TaskStatus.COMPLETED, first.task_id) == (done.status, second.retry_of)
    assert [png(), png()] == content


@pytest.mark.parametrize("retry", [True, False])
async def test_a_failed_task_is_made_again_with_its_inputs(retry):
    """By a retry, too."""
    provider = ScriptedProvider()
    provider.submits = [refused(FailureCode.CONTENT_POLICY)]
    async with imagegen_over(provider) as imagegen:
        first = await ended(imagegen, image=png())
        second = (
            (await imagegen.tasks.retry(task_id=first.task_id)).task
            if retry
            else await rerun(imagegen, first)
        )
        done = await imagegen.wait(second.task_id, timeout=60)

    assert (TaskStatus.FAILED, TaskStatus.COMPLETED) == (first.status, done.status)


async def test_inputs_go_with_the_completion_unless_they_are_kept():
    """Those of a task that failed stay for a retry, where the next sweep looks for them."""
    provider = ScriptedProvider()
    async with imagegen_over(provider, keep_inputs=False) as imagegen:
        completed = await ended(imagegen, image=png())
        provider.submits = [refused(FailureCode.CONTENT_POLICY)]
        failed = await ended(imagegen, image=png())
        with pytest.raises(ValidationFailed) as caught:
            await rerun(imagegen, completed)
        shown = [await inputs_of(imagegen, task) for task in (completed, failed)]

    assert ["task_id"] == [problem.field for problem in caught.value.problems]
    assert [[(InputRole.IMAGE, None, False)], [(InputRole.IMAGE, None, True)]] == shown
    assert (failed.task_id,) == await imagegen.parts.spool.folders(older_than_seconds=-1)


async def test_a_stored_image_is_not_kept_beside_itself():
    """The task links to it, and is made again from it."""
    async with imagegen_over(ScriptedProvider()) as imagegen:
        image = await stored_image(imagegen)
        task = await ended(imagegen, references=(ImageReference(id=image.id), png()))
        shown = await inputs_of(imagegen, task)
        again = await imagegen.wait((await rerun(imagegen, task)).task_id, timeout=60)
        await imagegen.parts.spool.remove(again.task_id)
        content = await imagegen.read_input(again.task_id, 0)

    assert [(InputRole.REFERENCE, image.id, True), (InputRole.REFERENCE, None, True)] == shown
    assert (TaskStatus.COMPLETED, png()) == (again.status, content)
    assert [image.id, None] == [one.image_id for one in again.request.references]


@pytest.mark.parametrize("failure", [None, FailureCode.CONTENT_POLICY])
async def test_a_task_whose_image_is_deleted_is_not_made_again(failure):
    """It says which image it was, and that its bytes are gone."""
    provider = ScriptedProvider()
    async with imagegen_over(provider) as imagegen:
        image = await stored_image(imagegen)
        provider.submits = [refused(failure)] if failure else []
        task = await ended(imagegen, image=ImageReference(id=image.id))
        await imagegen.gallery.delete_one(image_id=image.id)
        shown = await inputs_of(imagegen, task)
        with pytest.raises(ValidationFailed) as caught:
            await rerun(imagegen, task)
        with pytest.raises(InputNotFound):
            await imagegen.read_input(task.task_id, 0)

    assert [(InputRole.IMAGE, image.id, False)] == shown
    assert ["inputs_gone"] == [problem.reason.code.name.lower() for problem in caught.value.problems]
    assert frozenset() == await imagegen.parts.spool.holds([task.task_id])


async def test_a_task_that_was_accepted_does_not_need_the_image_any_more():
    """Who deletes it meanwhile breaks no promise."""
    provider = ScriptedProvider()
    imagegen = imagegen_over(provider)
    async with imagegen:
        image = await stored_image(imagegen)
    waiting = imagegen_over(provider, adapters=imagegen.parts)
    task = await waiting.submit("猫", operation=Operation.EDIT, image=ImageReference(id=image.id))
    again = await rerun(waiting, task)
    await waiting.gallery.delete_one(image_id=image.id)
    once_more = await rerun(waiting, task)

    async with waiting:
        done = [await waiting.wait(one.task_id, timeout=60) for one in (task, again, once_more)]

    assert [TaskStatus.COMPLETED] * 3 == [one.status for one in done]


async def test_inputs_are_shown_in_the_order_of_their_numbers():
    """The image, then its mask; tasks without any show none."""
    async with imagegen_over(ScriptedProvider()) as imagegen:
        alone = await ended(imagegen)
        edited = await ended(imagegen, image=png(), mask=png())

        assert [] == await inputs_of(imagegen, alone)
        assert [(InputRole.IMAGE, None, True), (InputRole.MASK, None, True)] == await inputs_of(
            imagegen, edited
        )


async def test_what_is_no_input_is_not_found():
    """Neither of a task that has fewer, nor of none."""
    async with imagegen_over(ScriptedProvider()) as imagegen:
        task = await ended(imagegen, image=png())
        await imagegen.parts.spool.remove(task.task_id)
        for index in (0, 1, -1):
            with pytest.raises(InputNotFound):
                await imagegen.tasks.open_input(task_id=task.task_id, index=index)
        with pytest.raises(TaskNotFound):
            await imagegen.tasks.open_input(task_id="unknown", index=0)


class FullSpool(MemorySpool):
    """Has no room to keep anything."""

    async def keep(self, folder, names):
        raise StorageError("the disk is full")


async def test_a_task_ends_although_its_inputs_cannot_be_kept_now():
    """They stay where they are, and a later sweep keeps them."""
    provider = ScriptedProvider()
    adapters = memory_adapters(providers={"scripted": provider})
    full = attrs.evolve(adapters, spool=FullSpool(adapters.clock))
    async with imagegen_over(provider, adapters=full) as imagegen:
        task = await ended(imagegen, image=png())

        assert TaskStatus.COMPLETED is task.status
        assert png() == await imagegen.read_input(task.task_id, 0)


async def test_relatives_of_an_image():
    """Parents in the order of the inputs, and children."""
    async with imagegen_over(ScriptedProvider()) as imagegen:
        first, second = [await stored_image(imagegen) for _ in range(2)]
        task = await ended(imagegen, references=(ImageReference(id=second.id), ImageReference(id=first.id)))
        (child,) = await imagegen.parts.images.of_task(task.task_id)
        of_child, of_first = [await imagegen.gallery.show(image_id=one.id) for one in (child, first)]

    assert ((second.id, first.id), ()) == (of_child.relatives.parents, of_child.relatives.children)
    assert ((), (child.id,)) == (of_first.relatives.parents, of_first.relatives.children)
