"""Changes that the state of a task or an attempt does not allow."""

from imagegen_core.errors.imagegen_error import ImagegenError
from imagegen_core.problems.storage import StorageCode


class IllegalTransition(ImagegenError):
    """A task or an attempt was asked to do what its present state forbids."""

    def __init__(self, noun: str, present: str, target: str) -> None:
        super().__init__(StorageCode.ILLEGAL_TRANSITION(noun=noun, state=present, target=target))


class StaleTask(ImagegenError):
    """The stored task is not the one that the change was made from; nothing was written."""

    def __init__(self, task_id: str) -> None:
        super().__init__(StorageCode.STALE_TASK(task_id=task_id))
