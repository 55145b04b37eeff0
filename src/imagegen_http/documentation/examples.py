"""Examples: of each answer, of each body, and of each parameter that has to be there."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from imagegen_http.schemas import NoExample, example_of, request_example_of

_JSON = "application/json"


def with_examples(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with an example of all that can have one; a test names what has none."""
    schemas = document["components"]["schemas"]
    for operation in operations(document):
        for content in _json(operation["responses"].values()):
            for example in content.get("examples", {}).values():
                del example["id"]  # Litestar's own word, which OpenAPI does not know
            if "examples" not in content:
                with contextlib.suppress(NoExample):
                    content["example"] = example_of(content["schema"], schemas)
        for content in _json([operation.get("requestBody", {})]):
            with contextlib.suppress(NoExample):
                content["example"] = request_example_of(content["schema"], schemas)
        for parameter in operation.get("parameters", ()):
            for example in parameter["schema"].pop("examples", ()):
                parameter["example"] = example
    return document


def operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the operations of the document."""
    for item in document["paths"].values():
        yield from item.values()


def _json(bodies: Any) -> Iterator[dict[str, Any]]:
    return (body["content"][_JSON] for body in bodies if _JSON in body.get("content", {}))
