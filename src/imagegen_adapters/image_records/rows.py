"""Conversion of images to and from rows of the images table."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from imagegen_adapters.stores.rows import (
    cost_from_columns,
    cost_to_columns,
    from_timestamp,
    object_from_json,
    to_json,
    to_timestamp,
)
from imagegen_core.images import Image, MediaType, StorageState
from imagegen_core.limits import MAX_METADATA_BYTES
from imagegen_core.marks import UNMARKED, Marks
from imagegen_core.operations import Operation

_OPERATIONS = {operation.value: operation for operation in Operation}
_MEDIA_TYPES = {media_type.value: media_type for media_type in MediaType}
_STORAGE_STATES = {state.value: state for state in StorageState}
"""A member by its value; calling the enumeration takes five times as long."""

_MAX_METADATA_CHARS = 6 * MAX_METADATA_BYTES
"""Whatever is escaped in it. What was stored before there was a bound may be longer, and is not shown."""

_NONE = "[]"
_FAVOURITE = Marks(favourite=True)


def image_to_row(image: Image) -> dict[str, Any]:
    """Return the columns of an image, without its id."""
    return {
        "task_id": image.task_id,
        "attempt_id": image.attempt_id,
        "position": image.position,
        "operation": image.operation.value,
        "prompt": image.prompt,
        "provider_name": image.provider_name,
        "model_id": image.model_id,
        "mime_type": image.mime_type.value,
        "width": image.width,
        "height": image.height,
        "size_bytes": image.size_bytes,
        "sha256": image.sha256,
        "vendor_sha256": image.vendor_sha256,
        "crc64": image.archive_checksum,
        "blob_key": image.blob_key,
        "thumbnail_key": image.thumbnail_key,
        "storage": image.storage.value,
        "params": to_json(dict(image.params)) if image.params else "{}",
        "metadata": to_json(dict(image.metadata)) if image.metadata else "{}",
        "created_at": to_timestamp(image.created_at),
        **cost_to_columns(image.cost),
    }


def row_to_image(row: Iterable[Any]) -> Image:
    """Return the image of a whole row of the table; its columns by place take a tenth of those by name.

    Those of its marks that are not of the table follow, where they are read.
    """
    (
        image_id,
        task_id,
        attempt_id,
        position,
        operation,
        prompt,
        provider_name,
        model_id,
        mime_type,
        width,
        height,
        size_bytes,
        sha256,
        vendor_sha256,
        crc64,
        blob_key,
        thumbnail_key,
        storage,
        params,
        metadata,
        created_at,
        cost_basis,
        cost_currency,
        cost_ticks,
        favourite,
        *marks,
    ) = row
    return Image(
        id=image_id,
        task_id=task_id,
        attempt_id=attempt_id,
        position=position,
        operation=_OPERATIONS[operation],
        prompt=prompt,
        provider_name=provider_name,
        model_id=model_id,
        mime_type=_MEDIA_TYPES[mime_type],
        width=width,
        height=height,
        size_bytes=size_bytes,
        sha256=sha256,
        vendor_sha256=vendor_sha256,
        archive_checksum=crc64,
        blob_key=blob_key,
        thumbnail_key=thumbnail_key,
        storage=_STORAGE_STATES[storage],
        params=object_from_json(params),
        metadata=object_from_json(metadata) if len(metadata) <= _MAX_METADATA_CHARS else {},
        created_at=from_timestamp(created_at),
        cost=cost_from_columns(cost_basis, cost_currency, cost_ticks),
        marks=row_to_marks((favourite, *marks)),
    )


def row_to_marks(row: Iterable[Any]) -> Marks:
    """Return the marks of the columns ``favourite``, ``tags`` and ``collections``; the latter may lack."""
    favourite, tags, collections = (*row, _NONE, _NONE)[:3]
    if tags == collections == _NONE:
        return _FAVOURITE if favourite else UNMARKED
    return Marks(
        favourite=bool(favourite), tags=tuple(json.loads(tags)), collections=tuple(json.loads(collections))
    )


def milliseconds(moment: datetime) -> int:
    """Return the time in milliseconds since 1970, with the precision of `to_timestamp`."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000
