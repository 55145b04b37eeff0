"""The OpenAPI document: Litestar's, with what it leaves out."""

from typing import Any

from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from imagegen_core.operations import OPERATIONS
from imagegen_http.openai.documentation import describe_openai

ERROR = {
    "type": "object",
    "required": ["code", "message", "data"],
    "properties": {
        "code": {"type": "integer", "description": "not 0; code // 100 is the HTTP status"},
        "message": {"type": "string"},
        "data": {
            "type": "object",
            "required": ["error", "request_id"],
            "properties": {
                "error": {"type": "string", "description": "a stable slug"},
                "request_id": {"type": "string"},
                "hint": {"type": "string"},
            },
        },
    },
}
SUCCESS = {
    "type": "object",
    "required": ["code", "message", "data"],
    "properties": {"code": {"const": 0}, "message": {"const": "success"}, "data": {}},
}
_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head"})
_REPORT = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
_ABOVE_ZERO = frozenset({"timeout", "timeout_seconds"})
_FROM_ZERO = frozenset({"max_retries"})

_MEDIA_TYPES = {"content": ("image/png", "image/jpeg", "image/webp"), "thumbnail": ("image/webp",)}
_WAITABLE_OPERATIONS = frozenset(rules.path for rules in OPERATIONS.values())


def openapi_config(version: str) -> OpenAPIConfig:
    """Return Litestar's configuration; what it serves itself is below a path that nobody is told of."""
    return OpenAPIConfig(
        title="imagegen",
        version=version,
        description="Self-hosted image generation: a durable queue, kept images, Chinese search.",
        path="/openapi",
        render_plugins=[JsonRenderPlugin(path="/raw.json")],
        use_handler_docstrings=True,
    )


def openapi_document(app: Litestar) -> dict[str, Any]:
    """Return the document; made once for each application."""
    if "openapi_document" not in app.state:
        app.state["openapi_document"] = _complete_document(app.openapi_schema.to_schema())
    document: dict[str, Any] = app.state["openapi_document"]
    return document


def _complete_document(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in schemas.items():
        if name.endswith("Body") and schema.get("type") == "object":
            schema["additionalProperties"] = False
            _add_zero_bounds(schema["properties"])
    schemas |= {"Error": ERROR, "Success": SUCCESS, "Report": _REPORT}
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            if method in _METHODS:
                operation["responses"] = _responses(path, operation.get("responses", {}))
    describe_openai(document)
    return document


def _add_zero_bounds(properties: dict[str, Any]) -> None:
    """Say the bounds that Litestar leaves out because they are 0."""
    for name, schema in properties.items():
        if name in _ABOVE_ZERO:
            schema["exclusiveMinimum"] = 0
        elif name in _FROM_ZERO:
            schema["minimum"] = 0


def _responses(path: str, generated: dict[str, Any]) -> dict[str, Any]:
    """Return what an operation answers; Litestar knows its usual status and type."""
    errors = dict.fromkeys(("4XX", "5XX"), _response("an error; see the table of errors", "Error"))
    if path.startswith("/health"):
        return {"200": _response("sound", "Report"), "503": _response("not sound", "Report")}
    last = path.rpartition("/")[2]
    if last in _MEDIA_TYPES:
        return {**_image(_MEDIA_TYPES[last]), **errors}
    responses = {
        status: {**response, **_json("Success")}
        if "application/json" in response.get("content", {})
        else response
        for status, response in generated.items()
        if status != "400"
    }
    if path in _WAITABLE_OPERATIONS:
        responses["200"] = _response("the finished task, when the caller waited for it", "Success")
    if last == "cancel":
        responses["202"] = _response("it runs; the provider was asked to stop", "Success")
    return {**responses, **errors}


def _image(media_types: tuple[str, ...]) -> dict[str, Any]:
    content: dict[str, Any] = {"content": {media_type: {"schema": {}} for media_type in media_types}}
    return {
        "200": {"description": "the image", **content},
        "206": {"description": "a range of it", **content},
        "304": {"description": "not changed"},
        "416": {"description": "no such range"},
    }


def _response(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, **_json(schema)}


def _json(schema: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}
