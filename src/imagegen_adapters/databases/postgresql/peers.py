"""Questions between nodes about what one process alone knows, by hints."""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress

from imagegen_adapters.databases.postgresql.listener import Listener

ANSWER_SECONDS = 1.0
"""How long who asks waits for a yes; nodes that are alive take a tenth of it."""

_TURNS, _TURN_SECONDS = 8, 0.01
"""How often a node looks again before it says yes.

A busy node may hear the question before it reads what came earlier, such as the end of a caller's connection.
What has arrived is read at once, in any order; a few turns of the event loop later all that follows is there.
"""

_QUESTION, _YES = "question", "yes"


class PostgresqlPeers:
    """Asks all other nodes at once. None of them has to be known, and one that is dead says nothing."""

    def __init__(self, listener: Listener, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._listener = listener
        self._answer_seconds = answer_seconds
        self._answers: dict[str, Callable[[str], bool]] = {}
        self._questions: dict[str, asyncio.Event] = {}
        self._replies: set[asyncio.Task[None]] = set()
        listener.hear(_QUESTION, self._hear_question)
        listener.hear(_YES, self._hear_yes)

    def answer(self, question: str, is_so: Callable[[str], bool]) -> None:
        """Let this node answer a question of others about a subject; a question is one word."""
        self._answers[question] = is_so

    async def ask(self, question: str, subject: str) -> bool:
        """Return whether another node says yes; silence means no."""
        number = uuid.uuid4().hex
        heard = self._questions[number] = asyncio.Event()
        try:
            self._listener.notify(_QUESTION, f"{number} {question} {subject}")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._answer_seconds):
                    await heard.wait()
            return heard.is_set()
        finally:
            del self._questions[number]

    def _hear_question(self, hint: str) -> None:
        number, _, text = hint.partition(" ")
        question, _, subject = text.partition(" ")
        is_so = self._answers.get(question)
        if is_so is not None and number not in self._questions:
            reply = asyncio.create_task(self._reply(number, is_so, subject))
            self._replies.add(reply)
            reply.add_done_callback(self._replies.discard)

    async def _reply(self, number: str, is_so: Callable[[str], bool], subject: str) -> None:
        for _ in range(_TURNS):
            if not is_so(subject):
                return
            await asyncio.sleep(_TURN_SECONDS)
        self._listener.notify(_YES, number)

    def _hear_yes(self, number: str) -> None:
        if number in self._questions:
            self._questions[number].set()
