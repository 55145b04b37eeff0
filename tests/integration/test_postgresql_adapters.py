"""The PostgreSQL adapters fulfil the contracts of their ports."""

import attrs
import pytest

from imagegen_adapters.image_records.postgresql import PostgresqlImageRecords, insert_images
from imagegen_adapters.simplifiers.opencc import simplify
from imagegen_adapters.testing.image_records import ImageRecordsContract, add_image
from imagegen_core.images import StorageState
from tests.fakes.postgresql_tasks import PostgresqlTasks

pytestmark = pytest.mark.anyio


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


async def rows(database, sql, *values):
    return [tuple(row) for row in await database.rows(sql, *values)]


class OverPostgresql:
    """Fixtures of adapters that share a database."""

    @pytest.fixture
    def repository(self, database):
        return PostgresqlTasks(database, simplify=simplify)

    @pytest.fixture
    def records(self, database):
        return PostgresqlImageRecords(database, simplify=simplify)


class TestPostgresqlImageRecords(OverPostgresql, ImageRecordsContract):
    async def test_deleting_an_image_schedules_the_removal_of_its_blobs(self, repository, records, database):
        """Image and thumbnail are added to the outbox once, and a waiting upload is dropped."""
        image = await add_image(repository)
        await records.set_storage(image.id, StorageState.BOTH)
        upload = "INSERT INTO outbox (kind, blob_key, image_id) VALUES ('upload', $1, $2)"
        await database.rows(upload, image.blob_key, image.id)

        await records.delete(image.id)

        removals = await rows(database, "SELECT kind, blob_key, image_id FROM outbox ORDER BY id")
        assert [("remove", key, image.id) for key in (image.blob_key, image.thumbnail_key)] == removals

    async def test_an_image_is_stored_once(self, repository, records, database):
        """Its place with the attempt is taken; it comes back as it was stored."""
        image = await add_image(repository)
        async with database.transaction() as connection:
            again = await insert_images(connection, (attrs.evolve(image, id=0, prompt="x"),), simplify)

        assert ((image,), [(1,)]) == (again, await rows(database, "SELECT count(*) FROM image_texts"))
