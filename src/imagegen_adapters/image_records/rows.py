"""Conversion of images to and from rows of the images table."""

from datetime import datetime
from typing import Any

from imagegen_adapters.databases.json_columns import from_json, from_timestamp, to_json, to_timestamp
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_core.images import Image, MediaType, StorageState
from imagegen_core.operations import Operation


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
    }


def row_to_image(row: sqlite3.Row) -> Image:
    """Return the image of a row."""
    return Image(
        id=row["id"],
        task_id=row["task_id"],
        attempt_id=row["attempt_id"],
        position=row["position"],
        operation=Operation(row["operation"]),
        prompt=row["prompt"],
        provider_name=row["provider_name"],
        model_id=row["model_id"],
        mime_type=MediaType(row["mime_type"]),
        width=row["width"],
        height=row["height"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        vendor_sha256=row["vendor_sha256"],
        archive_checksum=row["crc64"],
        blob_key=row["blob_key"],
        thumbnail_key=row["thumbnail_key"],
        storage=StorageState(row["storage"]),
        params=from_json(row["params"], dict[str, Any]),
        metadata=from_json(row["metadata"], dict[str, Any]),
        created_at=from_timestamp(row["created_at"]),
    )


def milliseconds(moment: datetime) -> int:
    """Return the time in milliseconds since 1970, with the precision of `to_timestamp`."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000
