"""Renders every error below ``/v1`` in OpenAI's format: those of the routes, the router and the guard."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from litestar import Request, Response

from imagegen_http.api import errors
from imagegen_http.api.responses import JsonResponse
from imagegen_http.asgi import request_context
from imagegen_http.asgi.types import Receive, Scope, Send
from imagegen_http.guard.inbound_request import InboundRequest
from imagegen_http.openai.problems import Problem
from imagegen_http.problems.error_table import envelope

Handler = Callable[[Request[Any, Any, Any], Any], Response[dict[str, Any]]]


def in_both_shapes(handlers: Mapping[Any, Handler]) -> dict[Any, Handler]:
    """Return exception handlers whose responses below ``/v1`` have OpenAI's format."""
    return {kind: _in_both_shapes(handler) for kind, handler in handlers.items()}


def _in_both_shapes(handler: Handler) -> Handler:
    @wraps(handler)
    def handle(request: Request[Any, Any, Any], error: Any) -> Response[dict[str, Any]]:
        response = handler(request, error)
        if not is_openai_path(request.scope):
            return response
        problem = Problem.from_envelope(response.status_code or 500, response.content)
        return JsonResponse(problem.body, status_code=problem.status, headers=dict(response.headers))

    return handle


async def refuse(
    scope: Scope, receive: Receive, send: Send, slug: str, data: dict[str, Any], headers: dict[str, str]
) -> None:
    """Send an error from outside the router, in the format of the path; the guard uses it."""
    if not is_openai_path(scope):
        await errors.refuse(scope, receive, send, slug, data, headers)
        return
    problem = problem_from_slug(slug, data)
    if slug in errors.RETRY_AFTER_SECONDS:
        headers = {"retry-after": str(errors.RETRY_AFTER_SECONDS[slug]), **headers}
    await send_problem(problem, scope, send, headers)


def problem_from_slug(slug: str, data: dict[str, Any] | None = None) -> Problem:
    """Return a row of the error table, in the caller's language."""
    status, body = envelope(
        slug, data or {}, language=request_context.language.get(), request_id=request_context.request_id.get()
    )
    return Problem.from_envelope(status, body)


async def send_problem(problem: Problem, scope: Scope, send: Send, headers: Mapping[str, str]) -> None:
    """Send an error as a complete response."""
    content = json.dumps(problem.body, ensure_ascii=False).encode()
    response_headers = {
        "content-type": "application/json",
        "content-length": str(len(content)),
        **problem.headers,
        **headers,
    }
    head = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response_headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": head})
    body = b"" if scope["method"] == "HEAD" else content
    await send({"type": "http.response.body", "body": body, "more_body": False})


def is_openai_path(scope: Any) -> bool:
    """Return whether a request is for the OpenAI-compatible part of the API."""
    return InboundRequest.from_scope(scope).is_under("/v1")
