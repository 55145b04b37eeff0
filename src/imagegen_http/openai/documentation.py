"""What the OpenAPI document says of ``/v1``."""

from typing import Any

import msgspec

from imagegen_core.operations import OPENAI_EDITS, OPENAI_GENERATIONS
from imagegen_http.openai.wire import ImageEdit, ImageGeneration, Images

_MODEL = {
    "type": "object",
    "required": ["id", "object", "created", "owned_by"],
    "properties": {
        "id": {"type": "string", "description": "provider/model"},
        "object": {"const": "model"},
        "created": {"type": "integer", "description": "seconds since 1970"},
        "owned_by": {"type": "string", "description": "the provider"},
        "shutdown_date": {"type": "string"},
    },
}
_MODELS = {
    "type": "object",
    "required": ["object", "data"],
    "properties": {
        "object": {"const": "list"},
        "data": {"type": "array", "items": {"$ref": "#/components/schemas/OpenAIModel"}},
    },
}
_TEXT = {"type": ["string", "null"]}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": _TEXT,
                "code": _TEXT,
            },
        }
    },
}
_FILE = {"type": "string", "format": "binary"}
_FORM = {
    "type": "object",
    "required": ["image", "prompt"],
    "properties": {
        "image": {"anyOf": [_FILE, {"type": "array", "items": _FILE}], "description": "also as image[]"},
        "mask": _FILE,
        "prompt": {"type": "string"},
        "model": {"type": "string"},
        "n": {"type": "integer"},
        "size": {"type": "string"},
        "response_format": {"enum": ["b64_json", "url"]},
        "stream": {"type": "boolean"},
    },
}
_HEADER_PARAMETERS = [
    {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": text}
    for name, text in (
        ("Idempotency-Key", "1 to 255 visible ASCII characters"),
        ("X-Stainless-Retry-Count", "how often this request was sent before; official clients count"),
    )
]


def describe_openai(document: dict[str, Any]) -> None:
    """Add the paths below ``/v1`` and what they speak to an OpenAPI document."""
    _, schemas = msgspec.json.schema_components(
        (ImageGeneration, ImageEdit, Images), ref_template="#/components/schemas/{name}"
    )
    schemas |= {"OpenAIModel": _MODEL, "OpenAIModels": _MODELS, "OpenAIError": _ERROR}
    document["components"]["schemas"] |= schemas
    edit = {**_schema("ImageEdit"), "multipart/form-data": {"schema": _FORM}}
    document["paths"] |= {
        OPENAI_GENERATIONS: {"post": _images("createImage", _schema("ImageGeneration"))},
        OPENAI_EDITS: {"post": _images("createImageEdit", edit)},
        "/v1/models": {"get": _operation("listModels", "List models", "OpenAIModels")},
        "/v1/models/{model}": {
            "get": {
                **_operation("retrieveModel", "See a model", "OpenAIModel"),
                "parameters": [
                    {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
            }
        },
    }


def _images(name: str, content: dict[str, Any]) -> dict[str, Any]:
    operation = _operation(name, "Make images and wait for them", "Images")
    operation["responses"]["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    return {
        **operation,
        "parameters": _HEADER_PARAMETERS,
        "requestBody": {"required": True, "content": content},
    }


def _operation(name: str, summary: str, schema: str) -> dict[str, Any]:
    error = {"description": "an error, in OpenAI's shape", "content": _schema("OpenAIError")}
    success = {"description": "success", "content": _schema(schema)}
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["openai"],
        "responses": {"200": success, "4XX": error, "5XX": error},
    }


def _schema(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
