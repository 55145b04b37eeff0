"""The contract of idempotency keys, as tests to subclass.

A subclass provides the fixtures ``repository`` and ``keys``, over the same empty store.
"""

import attrs
import pytest

from imagegen_core.errors import IdempotencyKeyReused
from imagegen_core.ports.idempotency_keys import IdempotencyKeys
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.samples import NOW, a_claim, a_task, later


class IdempotencyKeysContract:
    """Looking up the tasks of keys."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the empty repository that stores the keys."""
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
        """The task is returned in its present state, not as it was created."""
        task = a_task()
        await repository.add(task, queue_size=9, idempotency=a_claim())
        await repository.save(task.cancel(later(1)), task.fence)

        replayed = await keys.replay(a_claim(), now=NOW)

        assert replayed is not None
        assert (task.task_id, "cancelled") == (replayed.task_id, replayed.status)

    async def test_another_body_is_refused(self, repository: TaskRepository, keys: IdempotencyKeys) -> None:
        """A key belongs to one body."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim())

        with pytest.raises(IdempotencyKeyReused):
            await keys.replay(a_claim(body="bb"), now=NOW)

    async def test_scopes_are_apart(self, repository: TaskRepository, keys: IdempotencyKeys) -> None:
        """The same key in another scope is a different key."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim())

        assert await keys.replay(a_claim(scope="other"), now=NOW) is None

    async def test_an_expired_key_is_new_again(
        self, repository: TaskRepository, keys: IdempotencyKeys
    ) -> None:
        """A day later the key may be used for another request."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim())

        assert await keys.replay(a_claim(), now=later(86_400)) is None

    async def test_keys_with_a_beginning_tell_what_they_made(
        self, repository: TaskRepository, keys: IdempotencyKeys
    ) -> None:
        """The newest come first, in their present state; keys with other prefixes or scopes are ignored."""
        tasks = [a_task() for _ in range(4)]
        for task, key in zip(tasks, ("a.1", "a.2", "ab.3", "b.4"), strict=True):
            await repository.add(task, queue_size=9, idempotency=a_claim(key, body=key))
        await repository.add(a_task(), queue_size=9, idempotency=a_claim("a.9", scope="other"))
        await repository.save(tasks[0].cancel(later(1)), tasks[0].fence)

        keyed_tasks = await keys.tasks_by_prefix(scope=a_claim().scope, prefix="a.", now=NOW)

        assert [tasks[1].task_id, tasks[0].task_id] == [keyed.task.task_id for keyed in keyed_tasks]
        assert [("a.2", "pending"), ("a.1", "cancelled")] == [(k.key, k.task.status) for k in keyed_tasks]

    async def test_expired_keys_made_nothing(self, repository: TaskRepository, keys: IdempotencyKeys) -> None:
        """Expired keys are not returned, whatever their prefix."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim("a.1"))

        assert () == await keys.tasks_by_prefix(scope=a_claim().scope, prefix="a.", now=later(86_400))

    async def test_no_more_than_twenty_are_returned(
        self, repository: TaskRepository, keys: IdempotencyKeys
    ) -> None:
        """The newest twenty are returned."""
        tasks = [a_task() for _ in range(22)]
        for number, task in enumerate(tasks):
            await repository.add(task, queue_size=99, idempotency=a_claim(f"a.{number}"))

        keyed_tasks = await keys.tasks_by_prefix(scope=a_claim().scope, prefix="a.", now=NOW)

        assert [task.task_id for task in reversed(tasks[2:])] == [keyed.task.task_id for keyed in keyed_tasks]

    async def test_keys_are_unanswered_until_they_are_marked(
        self, repository: TaskRepository, keys: IdempotencyKeys
    ) -> None:
        """The oldest come first; keys with other prefixes or scopes are ignored."""
        tasks = [a_task() for _ in range(4)]
        for task, key in zip(tasks, ("a.2", "a.1", "a.3", "ab.4"), strict=True):
            await repository.add(task, queue_size=9, idempotency=a_claim(key, body=key))
        await repository.add(a_task(), queue_size=9, idempotency=a_claim("a.9", scope="other"))
        for _ in range(2):
            await keys.mark_answered(tasks[1].task_id, at=later(1))

        unanswered = await keys.unanswered(scope=a_claim().scope, prefix="a.", now=NOW, ended_since=NOW)

        assert [("a.2", tasks[0].task_id), ("a.3", tasks[2].task_id)] == [
            (k.key, k.task_id) for k in unanswered
        ]

    async def test_what_ended_earlier_is_not_among_the_unanswered(
        self, repository: TaskRepository, keys: IdempotencyKeys
    ) -> None:
        """Nor are expired keys."""
        for second in range(3):
            task = a_task()
            await repository.add(task, queue_size=9, idempotency=a_claim(f"a.{second}"))
            await repository.save(task.cancel(later(second)), task.fence)

        async def unanswered_keys(now: int, ended_since: int) -> list[str]:
            since = later(ended_since)
            unanswered = await keys.unanswered(
                scope=a_claim().scope, prefix="a.", now=later(now), ended_since=since
            )
            return [unanswered_key.key for unanswered_key in unanswered]

        assert [["a.1", "a.2"], [], []] == [
            await unanswered_keys(9, 0),
            await unanswered_keys(9, 2),
            await unanswered_keys(86_400, 0),
        ]

    async def test_a_task_without_a_key_may_be_answered(
        self, repository: TaskRepository, keys: IdempotencyKeys
    ) -> None:
        """Marking it changes nothing, and an unknown task is no error."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim("a.1"))
        await keys.mark_answered(a_task().task_id, at=NOW)

        unanswered = await keys.unanswered(scope=a_claim().scope, prefix="a.", now=NOW, ended_since=NOW)

        assert ["a.1"] == [unanswered_key.key for unanswered_key in unanswered]

    async def test_a_key_used_again_after_its_time_is_unanswered(
        self, repository: TaskRepository, keys: IdempotencyKeys
    ) -> None:
        """The new task has not been answered yet."""
        for day in range(2):
            task = a_task(created_at=later(day * 86_400))
            claim = attrs.evolve(a_claim("a.1"), expires_at=later((day + 1) * 86_400))
            await repository.add(task, queue_size=9, idempotency=claim)
            if day == 0:
                await keys.mark_answered(task.task_id, at=later(1))

        unanswered = await keys.unanswered(
            scope=a_claim().scope, prefix="a.", now=later(86_400), ended_since=NOW
        )

        assert ["a.1"] == [unanswered_key.key for unanswered_key in unanswered]
