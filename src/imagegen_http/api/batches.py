"""Batches: make one, list and show them, pause, resume, cancel, and retry what failed."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from litestar.types import ASGIApp
from msgspec import Meta

from imagegen_core import batch as core
from imagegen_core import limits
from imagegen_core.costs import Basis
from imagegen_core.costs import Cost as CoreCost
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import ProblemCode
from imagegen_core.task import Target, TaskStatus
from imagegen_http.api import requests
from imagegen_http.api.errors import get, post, response
from imagegen_http.api.images import Cost
from imagegen_http.api.operations import Estimate
from imagegen_http.api.requests import BatchPath, ServiceDependency, parse_batch_id
from imagegen_http.api.responses import JsonResponse, ListPage, Success, listed, success, zip_response
from imagegen_http.api.tasks import CONFIG_REFUSALS, Fallback, TaskCounts, targets_of
from imagegen_http.guard import asgi
from imagegen_http.schemas import (
    EXAMPLE_BATCH_ID,
    EXAMPLE_PROMPT,
    Answer,
    Body,
    JsonObject,
    Name,
    RequestedModel,
    Time,
    doc,
)
from imagegen_http.service import Service

# ---------------------------------------------------------------- bodies

_PROMPTS = "what to make, a prompt for each task of a target"
_TEMPLATE = "a prompt with `{names}` of variables; `{{` and `}}` are braces"
_VARIABLES = "the values of each variable: every combination is a prompt, the last variable changing fastest"
_ITEMS = "requests that differ in more than the prompt, each a task"
_CONCURRENCY = "how many of its tasks wait or run at once, behind every task that came by itself"
_MODE = "`now`: as ordinary tasks; `vendor`: in batch jobs of the provider, within a day, at half the price"
_AMOUNT = r"^[0-9]{1,12}(\.[0-9]{1,10})?$"
_CEILING = "what all tasks may cost together; it stops before the task whose price would pass that"


class BatchTarget(Body, frozen=True, kw_only=True):
    """A provider and a model; left out, the default."""

    provider: Name | None = None
    model_id: RequestedModel | None = None


class BatchLine(BatchTarget, frozen=True, kw_only=True):
    """One request of a batch; what it leaves out is that of the batch."""

    params: Annotated[JsonObject, doc("`prompt`, which is needed, and parameters of the model")]


class MaxCost(Body, frozen=True, kw_only=True):
    """An amount of money."""

    amount: Annotated[str, doc("a decimal number above 0", "5.00"), Meta(pattern=_AMOUNT)]
    currency: Annotated[str, doc("of the prices; nothing is converted", "CNY", pattern="^[A-Z]{3}$")]


class NewBatch(Body, frozen=True, kw_only=True):
    """A batch: exactly one of ``prompts``, ``template`` and ``items`` says what to make.

    Each prompt is made by each target; at most 10,000 tasks.
    """

    name: Annotated[str, doc("a name for people", max_length=limits.MAX_BATCH_NAME_CHARS)] = ""
    operation: Annotated[Literal["generate"], doc("others take images")] = "generate"
    prompts: Annotated[list[str], doc(_PROMPTS, [EXAMPLE_PROMPT], min_length=1)] | None = None
    template: Annotated[str, doc(_TEMPLATE, min_length=1, max_length=limits.MAX_PROMPT_CHARS)] | None = None
    variables: Annotated[dict[str, list[str]], doc(_VARIABLES)] = msgspec.field(default_factory=dict)
    items: Annotated[list[BatchLine], doc(_ITEMS, min_length=1)] | None = None
    params: Annotated[
        JsonObject, doc("parameters of the model, for all tasks", {"width": 512, "height": 512})
    ] = msgspec.field(default_factory=dict)
    targets: Annotated[
        list[BatchTarget], doc("who makes each prompt; the default alone, if left out", min_length=1)
    ] = msgspec.field(default_factory=lambda: [BatchTarget()])
    fallback: Fallback = msgspec.field(default_factory=list)
    concurrency: Annotated[int, doc(_CONCURRENCY, ge=1, le=limits.MAX_BATCH_CONCURRENCY)] = (
        limits.DEFAULT_BATCH_CONCURRENCY
    )
    on_failure: Annotated[core.OnFailure, doc("`stop` pauses the batch when a task has failed")] = "continue"
    max_cost: Annotated[MaxCost | None, doc(_CEILING)] = None
    mode: Annotated[core.BatchMode, doc(_MODE)] = "now"

    def plan(self) -> core.BatchPlan:
        """Return what the core makes of it."""
        if "prompt" in self.params:
            raise ValidationFailed.for_field("params.prompt", ProblemCode.OTHER_FIELD(field="prompts"))
        targets = tuple(Target(one.provider, one.model_id) for one in self.targets)
        return core.BatchPlan(
            prompts=tuple(self.prompts or ()),
            template=self.template,
            variables={name: tuple(values) for name, values in self.variables.items()},
            items=tuple(_item(line, number, targets[0]) for number, line in enumerate(self.items or ())),
            params=self.params,
            targets=targets,
            fallback=targets_of(self.fallback),
        )

    def batch(self) -> core.Batch:
        """Return the batch that is to be created."""
        ceiling = None
        if (limit := self.max_cost) is not None:
            ceiling = CoreCost(amount=Decimal(limit.amount), currency=limit.currency, basis=Basis.KNOWN)
        return core.Batch(
            name=self.name,
            mode=self.mode,
            concurrency=self.concurrency,
            on_failure=self.on_failure,
            max_cost=ceiling,
        )


def _item(line: BatchLine, number: int, common: Target) -> core.BatchItem:
    params, target = dict(line.params), Target(line.provider, line.model_id)
    prompt = params.pop("prompt", None)
    if not isinstance(prompt, str):
        raise ValidationFailed.for_field(f"items.{number}.params.prompt", ProblemCode.REQUIRED())
    if line.provider in (None, common.provider_name):
        target = Target(common.provider_name, line.model_id or common.model_id)
    own = bool(line.provider or line.model_id)
    return core.BatchItem(prompt=prompt, params=params, target=target if own else None)


# ---------------------------------------------------------------- answers

_ESTIMATE = "what all tasks cost by their prices; null if nothing, or in several currencies"
_DETAIL = "which task could not be submitted, and why; null if that is not the reason"
_COUNTS = "its tasks by status; of one that was made again, the last alone"


class Batch(Answer, frozen=True, kw_only=True):
    """A batch, and how far it is."""

    batch_id: Annotated[str, doc("id of the batch", EXAMPLE_BATCH_ID)]
    name: Annotated[str, doc("a name for people", "")]
    mode: Annotated[core.BatchMode, doc("how its tasks are made", "now")]
    status: Annotated[core.BatchStatus, doc("`completed` once all its tasks have ended", "running")]
    reason: Annotated[core.PauseReason | None, doc("why it is paused", None)]
    detail: Annotated[str | None, doc(_DETAIL, None)]
    tasks: Annotated[int, doc("how many tasks it makes", 1)]
    submitted: Annotated[int, doc("how many of them were submitted so far", 1)]
    counts: Annotated[TaskCounts, doc(_COUNTS)]
    concurrency: Annotated[int, doc(_CONCURRENCY, 4)]
    on_failure: Annotated[core.OnFailure, doc("what it does when a task has failed", "continue")]
    max_cost: Annotated[MaxCost | None, doc("what all its tasks may cost together", None)]
    estimate: Annotated[Cost | None, doc(_ESTIMATE)]
    estimates: Annotated[list[Cost], doc("the same, by currency; empty if nothing")]
    costs: Annotated[list[Cost], doc("what its ended tasks cost, or may have cost, by currency")]
    created_at: Time
    completed_at: Annotated[Time | None, doc("when its last task ended; null while one may still run", None)]

    @classmethod
    def from_batch(cls, batch: core.Batch) -> "Batch":
        estimates, ceiling = [*map(Cost.from_cost, batch.estimate)], batch.max_cost
        return cls.from_attributes(
            batch,
            tasks=batch.size,
            counts=TaskCounts(**{str(status): batch.counts.get(status, 0) for status in TaskStatus}),
            max_cost=ceiling and MaxCost(amount=ceiling.text or "", currency=ceiling.currency or ""),
            estimate=estimates[0] if len(estimates) == 1 else None,
            estimates=estimates,
            costs=[*map(Cost.from_cost, batch.costs)],
        )


# ---------------------------------------------------------------- routes

_BATCHES = "/api/v1/batches"
_BATCH = f"{_BATCHES}/{{batch_id:str}}"


@post(
    _BATCHES,
    "batches",
    *CONFIG_REFUSALS,
    "upstream_not_allowed",
    "idempotency_key_reused",
    "insufficient_storage",
    "unavailable",
    status_code=202,
    responses={202: response(Success[Batch], "the batch is on disk")},
)
async def create_batch(
    request: requests.JsonRequest,
    data: JSONBody[NewBatch],
    service: ServiceDependency,
    idempotency_key: requests.IdempotencyHeader = None,
) -> Response[Success[Batch]]:
    """Make many tasks of one request, little by little.

    All of them are checked and priced first: one that is not possible refuses the batch, and nothing is
    sent. The same `Idempotency-Key` and body give the same batch for as long as it is kept.
    """
    service.check_running()
    request.buffered_body.drop()
    batch, was_there = await service.imagegen.batches.create(
        data.batch(), data.plan(), idempotency_key=requests.parse_idempotency_key(idempotency_key)
    )
    headers = {"Location": f"{_BATCHES}/{batch.batch_id}", "Cache-Control": "no-store"}
    if was_there:
        headers["Idempotent-Replayed"] = "true"
    return JsonResponse(success(Batch.from_batch(batch)), status_code=202, headers=headers)


@post(f"{_BATCHES}/estimate", "batches", *CONFIG_REFUSALS, "upstream_not_allowed", "unavailable")
async def estimate_batch(
    request: requests.JsonRequest, data: JSONBody[NewBatch], service: ServiceDependency
) -> Success[Estimate]:
    """Tell what a batch would cost; nothing is stored or sent.

    The body is that of the batch, and is checked as in one.
    """
    request.buffered_body.drop()
    shown = list(map(Cost.from_cost, await service.imagegen.batches.estimate(data.batch(), data.plan())))
    return success(Estimate(cost=next(iter(shown), None), costs=shown if len(shown) > 1 else msgspec.UNSET))


@get(_BATCHES, "batches", "validation_failed")
async def list_batches(
    service: ServiceDependency,
    status: Annotated[core.BatchStatus | None, requests.query("only batches in this status")] = None,
    page: requests.PageQuery = 1,
    page_size: requests.PageSizeQuery = limits.DEFAULT_PAGE_SIZE,
    cursor: requests.CursorQuery = None,
) -> Success[ListPage[Batch]]:
    """List batches, newest first.

    Each as `GET /api/v1/batches/{batch_id}` shows it.
    """
    scope = ["batches", status]
    paging = requests.parse_paging(page, page_size, cursor, scope)
    batches = await service.imagegen.parts.batches.find(status, paging)
    return listed(batches, Batch.from_batch, number=page, size=page_size, query=scope)


@get(_BATCH, "batches", "batch_not_found")
async def get_batch(batch_id: BatchPath, service: ServiceDependency) -> Success[Batch]:
    """Show a batch: how far it is, and what it has cost.

    Its tasks are `GET /api/v1/tasks?batch_id=`, its images `GET /api/v1/images?batch_id=`.
    """
    return success(Batch.from_batch(await service.imagegen.parts.batches.get(parse_batch_id(batch_id))))


@get(f"{_BATCH}/zip", "batches", "batch_not_found", "unavailable")
async def zip_batch(batch_id: BatchPath, service: ServiceDependency) -> ASGIApp:
    """Fetch all images of a batch as one zip file, which is made while it is sent.

    Its `prompts.csv` names the prompt, provider and model of each file; images that cannot be read now are
    listed in `MISSING.txt`.
    """
    batch = await service.imagegen.parts.batches.get(parse_batch_id(batch_id))
    return zip_response(service.imagegen.gallery.zip_batch(batch.batch_id, language=asgi.language.get()))


def _change(verb: str) -> HTTPRouteHandler:
    """Return a route that changes a batch."""
    return post(f"{_BATCH}/{verb}", "batches", "batch_not_found", guards=[requests.without_fields])


async def _changed(service: Service, batch_id: str, verb: core.BatchVerb) -> Success[Batch]:
    service.check_running()
    return success(Batch.from_batch(await service.imagegen.batches.change(parse_batch_id(batch_id), verb)))


@_change("pause")
async def pause_batch(batch_id: BatchPath, service: ServiceDependency) -> Success[Batch]:
    """Submit no more tasks of a batch until it is resumed.

    Those that wait or run go on to their end. A batch that has ended stays as it is.
    """
    return await _changed(service, batch_id, "pause")


@_change("resume")
async def resume_batch(batch_id: BatchPath, service: ServiceDependency) -> Success[Batch]:
    """Go on with a paused batch.

    One that its `max_cost` has paused is paused again before the next task that would pass it. Any other
    batch stays as it is.
    """
    return await _changed(service, batch_id, "resume")


@_change("cancel")
async def cancel_batch(batch_id: BatchPath, service: ServiceDependency) -> Success[Batch]:
    """Cancel what waits or runs of a batch, and submit no more of it.

    A batch that has ended stays as it is. Running tasks are cancelled as far as the provider can.
    """
    return await _changed(service, batch_id, "cancel")


@_change("retry-failed")
async def retry_failed_tasks(batch_id: BatchPath, service: ServiceDependency) -> Success[Batch]:
    """Make all failed tasks of a batch again, each as a new task with `retry_of`.

    They are paid for again, also those that may have been charged: their `error.possible_charge` tells.
    So are those that run now, if they fail. A batch without failed tasks, or a cancelled one, stays as it is.
    """
    return await _changed(service, batch_id, "retry_failed")
