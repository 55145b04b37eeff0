"""Reads ``extra_config.workflow`` and ``extra_config.inputs``; mistakes in them are told with their path."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_adapters.providers.comfyui.messages import ComfyUICode
from imagegen_adapters.providers.comfyui.workflow import NodeInput, Workflow
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.problems import JsonType, Problem, ProblemCode

MAX_WORKFLOW_CHARS = 262_144

DEFAULT_INPUTS: Mapping[str, str] = MappingProxyType(
    {
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
)
"""Those of ``default_workflow.json``: Stable Diffusion from a prompt."""

_WORKFLOW, _INPUTS = "extra_config.workflow", "extra_config.inputs"
_SEED_FIELDS = ("seed", "noise_seed")
_LINK_LENGTH = 2
_MAX_KNOWN = 20
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PATH = re.compile(r"(?P<node>.+?)\.inputs\.(?P<field>.+)")


def parse_workflow(extra: Mapping[str, Any]) -> Workflow:
    """Return the workflow of a configuration; without one, the shipped one.

    Raises:
        ValidationFailed: it is not a workflow for the API, or a name leads nowhere in it.
    """
    if extra.get("workflow") is None:
        if extra.get("inputs") is not None:
            raise ValidationFailed.for_field(_WORKFLOW, ProblemCode.NEEDS_OTHER(other="inputs"))
        return default_workflow()
    graph = _graph(_plain(extra["workflow"]))
    if problems := [*_node_problems(graph)]:
        raise ValidationFailed(*problems)
    return _Names(graph=graph).parse(extra.get("inputs") or {})


@cache
def default_workflow() -> Workflow:
    """Return the shipped workflow."""
    text = resources.files(__package__ or "").joinpath("default_workflow.json").read_text("utf-8")
    return _Names(graph=json.loads(text)).parse(DEFAULT_INPUTS)


def _plain(workflow: Any) -> Any:
    """Return the workflow as plain JSON; it may be the text of a file."""
    try:
        text = workflow if isinstance(workflow, str) else json.dumps(workflow, default=dict)
        if len(text) > MAX_WORKFLOW_CHARS:
            raise ValidationFailed.for_field(_WORKFLOW, ProblemCode.TOO_LONG(maximum=MAX_WORKFLOW_CHARS))
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValidationFailed.for_field(_WORKFLOW, ProblemCode.NOT_JSON()) from error


def _graph(workflow: Any) -> dict[str, Any]:
    if isinstance(workflow, dict) and isinstance(workflow.get("nodes"), list):
        raise ValidationFailed.for_field(_WORKFLOW, ComfyUICode.PAGE_FORMAT())
    if not isinstance(workflow, dict) or not workflow:
        raise ValidationFailed.for_field(_WORKFLOW, ComfyUICode.NOT_A_GRAPH())
    return workflow


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
                if is_link(value) and value[0] not in graph:
                    reason = ComfyUICode.STRAY_LINK(node=value[0])
                    yield Problem(field=f"{path}.inputs.{field}", reason=reason)


def is_link(value: Any) -> bool:
    """Return whether an input takes what another node makes."""
    return (
        isinstance(value, list)
        and len(value) == _LINK_LENGTH
        and isinstance(value[0], str)
        and isinstance(value[1], int)
    )


def _wrong_type(field: str, kind: Message) -> Problem:
    return Problem(field=field, reason=ProblemCode.WRONG_TYPE(types=(kind,)))


@attrs.frozen(kw_only=True)
class _Names:
    """Finds what names stand for in one graph."""

    graph: Mapping[str, Any]

    def parse(self, named: Any) -> Workflow:
        if not isinstance(named, Mapping):
            raise ValidationFailed(_wrong_type(_INPUTS, JsonType.OBJECT()))
        problems: list[Problem] = []
        inputs: dict[str, tuple[NodeInput, ...]] = {}
        for name, paths in named.items():
            try:
                inputs[name] = self._inputs(f"{_INPUTS}.{name}", name, paths)
            except ValidationFailed as error:
                problems += error.problems
        problems += _missing(named)
        problems += _conflicts(inputs)
        if problems:
            raise ValidationFailed(*problems)
        if "seed" not in inputs:
            inputs["seed"] = self._seeds()
        return Workflow(graph=self.graph, inputs={name: paths for name, paths in inputs.items() if paths})

    def _seeds(self) -> tuple[NodeInput, ...]:
        """Return every input that is a seed by its name, and holds a number."""
        return tuple(
            NodeInput(node_id, field)
            for node_id, node in self.graph.items()
            for field in _SEED_FIELDS
            if isinstance(node["inputs"].get(field), int)
        )

    def _inputs(self, field: str, name: str, paths: Any) -> tuple[NodeInput, ...]:
        if not _NAME.fullmatch(name):
            raise ValidationFailed.for_field(field, ComfyUICode.NOT_AN_INPUT_NAME())
        each = [paths] if isinstance(paths, str) else paths
        if not isinstance(each, (list, tuple)) or not all(isinstance(path, str) for path in each):
            types = (JsonType.STRING(), JsonType.ARRAY())
            raise ValidationFailed.for_field(field, ProblemCode.WRONG_TYPE(types=types))
        return tuple(self._input(field, path) for path in each)

    def _input(self, field: str, path: str) -> NodeInput:
        match = _PATH.fullmatch(path)
        if match is None:
            raise ValidationFailed.for_field(field, ComfyUICode.NOT_AN_INPUT_PATH(path=path))
        node_id, name = self._node_id(field, match["node"]), match["field"]
        node = self.graph[node_id]
        if name not in node["inputs"]:
            reason = ComfyUICode.NO_SUCH_INPUT(
                node=node_id, kind=node["class_type"], field=name, known=_some(node["inputs"])
            )
            raise ValidationFailed.for_field(field, reason)
        if is_link(value := node["inputs"][name]):
            reason = ComfyUICode.LINKED_INPUT(path=path, source=value[0])
            raise ValidationFailed.for_field(field, reason)
        return NodeInput(node_id, name)

    def _node_id(self, field: str, node: str) -> str:
        """Return the id of a node that is named by it, or by its title."""
        if node in self.graph:
            return node
        ids = [node_id for node_id, each in self.graph.items() if _title(each) == node]
        if len(ids) > 1:
            raise ValidationFailed.for_field(field, ComfyUICode.TITLE_TWICE(node=node, ids=tuple(ids)))
        if not ids:
            nodes = _some(f"{node_id} ({_title(each)})" for node_id, each in self.graph.items())
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
    """Yield what has to be named, by itself or beside something else."""
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
            owner = owners.setdefault(path, name)
            if owner != name:
                reason = ComfyUICode.INPUT_TAKEN(path=str(path), other=owner)
                yield Problem(field=f"{_INPUTS}.{name}", reason=reason)
