"""Errors: their envelope, routes that declare their errors, and the mapping from exceptions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any

import litestar
import structlog
from litestar import Request
from litestar.enums import HttpMethod
from litestar.exceptions import ClientException, HTTPException, MethodNotAllowedException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from msgspec import UNSET, UnsetType

from imagegen_core import errors
from imagegen_core.errors import Refusal, ValidationFailed
from imagegen_core.messages import Language, Problem, ProblemCode, upstream_text
from imagegen_http.api.responses import JsonResponse
from imagegen_http.errors import TABLE, ServiceCode, envelope
from imagegen_http.guard import asgi
from imagegen_http.schemas import Answer, doc
from imagegen_http.shapes import problems_of


class FieldProblem(Answer, frozen=True, kw_only=True):
    """What is wrong with one field of a request."""

    field: Annotated[str, doc("its dotted path in the body, or the name of a parameter", "params.prompt")]
    code: Annotated[str, doc("a stable slug of what is wrong", "required")]
    message: Annotated[str, doc("a sentence in the caller's language", "is required")]
    line: Annotated[int | UnsetType, doc("of the field's text where it is wrong, from 1", 7)] = UNSET
    column: Annotated[int | UnsetType, doc("the same, in characters", 5)] = UNSET


class ErrorData(Answer, frozen=True, kw_only=True):
    """Which error it is, and what it is about."""

    error: Annotated[str, doc("a stable slug to decide by", "validation_failed", enum=list(TABLE))]
    request_id: Annotated[str, doc("as in `X-Request-Id` and in the log", "0193a5c87e1f7c3a9d526f0f5c1e2b7a")]
    hint: Annotated[str | UnsetType, doc("what the caller can do", "correct what errors lists")] = UNSET
    errors: Annotated[list[FieldProblem] | UnsetType, doc("what is wrong with the fields")] = UNSET
    provider: Annotated[str | UnsetType, doc("name of the provider", "demo")] = UNSET
    models: Annotated[list[str] | UnsetType, doc("ids of the models that there are", ["demo"])] = UNSET
    operation: Annotated[str | UnsetType, doc("the operation that was asked for", "edit")] = UNSET
    supported: Annotated[list[str] | UnsetType, doc("the operations that there are", ["generate"])] = UNSET
    field: Annotated[str | UnsetType, doc("the image that is not valid", "reference_images.0")] = UNSET
    max: Annotated[int | UnsetType, doc("how many there may be", 14)] = UNSET
    collection: Annotated[int | UnsetType, doc("id of the collection that has the name", 3)] = UNSET
    images: Annotated[list[int] | UnsetType, doc("ids of the images that it is about", [7])] = UNSET
    secret: Annotated[
        str | UnsetType,
        doc("what must come along", "api_key", enum=["api_key", "headers", "proxy", "credentials"]),
    ] = UNSET
    max_bytes: Annotated[int | UnsetType, doc("the largest body that is taken", 1_048_576)] = UNSET
    accepted: Annotated[
        list[str] | UnsetType, doc("the media types that the path takes", ["application/json"])
    ] = UNSET
    queue_size: Annotated[int | UnsetType, doc("how many tasks can wait", 1000)] = UNSET
    detail: Annotated[
        str | UnsetType, doc("a sentence about this request, in the caller's language", "no such model")
    ] = UNSET


class ErrorAnswer(Answer, frozen=True, kw_only=True):
    """The envelope of an error."""

    code: Annotated[int, doc("not 0; `code // 100` is the HTTP status", 40000)]
    message: Annotated[str, doc("a sentence in the caller's language", "the request is not valid")]
    data: Annotated[ErrorData, doc("which error it is, and what it is about")]


_DATA: Mapping[str, Mapping[str, Any]] = {
    "validation_failed": {"errors": (Problem(field="params.prompt", reason=ProblemCode.REQUIRED()),)},
    "provider_not_configured": {"provider": "demo"},
    "provider_disabled": {"provider": "demo"},
    "model_not_available": {"models": ["demo"]},
    "unsupported_operation": {"operation": "edit", "supported": ["generate"]},
    "invalid_image": {"field": "image"},
    "reference_count": {"max": 14},
    "api_key_required": {"secret": "api_key"},
    "collection_exists": {"collection": 3},
    "too_many_collections": {"max": 1000},
    "too_many_tags": {"max": 20, "images": [7]},
    "too_many_webhooks": {"max": 16},
    "unsupported_media_type": {"accepted": ("application/json",)},
    "body_too_large": {"max_bytes": 1_048_576},
    "queue_full": {"queue_size": 1000},
}
"""Examples of what a row has in its data, beside what all rows have."""


def error_example(slug: str, language: Language = Language.EN) -> dict[str, Any]:
    data, request_id = dict(_DATA.get(slug, {})), "0193a5c87e1f7c3a9d526f0f5c1e2b7a"
    return envelope(slug, data, language=language, request_id=request_id)[1]


# ---------------------------------------------------------------- routes

_WITH_BODY = (HttpMethod.POST, HttpMethod.PATCH)
_BODY_REFUSALS = ("validation_failed", "body_too_large", "unsupported_media_type")
READ = (HttpMethod.GET, HttpMethod.HEAD)


def response(shape: Any, description: str, media_type: str = "application/json") -> ResponseSpec:
    """Declare another answer of a route; a shape of None means no body."""
    return ResponseSpec(shape, generate_examples=False, description=description, media_type=media_type)


def _route(
    methods: HttpMethod | Sequence[HttpMethod],
    path: str,
    tag: str,
    *refusals: str,
    status_code: int = 200,
    responses: Mapping[Any, ResponseSpec] = MappingProxyType({}),
    **more: Any,
) -> HTTPRouteHandler:
    """Return a route of group ``tag``; ``refusals`` are slugs of errors, ``responses`` other answers."""
    if methods in _WITH_BODY:
        first = () if "validation_failed" in refusals else _BODY_REFUSALS
        refusals = (*first, *refusals, *_BODY_REFUSALS)
    answers = {**responses, **_by_status(refusals)}
    words = {"status_code": status_code, "tags": [tag], "responses": answers, **more}
    return litestar.route(path, http_method=methods, **words)


get = partial(_route, HttpMethod.GET)
post = partial(_route, HttpMethod.POST)
patch = partial(_route, HttpMethod.PATCH)
delete = partial(_route, HttpMethod.DELETE)
download = partial(_route, READ)  # of stored bytes; HEAD gives their size


def _by_status(refusals: tuple[str, ...]) -> dict[Any, ResponseSpec]:
    rows: dict[Any, list[str]] = {
        "4XX": ["unauthorized", "forbidden_origin"],
        "5XX": ["internal", "unavailable"],
    }
    for slug in dict.fromkeys(refusals):
        rows.setdefault(TABLE[slug].code // 100, []).append(slug)
    return {
        status: ResponseSpec(
            ErrorAnswer,
            generate_examples=False,
            description=", ".join(f"`{slug}`" for slug in slugs),
            examples=[Example(id=slug, summary=TABLE[slug].en, value=error_example(slug)) for slug in slugs],
        )
        for status, slugs in rows.items()
    }


# ---------------------------------------------------------------- what exceptions become

_RETRY_AFTER_SECONDS = {"queue_full": 5, "unavailable": 5, "insufficient_storage": 60}
_log = structlog.get_logger("imagegen.errors")

Handler = Callable[[Request[Any, Any, Any], Any], JsonResponse[dict[str, Any]]]


def answer(request: Request[Any, Any, Any], error: Exception) -> JsonResponse[dict[str, Any]]:
    """Map an exception to an error response; defects are described in the log alone."""
    slug, data = "internal", dict[str, Any]()
    match error:
        case ValidationFailed():
            slug, data = error.slug, {"errors": error.problems}
        case Refusal():
            hint = {} if error.hint is None else {"hint": error.hint}
            slug, data = error.slug, {"detail": error.reason, **hint, **error.data}
        case MethodNotAllowedException():
            response = error_response("method_not_allowed", {})
            response.headers["allow"] = ", ".join(sorted((error.headers or {})["allow"].split(", ")))
            return response
        case NotFoundException():
            slug = "not_found"
        case HTTPException(status_code=413):
            slug = "body_too_large"
        case ClientException():  # an undeclared query; `JsonRequest` checks bodies
            items = error.extra if isinstance(error.extra, list) else []
            problems = [p for item in items for p in _parameter_problems(request, str(item.get("key")))]
            problems = problems or [Problem(field="request", reason=upstream_text(error.detail))]
            slug, data = "validation_failed", {"errors": tuple(problems)}
        case errors.BlobMissing():  # log the loss
            _log.error("an image's bytes are missing", key=error.key)
            slug = "image_not_found"
        case errors.StorageError():
            _log.error("storage failed", reason=str(error))
            full, away = isinstance(error, errors.StorageFull), isinstance(error, errors.StorageUnreachable)
            slug = "insufficient_storage" if full else "unavailable" if away else slug
        case RecursionError():  # JSON nested too deep
            problem = Problem(field="body", reason=ProblemCode.TOO_DEEP())
            slug, data = "validation_failed", {"errors": (problem,)}
        case _:
            _log.error("internal error", exc_info=error)
    return error_response(slug, data)


def answer_of_worker(request: Request[Any, Any, Any], error: Exception) -> JsonResponse[dict[str, Any]]:
    """Tell callers of the API that this node only runs tasks."""
    if isinstance(error, NotFoundException):
        return error_response("not_found", {"detail": ServiceCode.WORKER_ONLY()})
    return answer(request, error)


@contextmanager
def fields_named(names: Mapping[str, str]) -> Iterator[None]:
    """Rename the fields of a refusal to those of the request."""
    try:
        yield
    except ValidationFailed as error:
        raise error.with_fields(names) from error


def error_response(slug: str, data: dict[str, Any]) -> JsonResponse[dict[str, Any]]:
    """Return the envelope of an error, in the caller's language."""
    status, body = envelope(slug, data, language=asgi.language.get(), request_id=asgi.request_id.get())
    headers = {"retry-after": str(_RETRY_AFTER_SECONDS[slug])} if slug in _RETRY_AFTER_SECONDS else {}
    return JsonResponse(body, status_code=status, headers=headers)


def _parameter_problems(request: Request[Any, Any, Any], name: str) -> Iterator[Problem]:
    """Yield the problems of a query parameter, of the handler or of a dependency."""
    handler = request.route_handler
    models = (handler.signature_model, *(p.signature_model for p in handler.resolve_dependencies().values()))
    declared = next((m.__annotations__[name] for m in models if name in m.__annotations__), Any)
    if name not in request.query_params:
        yield Problem(field="body" if name == "data" else name, reason=ProblemCode.REQUIRED())
    else:
        yield from problems_of(request.query_params[name], declared, path=name, from_text=True)
