"""An ImageGen over a scripted provider, and the ways in which a test runs its tasks."""

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, ImageGen, Limits
from imagegen_core.attempt import Phase, Receipt, UpstreamJob
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.costs import Cost
from imagegen_core.errors import CallError
from imagegen_core.policies import RetryPolicy
from imagegen_core.running.runner import Node
from imagegen_core.running.slots import RunningTask

AT_ONCE = RetryPolicy(base=0.0, jitter=0.0)


def refused(code=FailureCode.CONTENT_POLICY, **more) -> CallError:
    """Return the error of a provider that refuses a call."""
    return CallError(code, "the provider's words", **more)


def imagegen_over(
    provider, *, retry=AT_ONCE, extra_config=None, limits=None, adapters=None, **more
) -> ImageGen:
    """Return a service in memory with this provider; it retries at once and stops without a grace time."""
    config = ProviderConfig(
        provider_name="scripted", kind="scripted", source=ConfigSource.FILE, extra_config=extra_config or {}
    )
    return ImageGen(
        adapters or memory_adapters(providers={"scripted": provider}),
        limits=limits or Limits(default_provider="scripted", shutdown_grace_seconds=0),
        file_configs={"scripted": config},
        retry=retry,
        **more,
    )


async def outcome(imagegen, **params):
    """Return the task that was submitted and ran to its end."""
    async with imagegen:
        task = await imagegen.submit("猫", **params)
        return await imagegen.wait(task.task_id, timeout=60)


async def crash_in(imagegen: ImageGen, phase: Phase, *, quoted: Cost | None = None, **params) -> str:
    """Leave a task as a killed process would, its only attempt in ``phase``."""
    adapters = imagegen.parts
    task = await imagegen.submit("猫", **params)
    now = adapters.clock.now()
    limits = {"scripted": 9, "demo": 9}
    (claimed,) = await adapters.queue.claim("dead", limit=1, now=now, provider_limits=limits)
    await adapters.tasks.save(claimed.fence, task=claimed.count_attempt())
    attempt = await _reserve(imagegen, task.task_id)
    steps = {
        Phase.SUBMITTING: lambda a: a.submitting(now, quoted=quoted),
        Phase.ACCEPTED: lambda a: a.accepted(now, UpstreamJob(id="job-1", data={"n": 1})),
        Phase.RECEIVED: lambda a: a.received(now, Receipt(data={"job": "job-1"})),
    }
    for reached, step in steps.items():
        if attempt.phase is phase:
            break
        attempt = step(attempt)
        await adapters.tasks.save(claimed.fence, attempts=(attempt,))
        assert reached is attempt.phase
    return task.task_id


async def _reserve(imagegen, task_id):
    task = await imagegen.parts.tasks.get(task_id)
    attempt = imagegen.runner.calls.reserved(task, 0)
    await imagegen.parts.tasks.save(task.fence, attempts=(attempt,))
    return attempt


async def resume(imagegen, name):
    """Let a node of that name look once for tasks that nobody runs."""
    return await Node(imagegen.runner, name=name, runs_tasks=True, beat_seconds=1).resume()


def begun(imagegen, task):
    """Return the run of a task that has done nothing yet."""
    run = RunningTask(task=task, parts=imagegen.parts, on_images=lambda images: None, ticket=None)
    imagegen.runner.runs[task.task_id] = run
    return run


async def run_until_it_ended(imagegen, task, clock):
    """Run a task whenever it is due, and return it."""
    adapters = imagegen.parts
    for _ in range(4):
        while claimed := await adapters.queue.claim(
            "w", limit=1, now=clock.now(), provider_limits={"scripted": 9}
        ):
            await imagegen.runner.run(claimed[0])
        clock.advance(100)
    return await adapters.tasks.get(task.task_id)
