"""What ComfyUI answers, what its refusals and the ends of its jobs mean, and the words for both."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Any

import attrs
import httpx

from imagegen_adapters.providers.common.calls import parse_retry_after, shorten, visible_text
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import Message, MessageCode, upstream_text


class ComfyUICode(MessageCode):
    """Rules of workflows, each of which goes on after a path, and what is said of jobs."""

    # the workflow
    PAGE_FORMAT = (
        "is saved for ComfyUI's page, not for its API; export it there with Workflow, Export (API)",
        "是供 ComfyUI 页面使用的格式，不是 API 格式；请在页面中用“工作流 → 导出（API）”导出",
    )
    NOT_A_GRAPH = (
        "must be the JSON that ComfyUI exports for its API: an object of nodes by their ids",
        "须为 ComfyUI 导出的 API 格式 JSON：以编号为键的节点对象",
    )
    STRAY_LINK = "leads to node {node}, which the workflow does not have", "指向工作流中不存在的节点 {node}"
    NO_PRESET = (
        "ComfyUI has a kind of its own, kind: comfyui, and no preset; leave it out",
        "ComfyUI 有自己的类型 kind: comfyui，没有预设；请去掉此项",
    )

    # its inputs
    UNNAMED_INPUT = (
        "must say which input of the workflow takes it, such as 6.inputs.text",
        "须指明由工作流的哪个输入接收，例如 6.inputs.text",
    )
    NOT_AN_INPUT_NAME = (
        "is not a parameter's name; it is made of a-z, 0-9 and _",
        "不是参数名；参数名由 a-z、0-9 和 _ 组成",
    )
    NOT_AN_INPUT_PATH = (
        "{path!r} is not of the form NODE.inputs.FIELD, such as 6.inputs.text",
        "{path!r} 不是“节点.inputs.字段”的形式，例如 6.inputs.text",
    )
    NO_SUCH_NODE = (
        "the workflow has no node with the id or title {node!r}; it has {known}",
        "工作流中没有编号或标题为 {node!r} 的节点；它有：{known}",
    )
    TITLE_TWICE = (
        "several nodes have the title {node!r}: {ids}; name one by its id",
        "有多个节点的标题为 {node!r}：{ids}；请用编号指明其中一个",
    )
    NO_SUCH_INPUT = (
        "node {node} ({kind}) has no input {field!r}; it has {known}",
        "节点 {node}（{kind}）没有输入 {field!r}；它有：{known}",
    )
    LINKED_INPUT = (
        "{path} comes from node {source}; name an input of that node",
        "{path} 由节点 {source} 提供；请改用该节点的输入",
    )
    INPUT_TAKEN = "{path} belongs to {other} already", "{path} 已用于 {other}"
    NOT_BESIDE = "does not go with {other}", "不能与 {other} 同时给出"

    # requests
    REFERENCES_NEEDED = (
        "this workflow needs exactly {count} reference images",
        "该工作流恰好需要 {count} 张参考图",
    )
    NO_MASK_INPUT = "this workflow takes no mask", "该工作流不接受蒙版"
    MASK_NEEDED = "this workflow needs a mask", "该工作流需要蒙版"

    # calls
    NODE_PROBLEM = "node {node} ({kind}): {problem}", "节点 {node}（{kind}）：{problem}"
    WORKFLOW_REFUSED = "{reason}; {problems:;}", "{reason}；{problems:;}"
    OUTPUTS_IGNORED = (
        "ComfyUI left out a part of the workflow: {problems:;}",
        "ComfyUI 略去了工作流的一部分：{problems:;}",
    )
    NODE_FAILED = "node {node} ({kind}) failed: {reason}", "节点 {node}（{kind}）出错：{reason}"
    JOB_FAILED = "ComfyUI says that the job failed, and not why", "ComfyUI 报告任务失败，没有说明原因"
    JOB_LOST = (
        "ComfyUI no longer knows the job: it was restarted, or its queue or its history was cleared",
        "ComfyUI 已不认识该任务：它重启过，或者队列、历史被清空",
    )
    JOB_INTERRUPTED = "the job was interrupted in ComfyUI", "任务在 ComfyUI 中被中断"
    JOB_STOPPING = (
        "ComfyUI has taken the cancellation and did not stop within {seconds} seconds",
        "ComfyUI 已接受取消，但在 {seconds} 秒内没有停止",
    )
    NO_IMAGE_SAVED = (
        "the workflow saved no image; it needs a node such as SaveImage",
        "工作流没有保存图片；它需要 SaveImage 之类的节点",
    )
    UPLOAD_REFUSED = "ComfyUI did not take an image: {reason}", "ComfyUI 没有接收图片：{reason}"
    NOT_COMFYUI = (
        "{path} of the address does not answer as ComfyUI does",
        "该地址的 {path} 不像 ComfyUI 那样答复",
    )
    NODES_MISSING = "this ComfyUI does not have the nodes {kinds}", "这个 ComfyUI 没有节点 {kinds}"
    PROBED = "ComfyUI {version} on {devices}", "ComfyUI {version}，设备：{devices}"


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
