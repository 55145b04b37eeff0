"""The OpenAPI document: Litestar's, with what it leaves out."""

from typing import Any

from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

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
_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head"})


def openapi_config(version: str) -> OpenAPIConfig:
    """Return Litestar's configuration; what it serves itself is below a path that nobody is told of."""
    return OpenAPIConfig(
        title="imagegen",
        version=version,
        description="Self-hosted picture generation: a durable queue, kept pictures, Chinese search.",
        path="/openapi",
        render_plugins=[JsonRenderPlugin(path="/raw.json")],
        use_handler_docstrings=True,
    )


def openapi_document(app: Litestar) -> dict[str, Any]:
    """Return the document; made once for each application."""
    if "openapi_document" not in app.state:
        app.state["openapi_document"] = _completed(app.openapi_schema.to_schema())
    document: dict[str, Any] = app.state["openapi_document"]
    return document


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in schemas.items():
        if name.endswith("Body") and schema.get("type") == "object":
            schema["additionalProperties"] = False
    schemas["Error"] = ERROR
    answer = {
        "description": "an error; see the table of errors",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for path in document.get("paths", {}).values():
        for method, operation in path.items():
            if method in _METHODS:
                responses = operation.setdefault("responses", {})
                responses.pop("400", None)
                responses["4XX"] = answer
                responses["5XX"] = answer
    return document
