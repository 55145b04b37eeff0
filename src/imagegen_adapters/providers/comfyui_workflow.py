"""A workflow as ComfyUI exports it for its API: parsed, checked, and turned into a model."""

import copy
import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import attrs

from imagegen_adapters.providers.common.calls import configured_model
from imagegen_core.config import ModelEntry, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.facts import Source, in_pixels
from imagegen_core.limits import MAX_REFERENCES
from imagegen_core.messages import JsonType, Message, MessageCode, Problem, ProblemCode
from imagegen_core.models import COMMON, Model, Parameter, common
from imagegen_core.requests import Operation


class ComfyUICode(MessageCode, words="imagegen_adapters"):
    """Rules of workflows, each printed after a path, and messages about jobs."""


@attrs.frozen
class NodeInput:
    """One input of one node."""

    node: str
    field: str

    def __str__(self) -> str:
        return f"{self.node}.inputs.{self.field}"


@attrs.frozen(kw_only=True)
class Workflow:
    """``graph`` holds the nodes by id; ``inputs`` maps each name to one or more node inputs.

    A name is ``prompt``, ``image``, ``mask``, ``references`` (one input each), ``model``, or a parameter's.
    """

    graph: Mapping[str, Any]
    inputs: Mapping[str, tuple[NodeInput, ...]]

    @property
    def operation(self) -> Operation:
        if "references" in self.inputs:
            return Operation.REFERENCE
        return Operation.EDIT if "image" in self.inputs else Operation.GENERATE

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(sorted({str(node["class_type"]) for node in self.graph.values()}))

    def value(self, name: str) -> Any:
        first = self.inputs[name][0]
        return self.graph[first.node]["inputs"][first.field]

    def with_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the graph with these values by name; ``references`` is a list with one for each input."""
        graph = copy.deepcopy(dict(self.graph))
        for name, value in values.items():
            paths = self.inputs[name]
            each = value if name == "references" else [value] * len(paths)
            for path, item in zip(paths, each, strict=True):
                graph[path.node]["inputs"][path.field] = item
        return graph


# ---------------------------------------------------------------- reading it

MAX_WORKFLOW_CHARS = 262_144

DEFAULT_INPUTS: Mapping[str, str] = {
    "prompt": "6.inputs.text",
    "negative_prompt": "7.inputs.text",
    "width": "5.inputs.width",
    "height": "5.inputs.height",
    "num": "5.inputs.batch_size",
    "steps": "3.inputs.steps",
    "cfg_scale": "3.inputs.cfg",
    "sampler_name": "3.inputs.sampler_name",
    "scheduler": "3.inputs.scheduler",
    "model": "4.inputs.ckpt_name",
}
"""For ``comfyui_workflow.json``: Stable Diffusion from a prompt."""

_WORKFLOW, _INPUTS = "extra_config.workflow", "extra_config.inputs"

_MAX_KNOWN = 20
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PATH = re.compile(r"(?P<node>.+?)\.inputs\.(?P<field>.+)")


def parse_workflow(extra: Mapping[str, Any]) -> Workflow:
    """Return the configured workflow, or the shipped one."""
    if extra.get("workflow") is None:
        if extra.get("inputs") is not None:
            raise ValidationFailed.for_field(_WORKFLOW, ProblemCode.NEEDS_OTHER(other="inputs"))
        return default_workflow()
    graph = _plain(extra["workflow"])
    if isinstance(graph, dict) and isinstance(graph.get("nodes"), list):
        raise ValidationFailed.for_field(_WORKFLOW, ComfyUICode.PAGE_FORMAT())
    if not isinstance(graph, dict) or not graph:
        raise ValidationFailed.for_field(_WORKFLOW, ComfyUICode.NOT_A_GRAPH())
    if problems := [*_node_problems(graph)]:
        raise ValidationFailed(*problems)
    return _parse(graph, extra.get("inputs") or {})


@cache
def default_workflow() -> Workflow:
    text = resources.files(__package__ or "").joinpath("comfyui_workflow.json").read_text("utf-8")
    return _parse(json.loads(text), DEFAULT_INPUTS)


def _plain(workflow: Any) -> Any:
    """Return the workflow as plain JSON; it may be the text of a file."""
    try:
        text = workflow if isinstance(workflow, str) else json.dumps(workflow, default=dict)
        if len(text) > MAX_WORKFLOW_CHARS:
            raise ValidationFailed.for_field(_WORKFLOW, ProblemCode.TOO_LONG(maximum=MAX_WORKFLOW_CHARS))
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValidationFailed.for_field(_WORKFLOW, ProblemCode.NOT_JSON()) from error


def _node_problems(graph: Mapping[str, Any]) -> Iterator[Problem]:
    for node_id, node in graph.items():
        path = f"{_WORKFLOW}.{node_id}"
        if not isinstance(node, dict) or "class_type" not in node:
            yield Problem(field=path, reason=ComfyUICode.NOT_A_GRAPH())
        elif not isinstance(node["class_type"], str):
            yield _wrong_type(f"{path}.class_type", JsonType.STRING())
        elif not isinstance(node.get("inputs"), dict):
            yield _wrong_type(f"{path}.inputs", JsonType.OBJECT())
        else:
            for field, value in node["inputs"].items():
                if _is_link(value) and value[0] not in graph:
                    reason = ComfyUICode.STRAY_LINK(node=value[0])
                    yield Problem(field=f"{path}.inputs.{field}", reason=reason)


def _is_link(value: Any) -> bool:
    """Whether an input takes another node's output."""
    match value:
        case [str(), int()]:
            return True
        case _:
            return False


def _wrong_type(field: str, kind: Message) -> Problem:
    return Problem(field=field, reason=ProblemCode.WRONG_TYPE(types=(kind,)))


def _parse(graph: Mapping[str, Any], named: Any) -> Workflow:
    if not isinstance(named, Mapping):
        raise ValidationFailed(_wrong_type(_INPUTS, JsonType.OBJECT()))
    problems: list[Problem] = []
    inputs: dict[str, tuple[NodeInput, ...]] = {}
    for name, paths in named.items():
        field = f"{_INPUTS}.{name}"
        try:
            inputs[name] = tuple(_input(graph, field, path) for path in _paths(field, name, paths))
        except ValidationFailed as error:
            problems += error.problems
    problems += [*_missing(named), *_conflicts(inputs)]
    if problems:
        raise ValidationFailed(*problems)
    # All inputs that are named like a seed and hold a number.
    seeds = tuple(
        NodeInput(node_id, field)
        for node_id, node in graph.items()
        for field in ("seed", "noise_seed")
        if isinstance(node["inputs"].get(field), int)
    )
    inputs.setdefault("seed", seeds)
    return Workflow(graph=graph, inputs={name: paths for name, paths in inputs.items() if paths})


def _paths(field: str, name: str, paths: Any) -> list[str]:
    if not _NAME.fullmatch(name):
        raise ValidationFailed.for_field(field, ComfyUICode.NOT_AN_INPUT_NAME())
    each = [paths] if isinstance(paths, str) else paths
    if not isinstance(each, (list, tuple)) or not all(isinstance(path, str) for path in each):
        types = (JsonType.STRING(), JsonType.ARRAY())
        raise ValidationFailed.for_field(field, ProblemCode.WRONG_TYPE(types=types))
    return list(each)


def _input(graph: Mapping[str, Any], field: str, path: str) -> NodeInput:
    match = _PATH.fullmatch(path)
    if match is None:
        raise ValidationFailed.for_field(field, ComfyUICode.NOT_AN_INPUT_PATH(path=path))
    node_id, name = _node_id(graph, field, match["node"]), match["field"]
    node = graph[node_id]
    if name not in node["inputs"]:
        kind, names = node["class_type"], _some(node["inputs"])
        reason = ComfyUICode.NO_SUCH_INPUT(node=node_id, kind=kind, field=name, known=names)
        raise ValidationFailed.for_field(field, reason)
    if _is_link(value := node["inputs"][name]):
        raise ValidationFailed.for_field(field, ComfyUICode.LINKED_INPUT(path=path, source=value[0]))
    return NodeInput(node_id, name)


def _node_id(graph: Mapping[str, Any], field: str, node: str) -> str:
    if node in graph:
        return node
    ids = [node_id for node_id, each in graph.items() if _title(each) == node]
    if len(ids) > 1:
        raise ValidationFailed.for_field(field, ComfyUICode.TITLE_TWICE(node=node, ids=tuple(ids)))
    if not ids:
        nodes = _some(f"{node_id} ({_title(each)})" for node_id, each in graph.items())
        raise ValidationFailed.for_field(field, ComfyUICode.NO_SUCH_NODE(node=node, known=nodes))
    return ids[0]


def _title(node: Mapping[str, Any]) -> str:
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, dict) else None
    return title if isinstance(title, str) else str(node["class_type"])


def _some(names: Any) -> tuple[str, ...]:
    listed = tuple(names)
    return listed if len(listed) <= _MAX_KNOWN else (*listed[:_MAX_KNOWN], "…")


def _missing(named: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield names that are required, alone or beside another."""
    if not named.get("prompt"):
        yield Problem(field=f"{_INPUTS}.prompt", reason=ComfyUICode.UNNAMED_INPUT())
    for name, other in (("width", "height"), ("height", "width"), ("image", "mask")):
        if named.get(other) and not named.get(name):
            yield Problem(field=f"{_INPUTS}.{name}", reason=ProblemCode.NEEDS_OTHER(other=other))
    if named.get("image") and named.get("references"):
        yield Problem(field=f"{_INPUTS}.references", reason=ComfyUICode.NOT_BESIDE(other="image"))


def _conflicts(inputs: Mapping[str, tuple[NodeInput, ...]]) -> Iterator[Problem]:
    """Yield the names that share an input with an earlier one."""
    owners: dict[NodeInput, str] = {}
    for name, paths in inputs.items():
        for path in paths:
            if (owner := owners.setdefault(path, name)) != name:
                reason = ComfyUICode.INPUT_TAKEN(path=str(path), other=owner)
                yield Problem(field=f"{_INPUTS}.{name}", reason=reason)


# ---------------------------------------------------------------- its models

WORKFLOW_MODEL = "workflow"  # the id of the only model of a workflow that has no model input
SOURCES = (
    Source(url="https://github.com/Comfy-Org/ComfyUI/blob/master/server.py", read=dt.date(2026, 11, 27)),
)

_SIZES = in_pixels(
    lambda ratio, side: (round(side * ratio**0.5 / 16) * 16, round(side / ratio**0.5 / 16) * 16),
    {"512": 512, "1K": 1024},
)
_COMMON_NAMES = frozenset(parameter.name for parameter in COMMON)


def models_of(workflow: Workflow, config: ProviderConfig) -> tuple[Model, ...]:
    """Return a model for each configured entry; without any, the workflow's own."""
    parameters = tuple(_parameters(workflow))
    own_id = str(workflow.value("model")) if "model" in workflow.inputs else WORKFLOW_MODEL
    return tuple(
        configured_model(
            entry,
            (workflow.operation,),
            parameters=parameters,
            sizes=_SIZES if any(parameter.name == "width" for parameter in parameters) else (),
            sources=SOURCES,
            takes_mask="mask" in workflow.inputs,
            max_references=len(workflow.inputs.get("references", ())) or MAX_REFERENCES,
        )
        for entry in config.models or (ModelEntry(id=own_id, default=True),)
    )


def _parameters(workflow: Workflow) -> Iterator[Parameter]:
    names = {"num", *workflow.inputs} - {"prompt", "image", "mask", "references", "model"}
    if {"width", "height"} <= names:
        names.add("size")
    for name in sorted(names):
        if name in _COMMON_NAMES:
            yield from common(name)
        else:
            yield Parameter(name=name, type=_type_of(workflow.value(name)))


def _type_of(value: Any) -> str:
    """Guess a parameter's type from its exported value; 1.0 is exported as 1."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "string"
