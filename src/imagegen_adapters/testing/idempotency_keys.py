"""What every store of idempotency keys promises, as tests to subclass.

A subclass gives the fixtures ``repository`` and ``keys``, over the same empty store.
"""

import pytest

from imagegen_adapters.testing.samples import NOW, a_task, later
from imagegen_adapters.testing.task_repository import a_claim
from imagegen_core.errors import IdempotencyKeyReused
from imagegen_core.ports.idempotency_keys import IdempotencyKeys
from imagegen_core.ports.task_repository import TaskRepository


class IdempotencyKeysContract:
    """Which task a key made."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the empty repository that the keys belong to."""
        raise NotImplementedError

    @pytest.fixture
    def keys(self) -> IdempotencyKeys:
        """Return the keys under test."""
        raise NotImplementedError

    async def test_a_new_key_made_nothing(self, keys: IdempotencyKeys) -> None:
        """There is nothing to replay."""
        assert await keys.replay(a_claim(), now=NOW) is None

    async def test_a_used_key_gives_its_task_as_it_is_now(
        self, repository: TaskRepository, keys: IdempotencyKeys
    ) -> None:
        """Not as it was when the key made it."""
        task = a_task()
        await repository.add(task, queue_size=9, idempotency=a_claim())
        await repository.save(task.cancel(later(1)))

        replayed = await keys.replay(a_claim(), now=NOW)

        assert replayed is not None
        assert (task.task_id, "cancelled") == (replayed.task_id, replayed.status)

    async def test_another_body_is_refused(self, repository: TaskRepository, keys: IdempotencyKeys) -> None:
        """A key means one body."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim())

        with pytest.raises(IdempotencyKeyReused):
            await keys.replay(a_claim(body="bb"), now=NOW)

    async def test_scopes_are_apart(self, repository: TaskRepository, keys: IdempotencyKeys) -> None:
        """The same key of another caller is another key."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim())

        assert await keys.replay(a_claim(scope="other"), now=NOW) is None

    async def test_an_expired_key_is_new_again(
        self, repository: TaskRepository, keys: IdempotencyKeys
    ) -> None:
        """A day later it may mean something else."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim())

        assert await keys.replay(a_claim(), now=later(86_400)) is None

    async def test_keys_with_a_beginning_tell_what_they_made(
        self, repository: TaskRepository, keys: IdempotencyKeys
    ) -> None:
        """The newest first, as it is now; other beginnings, scopes and bodies make no difference."""
        tasks = [a_task() for _ in range(4)]
        for task, key in zip(tasks, ("a.1", "a.2", "ab.3", "b.4"), strict=True):
            await repository.add(task, queue_size=9, idempotency=a_claim(key, body=key))
        await repository.add(a_task(), queue_size=9, idempotency=a_claim("a.9", scope="other"))
        await repository.save(tasks[0].cancel(later(1)))

        made = await keys.made(scope=a_claim().scope, prefix="a.", now=NOW)

        assert [tasks[1].task_id, tasks[0].task_id] == [task.task_id for task in made]
        assert ["pending", "cancelled"] == [task.status for task in made]

    async def test_expired_keys_made_nothing(self, repository: TaskRepository, keys: IdempotencyKeys) -> None:
        """Whatever they begin with."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim("a.1"))

        assert () == await keys.made(scope=a_claim().scope, prefix="a.", now=later(86_400))

    async def test_no_more_than_twenty_are_told(
        self, repository: TaskRepository, keys: IdempotencyKeys
    ) -> None:
        """The newest ones."""
        tasks = [a_task() for _ in range(22)]
        for number, task in enumerate(tasks):
            await repository.add(task, queue_size=99, idempotency=a_claim(f"a.{number}"))

        made = await keys.made(scope=a_claim().scope, prefix="a.", now=NOW)

        assert [task.task_id for task in reversed(tasks[2:])] == [task.task_id for task in made]
