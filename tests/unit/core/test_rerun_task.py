"""Making a task again with changes, and cancelling many."""

import pytest

from imagegen_core import TaskStatus
from imagegen_core.errors import IdempotencyKeyReused, ValidationFailed
from imagegen_core.limits import MAX_PAGE_SIZE
from imagegen_core.models import changed
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.services.tasks import TaskChanges
from tests.unit.core.scripted_imagegen import imagegen_over
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio


async def test_a_completed_task_is_made_again_with_changes():
    """What is not named stays as it was, and the new task says which one it repeats."""
    async with imagegen_over(ScriptedProvider()) as imagegen:
        first = await imagegen.submit("猫", width=64, height=64, seed=7)
        await imagegen.wait(first.task_id, timeout=60)
        changes = TaskChanges(params={"prompt": "狗", "seed": 8})
        second = (await imagegen.tasks.rerun(task_id=first.task_id, changes=changes)).task

    assert ("狗", {"width": 64, "height": 64, "seed": 8}) == (second.request.prompt, second.request.params)
    assert ("scripted", first.model_id, first.task_id) == (
        second.provider_name,
        second.model_id,
        second.retry_of,
    )


async def test_a_waiting_task_is_made_again_too():
    """Whatever became of it; it stays as it is."""
    imagegen = imagegen_over(ScriptedProvider())
    first = await imagegen.submit("猫")
    second = (await imagegen.tasks.rerun(task_id=first.task_id, changes=TaskChanges())).task

    counts = await imagegen.parts.tasks.counts()

    assert (first.request, 2) == (second.request, counts[TaskStatus.PENDING])


async def test_the_same_key_makes_one_task_of_the_same_changes():
    """Other changes under the same key are refused, as for submissions."""
    imagegen = imagegen_over(ScriptedProvider())
    first = await imagegen.submit("猫")
    changes = TaskChanges(params={"seed": 8})

    added = [
        await imagegen.tasks.rerun(task_id=first.task_id, changes=changes, idempotency_key="k")
        for _ in range(2)
    ]

    assert [False, True] == [one.replayed for one in added]
    with pytest.raises(IdempotencyKeyReused):
        await imagegen.tasks.rerun(task_id=first.task_id, changes=TaskChanges(), idempotency_key="k")


@pytest.mark.parametrize("prompt", ["", 7, None])
async def test_a_changed_prompt_must_be_one(prompt):
    """Nothing is stored otherwise."""
    imagegen = imagegen_over(ScriptedProvider())
    first = await imagegen.submit("猫")

    with pytest.raises(ValidationFailed) as caught:
        await imagegen.tasks.rerun(task_id=first.task_id, changes=TaskChanges(params={"prompt": prompt}))

    counts = await imagegen.parts.tasks.counts()
    assert (["prompt"], 1) == ([p.field for p in caught.value.problems], counts[TaskStatus.PENDING])


@pytest.mark.parametrize(
    ("params", "changes", "expected"),
    [
        ({"seed": 7}, {"seed": None}, {"seed": None}),
        ({"num": 3}, {"n": 1}, {"n": 1}),
        ({"size": "64x64"}, {"width": 32, "height": 32}, {"width": 32, "height": 32}),
        ({"width": 64, "height": 64}, {"width": 32}, {"width": 32, "height": 64}),
        ({"width": 64, "height": 64}, {"size": "32x32"}, {"size": "32x32"}),
        ({"size": "2K"}, {"aspect_ratio": "1:1"}, {"aspect_ratio": "1:1"}),
        (
            {"aspect_ratio": "1:1", "image_size": "2K"},
            {"image_size": "4K"},
            {"aspect_ratio": "1:1", "image_size": "4K"},
        ),
        (
            {"size": "64x64", "seed": 7},
            {"aspect_ratio": None},
            {"size": "64x64", "seed": 7, "aspect_ratio": None},
        ),
    ],
)
def test_a_change_replaces_what_says_the_same_otherwise(params, changes, expected):
    """A new size would otherwise contradict the old one."""
    assert expected == changed(params, changes)


async def test_all_that_waits_is_cancelled():
    """However many pages that are, of one provider, and nothing of what has ended."""
    imagegen = imagegen_over(ScriptedProvider())
    tasks = [await imagegen.submit("猫") for _ in range(MAX_PAGE_SIZE + 5)]
    await imagegen.tasks.cancel(task_id=tasks[0].task_id)

    others = await imagegen.tasks.cancel_all(criteria=TaskFilter(provider_name="demo"))
    cancelled = await imagegen.tasks.cancel_all(criteria=TaskFilter(provider_name="scripted"))

    assert (0, MAX_PAGE_SIZE + 4) == (others, cancelled)
    assert MAX_PAGE_SIZE + 5 == (await imagegen.parts.tasks.counts())[TaskStatus.CANCELLED]


async def test_what_runs_is_asked_to_stop():
    """Only where the caller means those, too."""
    provider = ScriptedProvider()
    imagegen = imagegen_over(provider)
    await imagegen.submit("猫")
    limits = {"scripted": 9, "demo": 9}
    now = imagegen.parts.clock.now()
    (claimed,) = await imagegen.parts.queue.claim("elsewhere", limit=1, now=now, provider_limits=limits)
    await imagegen.submit("狗")

    pending = await imagegen.tasks.cancel_all(criteria=TaskFilter(status=TaskStatus.PENDING))
    both = await imagegen.tasks.cancel_all(criteria=TaskFilter())

    assert (1, 1) == (pending, both)
    assert (await imagegen.parts.tasks.get(claimed.task_id)).cancel_requested


async def test_what_has_ended_is_not_to_be_cancelled():
    """A caller who asks for it means something else."""
    imagegen = imagegen_over(ScriptedProvider())

    with pytest.raises(ValidationFailed):
        await imagegen.tasks.cancel_all(criteria=TaskFilter(status=TaskStatus.COMPLETED))
