"""A workflow in the format that ComfyUI exports for its API, and where the values of a request go in it."""

import copy
from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen
class NodeInput:
    """One input of one node."""

    node: str
    field: str

    def __str__(self) -> str:
        """The path inside the exported file."""
        return f"{self.node}.inputs.{self.field}"


@attrs.frozen(kw_only=True)
class Workflow:
    """``graph`` holds the nodes by id; ``inputs`` the inputs that each name stands for, at least one.

    A name is ``prompt``, ``image``, ``mask``, ``references`` (an input for each), ``model``, or that of a
    parameter.
    """

    graph: Mapping[str, Any]
    inputs: Mapping[str, tuple[NodeInput, ...]]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its nodes, sorted."""
        return tuple(sorted({str(node["class_type"]) for node in self.graph.values()}))

    def value(self, name: str) -> Any:
        """Return what was exported for a name."""
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
