"""Several nodes add, claim and save tasks in one PostgreSQL database at the same time."""

import asyncio
from contextlib import asynccontextmanager, closing, suppress

import attrs
import pytest

from imagegen_adapters.stores import DatabaseCode
from imagegen_adapters.stores.postgresql.database import ConnectionPolicy, Database, json_argument
from imagegen_adapters.stores.postgresql.tasks import PostgresqlQueue, PostgresqlTasks
from imagegen_adapters.stores.rows import task_to_row
from imagegen_adapters.system import simplify
from imagegen_core.errors import QueueFull, StaleTask, StorageError, StorageUnreachable
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.search import Paging
from imagegen_core.task import TaskStatus
from tests.contracts.samples import NOW, a_claim, a_task, an_attempt, an_image, later

pytestmark = [pytest.mark.anyio, pytest.mark.one_python]

BLOCKED = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@attrs.frozen
class Node:
    """What a process has: connections, and the adapters over them."""

    database: Database
    repository: PostgresqlTasks
    queue: PostgresqlQueue

    @classmethod
    async def open(cls, dsn, policy=None):
        database = await Database.open(dsn, policy or ConnectionPolicy())
        return cls(database, PostgresqlTasks(database, simplify=simplify), PostgresqlQueue(database))


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


@pytest.fixture
async def nodes(database, postgresql_dsn):
    """Return two nodes over the same empty database."""
    opened = [await Node.open(postgresql_dsn) for _ in range(2)]
    yield opened
    for node in opened:
        await node.database.close()


@pytest.fixture
def repository(nodes):
    return nodes[0].repository


async def blocked(database, number=1):
    """Return the processes of so many statements that wait for locks, once they do."""
    async with asyncio.timeout(60):
        while len(rows := await database.rows(BLOCKED)) < number:
            pass
    return [row["pid"] for row in rows]


async def count(database, table):
    return (await database.row(f"SELECT count(*) FROM {table}"))[0]  # noqa: S608 - names of tables


# ---------------------------------------------------------------- adding


async def unended(node):
    """Return how many tasks wait, and how many run."""
    return tuple((await node.repository.counts((TaskStatus.PENDING, TaskStatus.PROCESSING))).values())


async def test_eighty_equal_adds_at_two_nodes_make_one_task(nodes, database):
    """One of them creates it; the others are answered with it, whichever node they came to."""
    added = await asyncio.gather(
        *(nodes[n % 2].repository.add(a_task(), queue_size=80, claim=a_claim()) for n in range(80))
    )

    assert (1, 79) == (len({one.task.task_id for one in added}), sum(one.replayed for one in added))
    assert 1 == await count(database, "tasks")


async def test_the_queue_takes_no_more_than_its_size_from_all_nodes(nodes):
    """Exactly as many adds succeed as there is room for, in spite of deferred tasks and other nodes."""
    await nodes[0].repository.add(a_task(not_before=later(60)), queue_size=50)
    outcomes = await asyncio.gather(
        *(nodes[n % 2].repository.add(a_task(), queue_size=50) for n in range(300)), return_exceptions=True
    )

    assert 251 == sum(isinstance(outcome, QueueFull) for outcome in outcomes)
    assert (50, 0) == await unended(nodes[1])


async def test_the_size_is_exact_although_adds_seldom_count(nodes):
    """One after the other, up to the size, while others end, are claimed and are requeued."""
    sizes = []
    for node in nodes * 2:
        for _ in range(4):
            with suppress(QueueFull):
                await node.repository.add(a_task(), queue_size=3)
        sizes.append((await unended(node))[0])
        one, two = await node.queue.claim("me", limit=2, now=NOW, provider_limits={"demo": 9})
        await node.repository.save(one.fence, task=one.complete(NOW))
        await node.repository.save(two.fence, task=two.requeue())

    assert [3] * 4 == sizes


async def test_an_add_counts_only_when_there_may_be_too_many(nodes):
    """Otherwise each would read all that wait, while all nodes wait for it."""
    await asyncio.gather(*(nodes[0].repository.add(a_task(), queue_size=1000) for _ in range(500)))
    read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'tasks'"

    async with nodes[1].database.transaction() as connection:
        await connection.fetch("SELECT * FROM add_tasks($1)", '[{"queue_size": 0}]')
        counted = await connection.fetchval(read)
        addition = json_argument({"task": task_to_row(a_task()), "queue_size": 1000})
        await connection.fetch("SELECT * FROM add_tasks($1)", f"[{addition}]")
        added = await connection.fetchval(read) - counted

    assert (True, 0) == (counted >= 500, added)


async def test_tasks_are_older_in_the_order_of_their_acceptance(nodes):
    """An add that follows the answer to another has the younger task, whichever nodes made them."""
    tasks = [a_task() for _ in range(40)]
    for number, task in enumerate(tasks):
        await nodes[number % 2].repository.add(task, queue_size=100)

    page = await nodes[0].repository.find(TaskFilter(), Paging(page_size=40))

    assert tasks == list(page.items[::-1])


@pytest.mark.parametrize("prompt", ["a\x00b", "\ud83d"])
async def test_a_refused_add_spoils_no_other(repository, database, prompt):
    """It is refused alone, although all of them were one batch."""
    bad = a_task(prompt)
    tasks = [a_task() for _ in range(5)]
    outcomes = await asyncio.gather(
        *(repository.add(task, queue_size=100) for task in (*tasks[:3], bad, tasks[0], *tasks[3:])),
        return_exceptions=True,
    )

    assert [False] * 3 + [True, True, False, False] == [isinstance(o, StorageError) for o in outcomes]
    assert DatabaseCode.DATABASE_REFUSED is outcomes[3].reason.code
    assert 5 == await count(database, "tasks")


async def test_a_cancelled_add_spoils_no_other(repository, database):
    """Whether it waits for its batch, or its batch for the database; nobody knows whether it was stored."""
    async with database.transaction() as connection:
        await connection.execute("LOCK TABLE tasks")
        first, cancelled = (asyncio.create_task(repository.add(a_task(), queue_size=9)) for _ in range(2))
        await blocked(database)
        waiting, rest = (asyncio.create_task(repository.add(a_task(), queue_size=9)) for _ in range(2))
        await asyncio.sleep(0)
        for add in (cancelled, waiting):
            add.cancel()

    outcomes = await asyncio.gather(first, cancelled, waiting, rest, return_exceptions=True)
    assert [False, True, True, False] == [isinstance(o, asyncio.CancelledError) for o in outcomes]
    assert 3 == await count(database, "tasks")


async def test_what_was_added_is_stored_as_it_came(repository, database):
    """Numbers, the order of keys and escaped NUL included, which jsonb would change or refuse."""
    params = {"b": 1e300, "a": -0.0, "seed": 2**64, "text": "\x00 é"}
    request = ImageRequest(operation=Operation.GENERATE, prompt="猫\n" * 16_000, params=params)
    task = a_task(request=request, config_snapshot=params, progress=0.1)
    await repository.add(task, queue_size=9)

    row = dict(await database.row("SELECT * FROM tasks"))
    assert {**task_to_row(task), "created_at": row["created_at"]} == {
        name: row[name] for name in task_to_row(task)
    }


# ---------------------------------------------------------------- claiming


async def test_no_task_is_claimed_by_two_nodes(nodes):
    """However many claims they make at the same time; together they get all."""
    tasks = [a_task() for _ in range(100)]
    for task in tasks:
        await nodes[0].repository.add(task, queue_size=100)

    claims = await asyncio.gather(
        *(
            nodes[n % 2].queue.claim(f"node {n % 2}", limit=3, now=NOW, provider_limits={"demo": 1000})
            for n in range(40)
        )
    )

    claimed = [task.task_id for claim in claims for task in claim]
    assert sorted(task.task_id for task in tasks) == sorted(claimed)


async def test_nodes_never_exceed_a_limit_together(nodes):
    """Claims at the same moment count each other, while tasks end and others come."""
    limits = {"busy": 3, "demo": 2}
    for n in range(40):
        await nodes[0].repository.add(a_task(provider_name="busy" if n % 2 else "demo"), queue_size=100)
    most = {"busy": 0, "demo": 0}
    while claims := await asyncio.gather(
        *(node.queue.claim("me", limit=9, now=NOW, provider_limits=limits) for node in nodes * 4)
    ):
        running = [task for claim in claims for task in claim]
        if not running:
            break
        for name in limits:
            most[name] = max(most[name], sum(task.provider_name == name for task in running))
        for task in running:
            await nodes[0].repository.save(task.fence, task=task.complete(NOW))

    assert limits == most
    assert (0, 0) == await unended(nodes[0])


async def test_a_claim_counts_those_that_are_being_made(nodes, database):
    """It waits for them, although an older task has become due that they do not have."""
    for task in (a_task(not_before=later(1)), a_task()):
        await nodes[0].repository.add(task, queue_size=9)
    moments = ["2026-11-24T08:00:00Z", "2026-11-24T10:00:00Z"]
    async with database.transaction() as connection:
        claim = "SELECT * FROM claim_tasks('me', 9, $1, $2, '{\"demo\": 1}')"
        claimed = await connection.fetch(claim, *moments)
        waiting = asyncio.create_task(
            nodes[0].queue.claim("another", limit=9, now=later(1), provider_limits={"demo": 1})
        )
        await blocked(database)

    assert (1, ()) == (len(claimed), await waiting)


async def test_a_claim_passes_over_what_another_is_changing(nodes, database):
    """It does not wait for a task that is being cancelled, and takes the next one."""
    tasks = [a_task() for _ in range(3)]
    for task in tasks:
        await nodes[0].repository.add(task, queue_size=9)
    async with database.transaction() as connection:
        await connection.execute("SELECT FROM tasks WHERE task_id = $1 FOR UPDATE", tasks[1].task_id)
        claimed = await nodes[0].queue.claim("me", limit=9, now=NOW, provider_limits={"demo": 9})

    assert [tasks[0].task_id, tasks[2].task_id] == [task.task_id for task in claimed]


async def test_a_claim_reads_only_what_waits(nodes, database):
    """Although the statistics are from a time when all tasks waited; otherwise each claim would read all."""
    await nodes[0].repository.add(a_task(), queue_size=9)
    columns = "operation, prompt, params, inputs, provider_name, model_id, config_snapshot, max_retries"
    rest = "attempts, retries, rescues, warnings, cancel_requested, locked, epoch, created_at"
    copies = f"""
        INSERT INTO tasks (task_id, status, {columns}, {rest})
        SELECT number, status, {columns}, {rest} FROM tasks, generate_series(1, 20000) AS number
    """  # noqa: S608 - names of columns
    await database.rows(copies)
    await database.rows("ANALYZE tasks")
    await database.rows("UPDATE tasks SET status = 'completed'")
    await database.rows("VACUUM tasks")
    for name in ("demo", "other"):
        await nodes[0].repository.add(a_task(provider_name=name), queue_size=9)
    reads = """
        SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'tasks'
    """

    async with nodes[1].database.transaction() as connection:  # a process that has read nothing yet
        await connection.fetch("SELECT * FROM queue_demand($1, $2, 9)", *["2026-11-24T08:00:00Z"] * 2)
        claim = "SELECT * FROM claim_tasks('me', 9, now(), now(), '{\"demo\": 1, \"other\": 9}')"
        claimed = await connection.fetch(claim)
        read = await connection.fetchval(reads)

    assert (2, True) == (len(claimed), read < 50)


# ---------------------------------------------------------------- saving


async def processing(repository, task):
    """Store a task that is processing, and return it."""
    await repository.add(task, queue_size=9)
    claimed = task.claim("one", NOW)
    await repository.save(task.fence, task=claimed)
    return claimed


@pytest.mark.parametrize("write", ["task", "attempts"])
async def test_a_write_that_waits_for_a_rescue_is_refused(nodes, database, write):
    """The fence is compared with what the rescue has stored, not with what was there before."""
    task = await processing(nodes[0].repository, a_task())
    late = {
        "task": {"task": task.complete(NOW)},
        "attempts": {"attempts": (an_attempt(task),)},
    }
    async with database.transaction() as connection:
        await connection.execute("UPDATE tasks SET epoch = epoch + 1, owner = NULL, status = 'pending'")
        writing = asyncio.create_task(nodes[0].repository.save(task.fence, **late[write]))
        await blocked(database)

    with pytest.raises(StaleTask):
        await writing
    assert 0 == await count(database, "attempts")


async def test_a_rescue_waits_for_a_write_and_sees_it(nodes, database):
    """An attempt that is being stored is there when the next worker reads the attempts."""
    task = await processing(nodes[0].repository, a_task())
    async with database.transaction() as connection:
        await connection.execute("LOCK TABLE attempts")
        writing = asyncio.create_task(nodes[0].repository.save(task.fence, attempts=(an_attempt(task),)))
        await blocked(database)
        rescued = task.rescue(attempts=0, is_recovery=False)
        rescuing = asyncio.create_task(nodes[1].repository.save(task.fence, task=rescued))
        await blocked(database, 2)

    await rescuing
    assert 1 == len(await nodes[1].repository.attempts(task.task_id))
    await writing


async def test_a_cancellation_is_requested_of_the_task_as_it_is(nodes, database):
    """A request that waits for the end of the task returns the ended task, unchanged."""
    task = await processing(nodes[0].repository, a_task())
    async with database.transaction() as connection:
        await connection.execute("UPDATE tasks SET status = 'completed', owner = NULL")
        asking = asyncio.create_task(nodes[1].repository.request_cancel(task.task_id))
        await blocked(database)

    answer = await asking
    assert (TaskStatus.COMPLETED, False) == (answer.status, answer.cancel_requested)


async def test_events_of_a_task_appear_in_their_order(nodes, database):
    """Who has read an event finds all later ones above its id, although parts are stored concurrently."""
    task = await processing(nodes[0].repository, a_task())
    one, two = an_attempt(task), an_attempt(task, part=1)
    async with database.transaction() as connection:
        await connection.execute("LOCK TABLE image_buckets")  # both wait after their images
        saving = [
            asyncio.create_task(
                node.repository.save(task.fence, attempts=(attempt,), images=(an_image(attempt),))
            )
            for node, attempt in zip(nodes, (one, two), strict=True)
        ]
        await blocked(database, 2)
        await connection.execute("SELECT add_event($1, 'progress', now(), '{}')", task.task_id)
    await asyncio.gather(*saving)

    events = await database.rows("SELECT kind, xmin FROM events ORDER BY id")
    assert ["progress", "image", "image"] == [event["kind"] for event in events]


async def test_an_event_waits_for_the_earlier_ones_of_its_task(nodes, database):
    """Those of other tasks do not wait."""
    add = "SELECT add_event($1, 'progress', now(), '{}')"
    async with database.transaction() as connection:
        first = await connection.fetchval(add, "a")
        waiting = asyncio.create_task(nodes[0].database.row(add, "a"))
        await blocked(database)
        await nodes[1].database.row(add, "b")
        done = waiting.done()

    assert (False, True) == (done, (await waiting)[0] > first)


async def test_a_connection_that_dies_in_a_save_leaves_nothing_half(nodes, database):
    """Task, attempt, image and event are stored together or not at all."""
    task = await processing(nodes[0].repository, a_task())
    attempt = an_attempt(task)
    async with database.transaction() as connection:
        await connection.execute("LOCK TABLE events")
        saving = asyncio.create_task(
            nodes[0].repository.save(
                task.fence, task=task.complete(NOW), attempts=(attempt,), images=(an_image(attempt),)
            )
        )
        (process,) = await blocked(database)
        await database.rows("SELECT pg_terminate_backend($1)", process)
        with pytest.raises(StorageUnreachable):
            await saving

    assert task == await nodes[0].repository.get(task.task_id)
    assert [0] * 4 == [
        await count(database, table) for table in ("attempts", "images", "image_texts", "events")
    ]


# ---------------------------------------------------------------- an unknown outcome


class Link:
    """Forwards bytes between clients and the server, until it keeps an answer back and hangs up."""

    def __init__(self, server):
        self._server = server
        self.cut = False

    async def __call__(self, reader, writer):
        server_reader, server_writer = await asyncio.open_unix_connection(self._server)
        asking = asyncio.create_task(self._forward(reader, server_writer))
        with closing(writer), closing(server_writer):
            await self._forward(server_reader, writer, stops=True)
        asking.cancel()

    async def _forward(self, reader, writer, *, stops=False):
        while chunk := await reader.read(65_536):
            if stops and self.cut:
                return
            writer.write(chunk)


@asynccontextmanager
async def linked(cluster, folder):
    """Yield a link to the server, and the socket directory of its other end."""
    link = Link(str(cluster.folder / ".s.PGSQL.5432"))
    async with await asyncio.start_unix_server(link, folder / ".s.PGSQL.5432"):
        yield link


async def test_an_unknown_outcome_of_an_add_is_an_error(postgresql, postgresql_dsn, database, tmp_path):
    """The task is stored, and its caller not told so; the same request with the same key finds it."""
    task = a_task()
    async with linked(postgresql, tmp_path) as link:
        node = await Node.open(postgresql_dsn.replace(postgresql_dsn.partition("host=")[2], str(tmp_path)))
        await node.repository.add(a_task(), queue_size=9)
        link.cut = True
        with pytest.raises(StorageUnreachable):
            await node.repository.add(task, queue_size=9, claim=a_claim())
        link.cut = False
        again = await node.repository.add(a_task(), queue_size=9, claim=a_claim())
        await node.database.close()

    assert (True, task) == (again.replayed, again.task)
    assert 2 == await count(database, "tasks")
