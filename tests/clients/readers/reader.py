"""Reads a task and its image with the client that openapi-python-client makes of /openapi.json."""

import sys

from imagegen_client import Client
from imagegen_client.api.images import get_image
from imagegen_client.api.tasks import get_task
from imagegen_client.models import SuccessImageDetail, SuccessTask


def main(server: str, task_id: str) -> None:
    client = Client(base_url=server)
    answer = get_task.sync(client=client, task_id=task_id)
    assert isinstance(answer, SuccessTask)
    task = answer.data
    record = get_image.sync(client=client, image_id=str(task.images[0].id))
    assert isinstance(record, SuccessImageDetail)
    image = record.data
    side: int = image.width
    if side < 0:
        print(task.no_such_field)  # type: ignore[attr-defined]  # nothing here is `Any`
    print(task.status.value, task.prompt, image.mime_type.value, side, image.task_id == task.task_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
