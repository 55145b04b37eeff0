"""Of equal questions one goes first."""

import asyncio

import pytest

from imagegen_adapters.image_records.query_gate import QueryGate

pytestmark = pytest.mark.anyio


class Asked:
    """Questions that are answered when the test says so."""

    def __init__(self):
        self.turns = QueryGate()
        self.running = []
        self.answers = []

    def ask(self, question):
        return asyncio.create_task(self._ask(question))

    async def _ask(self, question):
        async with self.turns.of(question):
            answer = asyncio.get_running_loop().create_future()
            self.answers.append(answer)
            self.running.append(question)
            return await answer


@pytest.fixture
def asked():
    return Asked()


async def settle():
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_goes_first_and_the_others_follow_together(asked):
    questions = [asked.ask("cat") for _ in range(4)]
    await settle()
    first = list(asked.running)
    asked.answers[0].set_result("first")
    await settle()
    then = list(asked.running)
    for answer in asked.answers[1:]:
        answer.set_result("later")

    assert (["cat"], ["cat"] * 4) == (first, then)
    assert ["first", "later", "later", "later"] == await asyncio.gather(*questions)


async def test_different_questions_do_not_wait(asked):
    questions = [asked.ask("cat"), asked.ask("dog")]
    await settle()
    for answer in asked.answers:
        answer.set_result(None)
    await asyncio.gather(*questions)

    assert ["cat", "dog"] == asked.running


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_nobody_waits_for_a_first_one_that_is_gone(asked, end):
    first, second = asked.ask("cat"), asked.ask("cat")
    await settle()
    if end == "failed":
        asked.answers[0].set_exception(KeyError("cat"))
    else:
        first.cancel()
    await settle()
    asked.answers[1].set_result("answered")

    assert "answered" == await second
    assert isinstance(
        (await asyncio.gather(first, return_exceptions=True))[0], KeyError | asyncio.CancelledError
    )


async def test_a_later_one_goes_first_again(asked):
    for _ in range(2):
        question = asked.ask("cat")
        await settle()
        asked.answers[-1].set_result(None)
        await question

    assert ["cat", "cat"] == asked.running
