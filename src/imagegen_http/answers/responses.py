"""What the OpenAPI document says of the responses of a route beside its usual one."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from imagegen_core.messages import Language
from imagegen_core.problems.fields import Problem, ProblemCode
from imagegen_http.answers.errors import ErrorAnswer
from imagegen_http.problems.error_table import TABLE, envelope

BODY_REFUSALS = ("validation_failed", "body_too_large", "unsupported_media_type")
"""What any body may be refused for."""

SUBMISSION_REFUSALS = (
    "provider_not_configured",
    "provider_disabled",
    "model_not_available",
    "unsupported_operation",
    "api_key_required",
    "upstream_not_allowed",
    "idempotency_key_reused",
    "queue_full",
    "unavailable",
    "insufficient_storage",
)
"""What a new task may be refused for, whatever is in its body."""

_DATA: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
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
        "unsupported_media_type": {"accepted": ("application/json",)},
        "body_too_large": {"max_bytes": 1_048_576},
        "queue_full": {"queue_size": 1000},
    }
)
"""What is in the data of a row of the table beside what is in all of them."""


def error_example(slug: str, language: Language = Language.EN) -> dict[str, Any]:
    """Return an error as its caller sees it."""
    _, body = envelope(
        slug, dict(_DATA.get(slug, {})), language=language, request_id="0193a5c87e1f7c3a9d526f0f5c1e2b7a"
    )
    return body


def refusals(*slugs: str) -> dict[Any, ResponseSpec]:
    """Return the errors that a route answers with, rows of the table, by status; and those that any may."""
    rows: dict[Any, list[str]] = {
        "4XX": ["unauthorized", "forbidden_origin"],
        "5XX": ["internal", "unavailable"],
    }
    for slug in dict.fromkeys(slugs):
        rows.setdefault(TABLE[slug].code // 100, []).append(slug)
    return {
        status: ResponseSpec(
            ErrorAnswer,
            generate_examples=False,
            description=", ".join(f"`{slug}`" for slug in names),
            examples=[Example(id=slug, summary=TABLE[slug].en, value=error_example(slug)) for slug in names],
        )
        for status, names in rows.items()
    }


def response(shape: Any, description: str, media_type: str = "application/json") -> ResponseSpec:
    """Return what a route may answer beside its usual answer; a shape of None: nothing."""
    return ResponseSpec(shape, generate_examples=False, description=description, media_type=media_type)
