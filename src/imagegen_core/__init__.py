"""imagegen's core: image generation through paid providers that never loses a task and never pays twice.

The façade is `ImageGen`; build it from adapters, or take `imagegen_adapters.memory.in_memory()`.
Values and ports import attrs and the standard library, nothing else.
"""

from imagegen_core.errors import CallError, ImagegenError, Refusal, ValidationFailed
from imagegen_core.failures import Failure, FailureCode
from imagegen_core.imagegen import Adapters, ImageGen, Limits
from imagegen_core.images import Image
from imagegen_core.operations import ImageRequest, Operation
from imagegen_core.tasks.submission import StoredImage, Submission
from imagegen_core.tasks.task import Task, TaskStatus

__all__ = [
    "Adapters",
    "CallError",
    "Failure",
    "FailureCode",
    "Image",
    "ImageGen",
    "ImageRequest",
    "ImagegenError",
    "Limits",
    "Operation",
    "Refusal",
    "StoredImage",
    "Submission",
    "Task",
    "TaskStatus",
    "ValidationFailed",
]
