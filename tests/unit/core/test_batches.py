"""What a batch makes, and how its items are submitted, over stores in memory."""

import asyncio
from decimal import Decimal

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import ImageGen, Limits
from imagegen_core.batch import (
    Batch,
    BatchItem,
    BatchPlan,
    BatchStatus,
    Target,
    filled,
    template_variables,
)
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.costs import Basis, Cost
from imagegen_core.errors import ProviderDisabled, ValidationFailed
from imagegen_core.ports.cluster import BATCHES
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.search import Paging
from imagegen_core.task import TaskStatus

pytestmark = pytest.mark.anyio

ALL = Paging(page=1, page_size=100, after=None)
SIZE = {"width": 64, "height": 64}


def priced(amount):
    price = {"currency": "CNY", "rates": [{"amount": amount}]}
    extra = {"prices": {"demo": price}}
    return ProviderConfig(provider_name="demo", kind="demo", source=ConfigSource.FILE, extra_config=extra)


def an_imagegen(parts=None, **options):
    """Return one that is not entered: nothing runs by itself, also not the loop."""
    options.setdefault("file_configs", {"demo": attrs.evolve(priced("0.1"), extra_config={})})
    return ImageGen(parts or memory_adapters(), **options)


def prompts(number):
    return BatchPlan(prompts=tuple(f"number {n}" for n in range(number)), params=SIZE)


async def tasks_of(imagegen, batch):
    criteria = TaskFilter(batch_id=batch.batch_id)
    return sorted((await imagegen.parts.tasks.find(criteria, ALL)).items, key=lambda task: task.batch.item)


# ---------------------------------------------------------------- plans


@pytest.mark.parametrize(
    ("template", "names", "text"),
    [
        ("一只{animal}在{place}", ("animal", "place"), "一只猫在海边"),
        ("{animal} {animal}", ("animal",), "猫 猫"),
        ("{{animal}}", (), "{animal}"),
        ("{{{animal}}}", ("animal",), "{猫}"),
        ("plain", (), "plain"),
    ],
)
def test_a_template_is_filled(template, names, text):
    """Names in braces, and doubled braces for braces."""
    assert names == template_variables(template)
    assert text == filled(template, {"animal": "猫", "place": "海边"})


@pytest.mark.parametrize(
    ("template", "position"), [("一{", 2), ("{}", 1), ("a}b", 2), ("{a{b}}", 1), ("{a}}", 4)]
)
def test_a_single_brace_is_refused(template, position):
    """Its place is told, in characters."""
    with pytest.raises(ValidationFailed) as caught:
        template_variables(template)

    assert position == caught.value.problems[0].reason.args["position"]


def test_a_plan_that_is_too_large_is_refused_at_once():
    """However many tasks it would make: their number may have more digits than Python shows."""
    names = [f"a{number}" for number in range(4_000)]
    template = "".join(f"{{{name}}}" for name in names)
    plan = BatchPlan(template=template, variables=dict.fromkeys(names, tuple("0123456789")))

    with pytest.raises(ValidationFailed) as caught:
        plan.check()

    (problem,) = caught.value.problems
    assert ("body", "TOO_MANY_TASKS") == (problem.field, problem.reason.code.name)


def test_items_are_numbered():
    """Each prompt by each target, the last variable changing fastest; an item's own parameters come first."""
    targets = (Target(provider_name="a"), Target(provider_name="b", model_id="m"))
    plan = BatchPlan(template="{x}{y}", variables={"y": ("3", "4"), "x": ("1", "2")}, targets=targets)
    own = BatchItem(prompt="猫", params={"seed": 7}, target=targets[1])
    items = BatchPlan(items=(own, BatchItem(prompt="狗")), params={"seed": 1, "num": 2}, targets=targets[:1])

    requests = [plan.submission(number) for number in range(plan.size)]
    first, second = (items.submission(number) for number in range(items.size))

    assert ["13", "13", "14", "14", "23", "23", "24", "24"] == [each.prompt for each in requests]
    assert [("a", None), ("b", "m")] * 4 == [(each.provider_name, each.model_id) for each in requests]
    assert ({"seed": 7, "num": 2}, "b") == (first.params, first.provider_name)
    assert ({"seed": 1, "num": 2}, "a") == (second.params, second.provider_name)


class CountedConfigs:
    """Saved configurations that count how often one is read."""

    def __init__(self, configs):
        self._configs, self.reads = configs, 0

    def __getattr__(self, name):
        return getattr(self._configs, name)

    async def get(self, provider_name):
        self.reads += 1
        return await self._configs.get(provider_name)


async def test_providers_are_looked_up_once_for_all_items():
    """Those to ask next, too."""
    parts = memory_adapters()
    configs = CountedConfigs(parts.configs)
    other = attrs.evolve(priced("0.3"), provider_name="other")
    imagegen = an_imagegen(
        attrs.evolve(parts, configs=configs), file_configs={"demo": priced("0.1"), "other": other}
    )
    batch, _ = await imagegen.batches.create(Batch(), attrs.evolve(prompts(500), fallback=(Target("other"),)))

    assert (Decimal(150), True) == (batch.estimate[0].amount, configs.reads < 10)


# ---------------------------------------------------------------- submitting


async def test_two_loops_double_nothing():
    """As when a node that was presumed dead goes on."""
    imagegen = an_imagegen()
    other = an_imagegen(imagegen.parts)
    batch, _ = await imagegen.batches.create(Batch(concurrency=20), prompts(20))

    await asyncio.gather(*(one.batches.submit_some() for one in (imagegen, other) * 3))

    assert [*range(20)] == [task.batch.item for task in await tasks_of(imagegen, batch)]


async def test_a_refused_item_pauses_the_batch():
    """It says what is wrong; nothing is lost, and it goes on where it was."""
    parts, configs = memory_adapters(), {"demo": priced("0.1")}
    batch, _ = await an_imagegen(parts, file_configs=configs).batches.create(Batch(), prompts(3))
    off = {"demo": attrs.evolve(priced("0.1"), enabled=False)}
    await an_imagegen(parts, file_configs=off).batches.submit_some()
    paused = await parts.batches.get(batch.batch_id)
    imagegen = an_imagegen(parts, file_configs=configs)
    await imagegen.batches.change(batch.batch_id, "resume")
    await imagegen.batches.submit_some()

    assert (BatchStatus.PAUSED, "failure", 0) == (paused.status, paused.reason, paused.submitted)
    assert ProviderDisabled("demo").reason == paused.detail
    assert 3 == len(await tasks_of(imagegen, batch))


async def test_a_price_that_rises_stops_at_the_ceiling():
    """What holds is the price at which an item is submitted."""
    parts, ceiling = memory_adapters(), Cost(amount=Decimal("0.3"), currency="CNY", basis=Basis.KNOWN)
    cheap = an_imagegen(parts, file_configs={"demo": priced("0.1")})
    batch, _ = await cheap.batches.create(Batch(max_cost=ceiling, concurrency=1), prompts(3))
    await cheap.batches.submit_some()
    (task,) = await tasks_of(cheap, batch)
    await cheap.tasks.cancel(task.task_id)
    dear = an_imagegen(parts, file_configs={"demo": priced("0.31")})
    await dear.batches.submit_some()
    paused = await parts.batches.get(batch.batch_id)

    assert ("max_cost", 1) == (paused.reason, paused.submitted)
    assert 10**9 == task.batch.quote_ticks


async def test_the_dearest_that_may_be_asked_counts():
    """A task of a batch may go on to another provider, whose price is within the ceiling then."""
    configs = {"demo": priced("0.1"), "dear": attrs.evolve(priced("0.3"), provider_name="dear")}
    imagegen = an_imagegen(file_configs=configs)
    ceiling = Cost(amount=Decimal("0.5"), currency="CNY", basis=Basis.KNOWN)
    plan = attrs.evolve(prompts(3), fallback=(Target("dear"),))
    batch, _ = await imagegen.batches.create(Batch(max_cost=ceiling), plan)
    await imagegen.batches.submit_some()

    (task,) = await tasks_of(imagegen, batch)
    assert (Decimal("0.9"), 3 * 10**9) == (batch.estimate[0].amount, task.batch.quote_ticks)


async def test_a_full_queue_and_a_full_disk_only_delay():
    """The batch stays as it is; half of the queue is left to other tasks."""
    has_room = True
    parts = attrs.evolve(memory_adapters(), has_room=lambda: has_room)
    imagegen = an_imagegen(parts, limits=Limits(queue_size=4))
    batch, _ = await imagegen.batches.create(Batch(), prompts(4))
    has_room = False
    await imagegen.batches.submit_some()
    nothing = await tasks_of(imagegen, batch)
    has_room = True
    await imagegen.batches.submit_some()

    assert ([], 2) == (nothing, len(await tasks_of(imagegen, batch)))
    assert BatchStatus.RUNNING is (await parts.batches.get(batch.batch_id)).status


async def test_what_a_dead_process_left_of_a_cancelled_batch_is_cancelled():
    """It had stored that the batch is cancelled, and no more."""
    imagegen = an_imagegen()
    batch, _ = await imagegen.batches.create(Batch(), prompts(3))
    await imagegen.batches.submit_some()
    await imagegen.parts.batches.change(batch.batch_id, "cancel", now=imagegen.parts.clock.now())

    await imagegen.batches.submit_some()

    ended = await imagegen.parts.batches.get(batch.batch_id)
    assert 3 == ended.counts[TaskStatus.CANCELLED]
    assert ended.completed_at is not None


async def test_a_batch_runs_to_its_end_by_itself():
    """Once a program has entered the block."""
    async with an_imagegen() as imagegen:
        batch, _ = await imagegen.batches.create(Batch(concurrency=2), prompts(5))
        changed = asyncio.Event()
        imagegen.parts.cluster.hear(BATCHES, lambda _: changed.set())
        async with asyncio.timeout(60):
            while (await imagegen.parts.batches.get(batch.batch_id)).completed_at is None:
                await changed.wait()
                changed.clear()

    ended = await imagegen.parts.batches.get(batch.batch_id)
    assert (BatchStatus.COMPLETED, 5) == (ended.status, ended.counts[TaskStatus.COMPLETED])
