"""Images as they are added to PostgreSQL, with their entries of the search index."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import attrs

from imagegen_adapters.image_records.index_entry import prepare_each
from imagegen_adapters.image_records.index_state import folding_version
from imagegen_adapters.image_records.postgresql import statements
from imagegen_adapters.image_records.rows import image_to_row, row_to_image
from imagegen_adapters.stores.postgresql.database import Connection, Row, json_argument
from imagegen_core.images import Image
from imagegen_core.search import Simplify, fold


async def insert_images(
    connection: Connection, images: Sequence[Image], simplify: Simplify
) -> tuple[Image, ...]:
    """Insert images within the caller's transaction, index them, and return them with their ids.

    An image whose (attempt_id, position) already exists is returned as stored.
    """
    additions = await images_to_json(images, simplify)
    ids = await connection.fetchval(statements.ADD_IMAGES, additions)
    return await stored_images(connection.fetchrow, images, ids)


async def images_to_json(images: Sequence[Image], simplify: Simplify) -> str:
    """Return what the function ``add_images`` of the database adds."""
    return json_argument(await prepare_each(images, partial(_addition, simplify=simplify)))


async def stored_images(
    fetch_row: Callable[..., Awaitable[Row | None]],
    images: Sequence[Image],
    ids: Sequence[int | None],
) -> tuple[Image, ...]:
    """Return images with the ids that ``add_images`` has returned, or as they had been stored before.

    Those are left out that have been deleted since. ``fetch_row`` returns the first row of a statement.
    """
    stored = []
    for image, image_id in zip(images, ids, strict=True):
        if image_id is not None:
            stored.append(attrs.evolve(image, id=image_id))
        else:
            row = await fetch_row(statements.GET_IMAGE_OF_ATTEMPT, image.attempt_id, image.position)
            if row is not None:
                stored.append(row_to_image(row))
    return tuple(stored)


def _addition(image: Image, simplify: Simplify) -> dict[str, Any]:
    return {
        "image": image_to_row(image),
        "folded": fold(image.prompt, simplify),
        "folding": folding_version(simplify),
    }
