"""What ComfyUI answers, what its refusals and the ends of its jobs mean, and the words for both."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Any

import attrs
import httpx

from imagegen_adapters.providers.common.calls import ResponseCode, parse_retry_after, shorten, visible_text
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import Message, MessageCode, upstream_text


class ComfyUICode(MessageCode, words="imagegen_adapters"):
    """Rules of workflows, each of which goes on after a path, and what is said of jobs."""


@attrs.frozen(kw_only=True)
class Answer:
    """``tree`` is None where the body is no JSON: it is not from ComfyUI, or too long."""

    status: int
    tree: Any
    body: bytes = attrs.field(repr=False)
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        return httpx.codes.is_success(self.status)


def as_object(value: Any) -> Mapping[str, Any]:
    """Return a JSON object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


MAX_NODE_PROBLEMS = 5
"""Of one answer that are told; a wrong checkpoint is one, a workflow of another machine has many."""

_MAX_PROBLEM_CHARS = 200

_BY_STATUS: Mapping[int, FailureCode] = MappingProxyType(
    {
        401: FailureCode.AUTH_FAILED,
        403: FailureCode.AUTH_FAILED,
        407: FailureCode.AUTH_FAILED,
        408: FailureCode.OUTCOME_UNKNOWN,
        429: FailureCode.RATE_LIMITED,
    }
)
"""Of a proxy before ComfyUI, which itself answers 400 and, where a node raises while it is checked, 500."""

_SERVER_ERROR = 500


def refusal(answer: Answer, now: datetime, secrets: tuple[str, ...]) -> CallError:
    """Return the error for a response to ``POST /prompt`` that is not a success."""
    code = _BY_STATUS.get(answer.status, FailureCode.REJECTED)
    if answer.status >= _SERVER_ERROR:
        code = FailureCode.OUTCOME_UNKNOWN
    is_rate_limited = code is FailureCode.RATE_LIMITED
    return CallError(
        code,
        reason_of(answer, secrets),
        not_started=is_rate_limited,
        retry_after=parse_retry_after(answer.retry_after, now) if is_rate_limited else None,
        upstream_status=answer.status,
        upstream_code=_text(as_object(as_object(answer.tree).get("error")).get("type")),
    )


def reason_of(answer: Answer, secrets: tuple[str, ...]) -> Message:
    """Return why ComfyUI refused something, with what it says of each node."""
    error = as_object(as_object(answer.tree).get("error"))
    problems = node_problems(node_errors_of(answer.tree, secrets))
    message, details = _text(error.get("message")), _text(error.get("details"))
    if problems and message:
        return ComfyUICode.WORKFLOW_REFUSED(reason=shorten(message, secrets), problems=problems)
    if answer.status in range(300, 400):
        return ResponseCode.RESPONSE_REDIRECT()
    text = ": ".join(filter(None, (message, details)))
    text = text or visible_text(answer.body[:2000].decode("utf-8", "replace"))
    if not text:
        return ResponseCode.RESPONSE_STATUS(status=answer.status)
    return upstream_text(shorten(text, secrets))


NodeError = tuple[str, str, str]
"""A node's id, its kind, and what is wrong with it."""


def node_errors_of(tree: Any, secrets: tuple[str, ...]) -> tuple[NodeError, ...]:
    """Return what an answer says of nodes in its ``node_errors``: at most `MAX_NODE_PROBLEMS`."""
    nodes = as_object(as_object(tree).get("node_errors"))
    return tuple(islice(_node_errors(nodes, secrets), MAX_NODE_PROBLEMS))


def _node_errors(nodes: Mapping[str, Any], secrets: tuple[str, ...]) -> Iterator[NodeError]:
    for node_id, node in nodes.items():
        errors = as_object(node).get("errors")
        for error in errors if isinstance(errors, list) else ():
            texts = (_text(as_object(error).get("message")), _text(as_object(error).get("details")))
            problem = shorten(": ".join(filter(None, texts)), secrets)[:_MAX_PROBLEM_CHARS]
            yield node_id, _kind(node, "class_type"), problem


def node_problems(errors: Iterable[Sequence[str]]) -> tuple[Message, ...]:
    """Return what is said of each `NodeError`."""
    return tuple(
        ComfyUICode.NODE_PROBLEM(node=node, kind=kind, problem=problem) for node, kind, problem in errors
    )


def node_failure(error: Mapping[str, Any], secrets: tuple[str, ...]) -> CallError:
    """Return the error of a job that failed, from its ``execution_error``."""
    message = shorten(_text(error.get("exception_message")) or "", secrets)
    kind = _text(error.get("exception_type"))
    reason = ComfyUICode.JOB_FAILED()
    if words := message or kind:
        node = _text(error.get("node_id")) or "?"
        reason = ComfyUICode.NODE_FAILED(node=node, kind=_kind(error, "node_type"), reason=words)
    return CallError(FailureCode.REJECTED, reason, upstream_code=kind, possible_charge=True)


def _kind(node: Any, name: str) -> str:
    return _text(as_object(node).get(name)) or "?"


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and str(value).strip() else None
