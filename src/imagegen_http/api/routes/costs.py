"""What requests would cost, and what was used."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import JSONBody, QueryParameter

from imagegen_core.costs.usage import UsageGrouping
from imagegen_core.errors import ValidationFailed
from imagegen_core.operations import Operation
from imagegen_core.problems.fields import Problem, ProblemCode
from imagegen_core.tasks.submission import Submission
from imagegen_http.answers.costs import Cost, Estimate, Usage, UsageGroup
from imagegen_http.answers.envelope import Success, success
from imagegen_http.answers.responses import BODY_REFUSALS, refusals
from imagegen_http.api.moments import MOMENT_WORDS, parse_moment, parse_zone
from imagegen_http.api.routes.dependencies import ServiceDependency, ZoneQuery
from imagegen_http.api.routes.operations import override_of, params_of, prompt_in, request_fields
from imagegen_http.api.wire import EstimateBody

FromQuery = Annotated[
    str | None,
    QueryParameter(
        name="from", description="ended at or after this date or time (ISO 8601)", schema_extra=MOMENT_WORDS
    ),
]
ToQuery = Annotated[
    str | None,
    QueryParameter(
        name="to",
        description="ended before this time, or up to the end of this date",
        schema_extra=MOMENT_WORDS,
    ),
]
GroupQuery = Annotated[
    UsageGrouping | None, QueryParameter(description="what a group is; `day` when left out")
]


@post(
    "/api/v1/tasks/estimate",
    status_code=200,
    tags=["tasks"],
    responses=refusals(
        *BODY_REFUSALS,
        "provider_not_configured",
        "provider_disabled",
        "model_not_available",
        "unsupported_operation",
        "api_key_required",
        "unavailable",
    ),
)
async def estimate_task(data: JSONBody[EstimateBody], service: ServiceDependency) -> Success[Estimate]:
    """Tell what a request would cost; nothing is stored or sent, and its prompt and images may be left out.

    The body is that of the request, with its `operation`. All else is checked as in one; images that are
    there are not looked at.
    """
    fields = msgspec.structs.asdict(data)
    rules = data.operation.rules
    params = dict(data.params)
    in_params = rules.prompt_field == "params.prompt" and not data.prompt
    prompt = prompt_in(params) if in_params else data.prompt
    if problems := tuple(_misplaced(data.operation, fields)):
        raise ValidationFailed(*problems)
    provider_name = data.provider or await service.imagegen.resolve.default_name()
    submission = Submission(
        operation=data.operation,
        prompt=prompt or "",
        params=params_of(rules, params, fields),
        provider_name=provider_name,
        model_id=data.model_id,
        override=None if data.config is None else override_of(provider_name, data.config),
        require_saved=data.use_saved_config,
    )
    try:
        costs = await service.imagegen.estimate_cost(submission)
    except ValidationFailed as error:
        raise error.with_fields(request_fields(rules)) from error
    return success(Estimate(cost=Cost.optional(next(iter(costs), None))))


@get("/api/v1/usage", tags=["tasks"], responses=refusals("validation_failed"))
async def show_usage(
    service: ServiceDependency,
    ended_from: FromQuery = None,
    ended_to: ToQuery = None,
    group_by: GroupQuery = None,
    tz: ZoneQuery = "UTC",
) -> Success[Usage]:
    """Add up tasks, images and costs of the tasks that ended in a time; nothing is converted.

    Each currency has its own sum. What may have been charged by calls with an unknown outcome is in
    `possible` alone.
    """
    zone = parse_zone("tz", tz)
    usages = await service.imagegen.show_usage(
        grouping=group_by or UsageGrouping.DAY,
        since=parse_moment("from", ended_from, end_of_day=False, zone=zone),
        until=parse_moment("to", ended_to, end_of_day=True, zone=zone),
        zone=zone,
    )
    return success(Usage(groups=[UsageGroup.from_usage(key, usage) for key, usage in usages.items()]))


HANDLERS = [estimate_task, show_usage]


def _misplaced(operation: Operation, fields: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each field that belongs to other operations."""
    names = {name: o for o in Operation for name in o.rules.body_parameters}
    for name in names:
        if fields[name] is not None and name not in operation.rules.body_parameters:
            owners = tuple(str(o) for o in Operation if name in o.rules.body_parameters)
            yield Problem(field=name, reason=ProblemCode.OTHER_OPERATION(operations=owners))
