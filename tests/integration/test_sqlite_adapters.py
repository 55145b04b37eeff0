"""What the adapters over SQLite do beyond their contracts."""

import attrs
import pytest

from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.sql import SqliteSql
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_adapters.stores.sqlite.search import sqlite_gallery
from imagegen_adapters.stores.sqlite.tasks import SqliteQueue, SqliteTasks
from imagegen_core.attempt import SentConfig
from imagegen_core.errors import Failure, FailureCode
from imagegen_core.messages import upstream_text
from imagegen_core.ports.gallery import ImageFilter, ImageList
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.search import Paging
from imagegen_core.task import EventKind
from tests.contracts.samples import a_task, an_attempt, an_event, an_image, later

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path):
    database = Database.open(tmp_path / "imagegen.db")
    yield database
    await database.close()


@pytest.fixture
def repository(database):
    return SqliteTasks(database, simplify=str)


async def test_a_wiped_override_leaves_no_trace(repository, database, tmp_path):
    """After the task has ended and a checkpoint, its sealed key is nowhere in the file."""
    task = a_task(override="SEALED-OVERRIDE-" + "x" * 5000)
    await repository.add(task, queue_size=1)
    await repository.save(task.fence, task=task.cancel(later(1)))
    await database.close()

    assert b"SEALED-OVERRIDE-" not in (tmp_path / "imagegen.db").read_bytes()


async def test_a_wiped_configuration_of_a_call_leaves_no_trace(repository, database, tmp_path):
    """The same holds for the configuration of a call."""
    task = a_task()
    await repository.add(task, queue_size=1)
    config = SentConfig(text="SEALED-CALL-" + "x" * 5000, sealed=True)
    attempt = an_attempt(task).submitting(later(1), config=config)
    await repository.save(task.fence, attempts=(attempt,))
    failure = Failure(FailureCode.TIMEOUT, "no answer")
    await repository.save(task.fence, attempts=(attempt.failed(later(2), failure),))
    await database.close()

    assert b"SEALED-CALL-" not in (tmp_path / "imagegen.db").read_bytes()


async def test_progress_is_kept_for_a_day(database):
    """Older progress events are purged when another task ends; other events stay."""
    bus = SqliteQueue(database)
    await bus.publish(an_event("a"))
    await bus.publish(an_event("a", EventKind.COMPLETED))
    await bus.publish(attrs.evolve(an_event("b", EventKind.COMPLETED), at=later(86_401)))

    kinds = await database.read(
        lambda c: c.execute("SELECT task_id, kind FROM events ORDER BY id").fetchall()
    )
    assert [("a", "completed"), ("b", "completed")] == [tuple(row) for row in kinds]


async def test_an_image_whose_prompt_is_damaged_hides_no_other(database, repository):
    """It is listed, found and shown with what can be read of its prompt, as is each image beside it."""
    task = a_task()
    await repository.add(task, queue_size=1)
    attempt = an_attempt(task)
    images = tuple(an_image(attempt, position=place) for place in range(3))
    stored = await repository.save(task.fence, attempts=(attempt,), images=images)
    damage = "UPDATE images SET prompt = CAST(x'61ff' AS TEXT) WHERE id = ?"
    await database.writer.execute(damage, (stored[1].id,))
    gallery, favourites = sqlite_gallery(database), ImageFilter(favourite=False)

    pages = [await gallery.list(ImageList(criteria=c), Paging()) for c in (ImageFilter(), favourites)]

    for page in pages:
        assert [image.id for image in reversed(stored)] == [hit.image.id for hit in page.items]
        assert "a\N{REPLACEMENT CHARACTER}" == page.items[1].image.prompt


async def test_an_error_without_a_code_is_its_text(database):
    """Else no entry after it would be claimed."""
    row = "INSERT INTO outbox (kind, blob_key, last_error) VALUES ('upload', 'a', '403 AccessDenied')"
    await database.writer.write(lambda c: c.execute(row).rowcount)
    outbox = SqlOutbox(SqliteSql(database))

    (entry,) = await outbox.claim(due=None)

    assert [upstream_text("403 AccessDenied")] * 2 == [entry.last_error, (await outbox.counts()).last_error]


async def test_what_runs_again_is_not_compiled_again():
    """Each number for a limit would make SQLite do so: of a claim, and of a page of tasks or images."""
    database, compiled = Database.in_memory(), []
    queue, gallery = SqliteQueue(database), sqlite_gallery(database)
    tasks = SqliteTasks(database, simplify=str)

    def note(*parts):
        compiled.append(parts)
        return sqlite3.SQLITE_OK

    await database.writer.write(lambda connection: connection.set_authorizer(note))
    for limit in (1, 2):
        compiled.clear()
        await tasks.add(a_task(), queue_size=9)
        await queue.demand(now=later(limit), limit=limit)
        await queue.claim("node", limit=limit, now=later(limit), provider_limits={"demo": 9})
        await tasks.find(TaskFilter(), Paging(page_size=limit))
        for images in (ImageList(), ImageList(criteria=ImageFilter(provider_name="demo"))):
            await gallery.list(images, Paging(page_size=limit))

    assert [] == [parts for parts in compiled if parts[0] != sqlite3.SQLITE_TRANSACTION]
