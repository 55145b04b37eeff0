"""Failures of single images among many."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from imagegen_core.messages import Argument, Message
from imagegen_core.problems import RefusalCode
from imagegen_http.cli.api import ApiRefusal, ImageUnreadable
from imagegen_http.cli.context import CommandFailed
from imagegen_http.cli.messages import CommandCode

_MAX_LISTED_IDS = 20


def listed_ids(ids: Sequence[str | int]) -> tuple[Argument, ...]:
    """Return the ids as an argument of a message; of many the first, and how many more there are."""
    more = len(ids) - _MAX_LISTED_IDS
    return (*ids[:_MAX_LISTED_IDS], *((CommandCode.AND_MORE_IDS(count=more),) if more > 0 else ()))


class Failures:
    """Collects failures of single images for the command's last line, so that the others are processed."""

    def __init__(self) -> None:
        self._ids: dict[Message, list[str]] = {}

    @contextmanager
    def catching(self, image_id: int) -> Iterator[None]:
        """Record why the context failed for this image alone."""
        try:
            yield
        except ApiRefusal as error:
            self._ids.setdefault(error.summary, []).append(str(image_id))
        except ImageUnreadable as error:
            self._ids.setdefault(error.reason, []).append(str(image_id))

    def check(self) -> None:
        """Raise if there was a failure.

        Raises:
            CommandFailed: the command failed for some images.
        """
        if self._ids:
            raise CommandFailed(
                RefusalCode.PROBLEMS(
                    problems=tuple(
                        CommandCode.CONCERNING(subject=listed_ids(ids), reason=reason)
                        for reason, ids in self._ids.items()
                    )
                )
            )
