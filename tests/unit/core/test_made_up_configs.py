"""An unsealed configuration may have been forged by anyone who can write to the database."""

import json

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import TaskStatus
from imagegen_core.attempt import Phase, SentConfig
from tests.unit.core.scripted_imagegen import crash_in, imagegen_over
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio


class AmbientProvider(ScriptedProvider):
    """Calls with credentials of this machine; ``addresses`` are those at which jobs were polled."""

    def __init__(self):
        super().__init__(as_job=True)
        self.addresses = []

    def describe(self, config):
        return attrs.evolve(super().describe(config), ambient_credentials="a sign-in")

    async def poll(self, call, job, exchange):
        self.addresses.append(call.config.api_base)
        return await super().poll(call, job, exchange)


async def test_credentials_of_this_machine_go_to_no_address_that_is_not_sealed():
    """The current configuration is used instead."""
    provider = AmbientProvider()
    adapters = memory_adapters(providers={"scripted": provider})
    task_id = await crash_in(imagegen_over(provider, adapters=adapters), Phase.ACCEPTED)
    (attempt,) = await adapters.tasks.attempts(task_id)
    made_up = {"provider_name": "scripted", "kind": "scripted", "api_base": "https://thief.example"}
    unset = dict.fromkeys(("api_key", "models", "timeout_seconds", "max_retries"))
    text = json.dumps({**made_up, **unset, "source": "file", "extra_config": {}, "remote_id": ""})
    forged = attrs.evolve(attempt, config=SentConfig(text=text, sealed=False))
    await adapters.tasks.save((await adapters.tasks.get(task_id)).fence, attempts=(forged,))

    async with imagegen_over(provider, adapters=adapters) as alive:
        task = await alive.wait(task_id, timeout=60)

    assert (TaskStatus.COMPLETED, [None]) == (task.status, provider.addresses)
