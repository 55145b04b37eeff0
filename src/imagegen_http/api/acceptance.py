"""Answers whoever submitted a task: 202 once it is durable, or 200 when it has ended in the time to wait."""

import asyncio
import re
from typing import Any

from litestar import Response
from litestar.openapi.datastructures import ResponseSpec

from imagegen_core.limits import MAX_WAIT_SECONDS
from imagegen_core.ports.task_repository import AddedTask
from imagegen_http.answers.envelope import Success, success
from imagegen_http.answers.responses import refusals, response
from imagegen_http.answers.tasks import AcceptedTask, Task
from imagegen_http.api.json_response import JsonResponse
from imagegen_http.asgi import request_context
from imagegen_http.runtime.service import Service

TaskResponse = Response[Success[AcceptedTask] | Success[Task]]

_WAIT_PREFERENCE = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?", re.IGNORECASE)


def acceptances(*slugs: str) -> dict[Any, ResponseSpec]:
    """Return what the OpenAPI document says of the responses of a route that submits, and may refuse."""
    return {
        202: response(Success[AcceptedTask], "the task is on disk"),
        200: response(Success[Task], "the finished task, where the caller waited for it"),
        **refusals(*slugs),
    }


async def acceptance(service: Service, added: AddedTask, prefer: str | None) -> TaskResponse:
    """Return 202 with the durable task, or 200 with the finished one when the caller waits for it."""
    headers = {"Location": f"/api/v1/tasks/{added.task.task_id}", "Cache-Control": "no-store"}
    if added.replayed:
        headers["Idempotent-Replayed"] = "true"
    if seconds := _wait_seconds(prefer):
        headers["Preference-Applied"] = f"wait={seconds}"
        done = await _wait(service, added.task.task_id, seconds)
        if done is not None:
            return JsonResponse(done, status_code=200, headers=headers)
    headers["Retry-After"] = "1"
    return JsonResponse(success(AcceptedTask.from_task(added.task)), status_code=202, headers=headers)


async def _wait(service: Service, task_id: str, seconds: int) -> Success[Task] | None:
    """Return the finished task, or None when the time is up or the service stops."""
    waiting = asyncio.create_task(service.imagegen.wait(task_id, timeout=seconds))
    stopping = asyncio.create_task(service.stopping.wait())
    try:
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done() or not waiting.result().status.final:
            return None
        view = await service.imagegen.show_task.view(waiting.result())
        return success(Task.from_view(view, request_context.language.get()))
    finally:
        waiting.cancel()
        stopping.cancel()


def _wait_seconds(prefer: str | None) -> int:
    match = _WAIT_PREFERENCE.search(prefer or "")
    return min(int(match[1]), MAX_WAIT_SECONDS) if match else 0
