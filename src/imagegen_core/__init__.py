"""imagegen's core: image generation through paid providers that never loses a task and never pays twice.

Start with `ImageGen`, over parts of your own or `imagegen_adapters.memory.in_memory()`. The names below are
imported lazily: a program that needs one table loads nothing else.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagegen_core.errors import CallError, Failure, FailureCode, ImagegenError, Refusal, ValidationFailed
    from imagegen_core.imagegen import ImageGen, Limits, Source, StoredImage, TaskFailed
    from imagegen_core.images import Image
    from imagegen_core.messages import Language, Message, MessageCode, Problem
    from imagegen_core.ports.parts import Parts
    from imagegen_core.ports.tasks import TaskFilter
    from imagegen_core.requests import ImageRequest, Operation
    from imagegen_core.services.tasks import TaskChanges
    from imagegen_core.task import ImageReference, Submission, Task, TaskStatus

__all__ = [
    "CallError",
    "Failure",
    "FailureCode",
    "Image",
    "ImageGen",
    "ImageReference",
    "ImageRequest",
    "ImagegenError",
    "Language",
    "Limits",
    "Message",
    "MessageCode",
    "Operation",
    "Parts",
    "Problem",
    "Refusal",
    "Source",
    "StoredImage",
    "Submission",
    "Task",
    "TaskChanges",
    "TaskFailed",
    "TaskFilter",
    "TaskStatus",
    "ValidationFailed",
]

_MODULES = (
    *("messages", "errors", "requests", "images", "task", "ports.tasks", "ports.parts"),
    *("services.tasks", "imagegen"),
)
"""Where those names are, in the order of their imports: one loads those before it."""


class _MovedModules:
    """The last finder asked: what no other one finds has moved, or never was.

    It is asked as well for what was below a module with an empty ``__path__``, and for a name that is gone:
    that error would be swallowed if its ``name`` were the missing one.
    """

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name.startswith(("imagegen_core.", "imagegen_adapters.")):
            page = "see What moved in docs/how-to/test-an-adapter.md"
            raise ModuleNotFoundError(f"No module named {name!r}; {page}", name=name.rpartition(".")[0])


sys.meta_path.append(_MovedModules)


def __getattr__(name: str) -> Any:
    for module in _MODULES if name in __all__ else ():
        if hasattr(home := import_module(f"{__name__}.{module}"), name):
            return getattr(home, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
