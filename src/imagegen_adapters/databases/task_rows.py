"""Conversion of tasks and attempts to and from rows."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import attrs

from imagegen_adapters.databases.cost_columns import (
    cost_from_columns,
    cost_to_columns,
    optional_price,
    price_to_json,
)
from imagegen_adapters.databases.json_columns import (
    from_json,
    from_timestamp,
    object_from_json,
    object_to_json,
    optional_json,
    optional_moment,
    optional_timestamp,
    optional_value,
    to_json,
    to_timestamp,
)
from imagegen_core.failures import Failure
from imagegen_core.messages import Message
from imagegen_core.operations import Operation
from imagegen_core.ports.task_repository import IdempotencyClaim
from imagegen_core.requests.image_request import ImageRequest
from imagegen_core.requests.input_image import InputImage
from imagegen_core.tasks.attempt import (
    Attempt,
    Charge,
    InlineResponse,
    Phase,
    Receipt,
    SentConfig,
    UpstreamJob,
)
from imagegen_core.tasks.task import Task, TaskStatus
from imagegen_core.values.quarters import quarter_of

MAX_INLINE_CHARACTERS = 16 * 1024
"""The most text of tasks that is parsed on the event loop, in 0.1 ms; more is parsed in a thread."""

_log = logging.getLogger(__name__)


class Row(Protocol):
    """A row of whichever database."""

    def __getitem__(self, name: str, /) -> Any:
        """Return a column."""
        ...


@attrs.frozen(kw_only=True)
class _Inputs:
    """The input images of a request, which share one column."""

    references: tuple[InputImage, ...] = ()
    image: InputImage | None = None
    mask: InputImage | None = None


_NO_INPUTS = '{"references":[],"image":null,"mask":null}'


def task_to_row(task: Task) -> dict[str, Any]:
    """Return the columns of a task."""
    request = task.request
    return {
        **task_state(task),
        "operation": request.operation.value,
        "prompt": request.prompt,
        "params": object_to_json(request.params),
        "inputs": _inputs_to_json(request),
        "provider_name": task.provider_name,
        "retry_of": task.retry_of,
        "created_at": to_timestamp(task.created_at),
    }


def _inputs_to_json(request: ImageRequest) -> str:
    if not request.references and request.image is None:
        return _NO_INPUTS
    return to_json(_Inputs(references=request.references, image=request.image, mask=request.mask))


def task_state(task: Task) -> dict[str, Any]:
    """Return the id and the mutable columns of a task, without its request, which may be a megabyte."""
    return {
        "task_id": task.task_id,
        "model_id": task.model_id,
        "status": task.status.value,
        "config_snapshot": object_to_json(task.config_snapshot),
        "override": task.override,
        "max_retries": task.max_retries,
        "progress": task.progress,
        "attempts": task.attempts,
        "retries": task.retries,
        "rescues": task.recoveries,
        "warnings": to_json(task.warnings) if task.warnings else "[]",
        "failure": optional_json(task.failure),
        "cancel_requested": int(task.cancel_requested),
        "not_before": optional_timestamp(task.not_before),
        "locked": int(task.locked),
        "owner": task.owner,
        "epoch": task.epoch,
        "started_at": optional_timestamp(task.started_at),
        "completed_at": optional_timestamp(task.completed_at),
    }


def usage_key(task: Task) -> dict[str, Any]:
    """Return by which quarter of an hour a task that has ended counts as used, and its id."""
    return {"task_id": task.task_id, "quarter": quarter_of(task.completed_at or task.created_at)}


def row_to_task(row: Row) -> Task:
    """Return the task of a row."""
    return Task(
        task_id=row["task_id"],
        request=_request(row),
        provider_name=row["provider_name"],
        model_id=row["model_id"],
        status=TaskStatus(row["status"]),
        config_snapshot=object_from_json(row["config_snapshot"]),
        override=row["override"],
        max_retries=row["max_retries"],
        progress=row["progress"],
        attempts=row["attempts"],
        retries=row["retries"],
        recoveries=row["rescues"],
        warnings=() if row["warnings"] == "[]" else from_json(row["warnings"], tuple[Message, ...]),
        failure=optional_value(row["failure"], Failure),
        cancel_requested=bool(row["cancel_requested"]),
        not_before=optional_moment(row["not_before"]),
        locked=bool(row["locked"]),
        owner=row["owner"],
        epoch=row["epoch"],
        retry_of=row["retry_of"],
        created_at=from_timestamp(row["created_at"]),
        started_at=optional_moment(row["started_at"]),
        completed_at=optional_moment(row["completed_at"]),
    )


def readable_tasks(rows: Iterable[Row]) -> tuple[Task, ...]:
    """Return the tasks of all readable rows, so that a damaged one does not block the others."""
    tasks = []
    for row in rows:
        try:
            tasks.append(row_to_task(row))
        except Exception:  # noqa: BLE001 - logged, whatever is wrong with it
            _log.exception("a stored task cannot be read", extra={"task_id": row["task_id"]})
    return tuple(tasks)


async def claimed_tasks(rows: Sequence[Row]) -> tuple[Task, ...]:
    """Return the tasks of all readable rows, oldest first; long ones are parsed in a thread."""
    by_age = sorted(rows, key=lambda row: int(row["seq"]))
    if sum(map(_characters, rows)) <= MAX_INLINE_CHARACTERS:
        return readable_tasks(by_age)
    return await asyncio.to_thread(readable_tasks, by_age)  # each may be a megabyte


def _characters(row: Row) -> int:
    return len(row["prompt"]) + len(row["params"]) + len(row["inputs"])


def _request(row: Row) -> ImageRequest:
    inputs = _Inputs() if row["inputs"] == _NO_INPUTS else from_json(row["inputs"], _Inputs)
    return ImageRequest(
        operation=Operation(row["operation"]),
        prompt=row["prompt"],
        params=object_from_json(row["params"]),
        references=inputs.references,
        image=inputs.image,
        mask=inputs.mask,
    )


def claim_to_row(claim: IdempotencyClaim, task: Task) -> dict[str, Any]:
    """Return the columns of the idempotency key that a task was created with."""
    return {
        "scope": claim.scope,
        "key": claim.key,
        "body_sha256": claim.body_sha256,
        "task_id": task.task_id,
        "expires_at": to_timestamp(claim.expires_at),
    }


def attempt_to_row(attempt: Attempt) -> dict[str, Any]:
    """Return the columns of an attempt."""
    config, response = attempt.config, attempt.response
    return {
        "attempt_id": attempt.attempt_id,
        "task_id": attempt.task_id,
        "number": attempt.number,
        "part": attempt.part,
        "phase": attempt.phase.value,
        "charge": attempt.charge.value,
        "job": optional_json(attempt.job),
        "receipt": optional_json(attempt.receipt),
        "failure": optional_json(attempt.failure),
        "config": config.text if config is not None and not config.sealed else None,
        "sealed_config": config.text if config is not None and config.sealed else None,
        "created_at": to_timestamp(attempt.created_at),
        "updated_at": to_timestamp(attempt.updated_at),
        "response_name": None if response is None else response.name,
        "response": None if response is None else response.content,
        "price": price_to_json(attempt.price),
        **cost_to_columns(attempt.cost),
    }


def _config(row: Row) -> SentConfig | None:
    if row["sealed_config"] is not None:
        return SentConfig(text=row["sealed_config"], sealed=True)
    return None if row["config"] is None else SentConfig(text=row["config"], sealed=False)


def _response(row: Row) -> InlineResponse | None:
    if row["response"] is None:
        return None
    return InlineResponse(name=row["response_name"], content=row["response"])


def row_to_attempt(row: Row) -> Attempt:
    """Return the attempt of a row."""
    return Attempt(
        attempt_id=row["attempt_id"],
        task_id=row["task_id"],
        number=row["number"],
        part=row["part"],
        phase=Phase(row["phase"]),
        charge=Charge(row["charge"]),
        job=optional_value(row["job"], UpstreamJob),
        receipt=optional_value(row["receipt"], Receipt),
        response=_response(row),
        failure=optional_value(row["failure"], Failure),
        config=_config(row),
        price=optional_price(row["price"]),
        cost=cost_from_columns(row["cost_basis"], row["cost_currency"], row["cost_ticks"]),
        created_at=from_timestamp(row["created_at"]),
        updated_at=from_timestamp(row["updated_at"]),
    )
