"""Tasks that nobody runs."""

from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.samples import NOW, a_task
from tests.contracts.tasks.additions import add


class Orphans:
    """Finding orphans."""

    async def test_orphans_are_tasks_of_owners_that_are_not_alive(self, repository: TaskRepository) -> None:
        """Processing tasks of dead owners are returned, oldest first; pending and ended ones are not."""
        mine, waiting, ended, old, older = (a_task() for _ in range(5))
        await add(repository, older, mine, waiting, ended, old)
        await repository.save(old.claim("dead", NOW), old.fence)
        await repository.save(older.claim("long dead", NOW), older.fence)
        await repository.save(mine.claim("me", NOW), mine.fence)
        await repository.save(ended.claim("dead", NOW).complete(NOW), ended.fence)

        orphans = await repository.orphans(alive=["me", "another"], running=[])

        assert [older.task_id, old.task_id] == [task.task_id for task in orphans]

    async def test_what_runs_is_no_orphan(self, repository: TaskRepository) -> None:
        """A task that is running is left out, whoever owns it."""
        running, given_up = a_task(), a_task()
        await add(repository, running, given_up)
        await repository.save(running.claim("me", NOW), running.fence)
        await repository.save(given_up.claim("me", NOW), given_up.fence)

        orphans = await repository.orphans(alive=[], running=[running.task_id, "unknown"])

        assert [given_up.task_id] == [task.task_id for task in orphans]
