"""imagegen's core: image generation through paid providers that never loses a task and never pays twice.

The façade is `ImageGen`; build it from adapters, or take `imagegen_adapters.memory.in_memory()`.
Values and ports import only attrs and the standard library. The names exported here are imported lazily, so
that a program that needs only a table or a limit of one module loads nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagegen_core.errors import CallError, Failure, FailureCode, ImagegenError, Refusal, ValidationFailed
    from imagegen_core.facade.adapters import Adapters
    from imagegen_core.facade.imagegen import ImageGen
    from imagegen_core.facade.limits import Limits
    from imagegen_core.images import Image
    from imagegen_core.messages import Language, Message, MessageCode
    from imagegen_core.operations import Operation
    from imagegen_core.ports.tasks import TaskFilter
    from imagegen_core.problems import Problem
    from imagegen_core.requests import ImageRequest
    from imagegen_core.services.tasks import TaskChanges
    from imagegen_core.task import StoredImage, Submission, Task, TaskStatus

__all__ = [
    "Adapters",
    "CallError",
    "Failure",
    "FailureCode",
    "Image",
    "ImageGen",
    "ImageRequest",
    "ImagegenError",
    "Language",
    "Limits",
    "Message",
    "MessageCode",
    "Operation",
    "Problem",
    "Refusal",
    "StoredImage",
    "Submission",
    "Task",
    "TaskChanges",
    "TaskFilter",
    "TaskStatus",
    "ValidationFailed",
]

_HOMES = {
    "Adapters": "facade.adapters",
    "CallError": "errors",
    "Failure": "errors",
    "FailureCode": "errors",
    "Image": "images",
    "ImageGen": "facade.imagegen",
    "ImagegenError": "errors",
    "StoredImage": "task",
    "Language": "messages",
    "Limits": "facade.limits",
    "Message": "messages",
    "MessageCode": "messages",
    "Operation": "operations",
    "ImageRequest": "requests",
    "Problem": "problems",
    "Refusal": "errors",
    "Submission": "task",
    "Task": "task",
    "TaskChanges": "services.tasks",
    "TaskFilter": "ports.tasks",
    "TaskStatus": "task",
    "ValidationFailed": "errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
