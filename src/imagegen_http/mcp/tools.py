"""What agents can call: the tools of ``tools.yaml``, and the requests of the HTTP API that each one makes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, cast

import attrs
import msgspec
import yaml
from msgspec import UNSET, Meta

from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import RefusalCode
from imagegen_core.task import check_idempotency_key
from imagegen_http.api.errors import error_response
from imagegen_http.api.requests import converted
from imagegen_http.errors import RequestProblem, ServiceCode
from imagegen_http.guard import asgi
from imagegen_http.schemas import Body

if TYPE_CHECKING:
    import httpx

MAX_LISTED_PROMPT_CHARS = 300
"""Of prompts that nobody asked to see: one may have 32,000."""

_POLL_SECONDS = 0.5
_FINAL = ("completed", "failed", "cancelled")

Fields = dict[str, Any]


class ToolFailed(Exception):
    """A call came to nothing; ``details`` are what the API says beside its message."""

    def __init__(
        self, code: str, message: str, *, details: Fields | None = None, may_cost: bool = False
    ) -> None:
        super().__init__(message)
        error = {"code": code, "message": message, "possible_charge": may_cost}
        self.message, self.code, self.details = message, code, details or {}
        self.outcome: Fields = {"error": {**error, **({"details": details} if details else {})}}

    @classmethod
    def from_refusal(cls, body: Mapping[str, Any]) -> "ToolFailed":
        """Return the failure for an error of the API, which has accepted nothing unless it is a defect."""
        details = {name: value for name, value in body["data"].items() if name != "request_id"}
        problems = [
            RefusalCode.PROBLEM(field=p["field"], reason=p["message"]) for p in details.get("errors", ())
        ]
        reasons = [*map(asgi.text, problems), *filter(None, [details.get("detail")])]
        message = str(body["message"])
        if reasons:
            message = asgi.text(RefusalCode.PROBLEM(field=message, reason="; ".join(reasons)))
        slug = str(details.pop("error"))
        return cls(slug, message, details=details, may_cost=slug == "internal")


@attrs.frozen
class Api:
    """Calls the HTTP API by ``send(method, path, **request)``.

    Unless it ``has_address``, nobody listens on one, so images have no URLs. ``stopping`` ends waits.
    """

    send: "Callable[..., Awaitable[httpx.Response]]"
    has_address: bool = True
    stopping: Callable[[], bool] = lambda: False

    async def call(self, method: str, path: str, **request: Any) -> Any:
        """Return the ``data`` of a response, or raise ToolFailed."""
        return (await self.respond(method, path, **request)).json()["data"]

    async def respond(self, method: str, path: str, **request: Any) -> "httpx.Response":
        response = await self.send(method, f"/api/v1/{path}", **request)
        del response.stream  # which refers to it: an image would be in memory until a garbage collection
        if response.is_success:
            return response
        try:
            failure = ToolFailed.from_refusal(response.json())
        except (ValueError, LookupError, TypeError, AttributeError) as error:  # a proxy's answer
            text = asgi.text(ServiceCode.FOREIGN_ANSWER(status=response.status_code))
            raise ToolFailed("unavailable", text, may_cost=method == "POST") from error
        raise failure

    async def shown(self, record: Fields, *, max_prompt_chars: int = MAX_LISTED_PROMPT_CHARS) -> Fields:
        """Return what a tool shows of an image's record."""
        prompt, own = record["prompt"], {"resource": f"image://{record['id']}"}
        if len(prompt) > max_prompt_chars:
            own["prompt"] = f"{prompt[:max_prompt_chars]}…"
        if self.has_address:
            with suppress(ToolFailed):  # the image was made, and may have been paid for, all the same
                own["url"] = (await self.call("GET", f"images/{record['id']}/link"))["url"]
        return _only({**record, **own}, _ANSWERS["images"]["properties"]["images"]["items"])


# ---------------------------------------------------------------- calls


async def generate_image(api: Api, fields: Fields) -> Fields:
    params = _subset(fields, "prompt", "width", "height", "n", "seed")
    return await _submit(api, "tasks/generate", fields, {"params": params})


async def edit_image(api: Api, fields: Fields) -> Fields:
    """Edit a single image, or go by it if the model cannot edit."""
    images = [f"image:{image_id}" for image_id in fields["image_ids"]]
    body, mask = {"prompt": fields["prompt"]}, fields.get("mask_image_id")
    if len(images) > 1 and mask is not None:
        raise ValidationFailed.for_field("mask_image_id", RequestProblem.MASK_OF_SEVERAL())
    if len(images) == 1:
        masked = {} if mask is None else {"mask": f"image:{mask}"}
        try:
            return await _submit(api, "images/edit", fields, {**body, "image": images[0], **masked})
        except ToolFailed as failure:
            if masked or not _takes_references(failure):
                raise
    body["reference_images"] = images
    return await _submit(api, "images/generate-with-references", fields, body)


async def estimate_cost(api: Api, fields: Fields) -> Fields:
    count, body = len(fields.get("image_ids", ())), _target(fields)
    body |= {"params": _subset(fields, "width", "height", "n")}
    body["operation"] = "generate" if not count else "edit" if count == 1 else "reference"
    try:
        estimate: Fields = await api.call("POST", "tasks/estimate", json=body)
    except ToolFailed as failure:
        if not (count and _takes_references(failure)):
            raise
        estimate = await api.call("POST", "tasks/estimate", json={**body, "operation": "reference"})
    return estimate


async def get_task(api: Api, fields: Fields) -> Fields:
    path = f"tasks/{fields['task_id']}"
    task = await api.call("GET", path)
    for _ in range(round(fields["wait_seconds"] / _POLL_SECONDS)):
        if task["status"] in _FINAL or api.stopping():
            break
        await asyncio.sleep(_POLL_SECONDS)
        task = await api.call("GET", path)
    return await _task(api, task)


async def cancel_task(api: Api, fields: Fields) -> Fields:
    task = await _task(api, await api.call("POST", f"tasks/{fields['task_id']}/cancel"))
    if task["status"] == "cancelled":
        del task["error"]  # it is what the caller wanted
    return task


async def search_images(api: Api, fields: Fields) -> Fields:
    path, params = "images", {"page_size": fields["limit"]}
    if "keyword" in fields:
        path, params = "images/search", {**params, "keyword": fields["keyword"], "mode": "relevant"}
    page = await api.call("GET", path, params=params)
    return {"images": [await api.shown(record) for record in page["items"]], "total": page["total"]}


async def get_image(api: Api, fields: Fields) -> Fields:
    record = await api.call("GET", f"images/{fields['image_id']}")
    return {"images": [await api.shown(record, max_prompt_chars=len(record["prompt"]))]}


async def list_models(api: Api, fields: Fields) -> Fields:
    listing = await api.call("GET", "providers")
    shape = _ANSWERS["models"]["properties"]["models"]["items"]
    models = [
        {
            **model,
            "provider": provider["name"],
            "model_id": model["id"],
            "operations": model["capabilities"],
            "max_images": model["limits"]["max_num"],
            "max_references": model["limits"]["max_references"],
            "parameters": [parameter["name"] for parameter in model["parameters"]],
        }
        for provider in listing["providers"]
        for model in provider["models"]
        if fields.get("provider") in (None, provider["name"])
    ]
    default = listing["default_provider"]
    return {"default_provider": default, "models": [_only(model, shape) for model in models]}


def _takes_references(failure: ToolFailed) -> bool:
    return failure.code == "unsupported_operation" and "reference" in failure.details.get("supported", ())


def _target(fields: Fields) -> Fields:
    names = {"provider": "provider", "model": "model_id"}
    return {name: fields[own] for own, name in names.items() if own in fields}


async def _submit(api: Api, path: str, fields: Fields, body: Fields) -> Fields:
    """Submit a task, wait for it and show it; a lost call with the same arguments is repeated."""
    headers = {"Prefer": f"wait={fields['wait_seconds']}, repeat-lost"}
    if (key := fields.get("idempotency_key")) is not None:
        check_idempotency_key(key)  # here, since clients cannot even send other characters in a header
        headers["Idempotency-Key"] = key
    response = await api.respond("POST", path, json={**_target(fields), **body}, headers=headers)
    task = response.json()["data"]
    if "images" not in task:  # it has not ended
        with suppress(ToolFailed):  # its id is what matters
            task = await api.call("GET", f"tasks/{task['task_id']}")
    return await _task(api, task, replayed="Idempotent-Replayed" in response.headers)


async def _task(api: Api, task: Fields, **more: Any) -> Fields:
    if task["status"] not in _FINAL:
        more["next"] = asgi.text(ServiceCode.TASK_GOES_ON(call=f"get_task {{task_id: {task['task_id']}}}"))
    images = [await api.shown(record) for record in task.get("images", ())]
    return _only({**task, **more, "images": images}, _ANSWERS["task"])


def _subset(fields: Fields, *names: str) -> Fields:
    return {name: fields[name] for name in names if name in fields}


def _only(fields: Fields, schema: Fields) -> Fields:
    """Return those of the fields that a schema has."""
    return _subset(fields, *schema["properties"])


# ---------------------------------------------------------------- the table

_DOCUMENT = yaml.safe_load((files(__package__) / "tools.yaml").read_text("utf-8"))
_ANSWERS: Mapping[str, Fields] = _DOCUMENT["answers"]
_CALLS = (
    *(generate_image, edit_image, get_task, cancel_task),
    *(search_images, get_image, list_models, estimate_cost),
)
_TYPES = {"string": str, "integer": int, "array": list[Annotated[int, Meta(ge=1, le=10**18 - 1)]]}
_CHECKS = {"minimum": "ge", "maximum": "le", "pattern": "pattern"}
_CHECKS |= {"minLength": "min_length", "maxLength": "max_length"}
_CHECKS |= {"minItems": "min_length", "maxItems": "max_length"}


@attrs.frozen(kw_only=True)
class Tool:
    """A tool: what ``tools/list`` shows of it, its arguments as a type, and what it does."""

    listed: Fields
    arguments: type[Body]
    run: Callable[[Api, Fields], Awaitable[Fields]]

    @classmethod
    def from_document(cls, run: Callable[[Api, Fields], Awaitable[Fields]]) -> "Tool":
        name = run.__name__
        tool = _DOCUMENT["tools"][name]
        schema = {"type": "object", "properties": tool["input"], "required": tool["needed"]}
        fields = [
            (field, _type_of(words), *(() if field in tool["needed"] else (words.get("default", UNSET),)))
            for field, words in tool["input"].items()
        ]
        arguments = msgspec.defstruct(name, fields, bases=(Body,), kw_only=True)
        listed = {
            "name": name,
            "description": tool["description"],
            "inputSchema": {**schema, "additionalProperties": False},
            "outputSchema": _ANSWERS[tool["answer"]],
            "annotations": tool["hints"],
        }
        return cls(listed=listed, arguments=cast("type[Body]", arguments), run=run)

    async def call(self, api: Api, arguments: Mapping[str, Any]) -> Fields:
        """Check the arguments, run the tool and return its outcome, or raise ToolFailed.

        Models write nulls for what they leave out, and numbers as text.
        """
        try:
            values = {name: value for name, value in arguments.items() if value is not None}
            return await self.run(api, msgspec.to_builtins(converted(values, self.arguments)))
        except ValidationFailed as error:
            refusal = error_response("validation_failed", {"errors": error.problems})
            raise ToolFailed.from_refusal(refusal.content) from error


def _type_of(words: Fields) -> Any:
    """Return the type of an argument. Python's ``$`` lets a line end through, which URLs refuse."""
    checks = {_CHECKS[word]: value for word, value in words.items() if word in _CHECKS}
    if "pattern" in checks:
        checks["pattern"] = checks["pattern"].replace("$", r"\Z")
    return Annotated[_TYPES[words["type"]], Meta(**checks)]


TOOLS: Mapping[str, Tool] = {call.__name__: Tool.from_document(call) for call in _CALLS}
