"""Of concurrent equal queries, one goes first."""

import asyncio

import pytest

from imagegen_adapters.image_records.query_gate import QueryGate

pytestmark = pytest.mark.anyio


class Queries:
    """Queries that are answered on request."""

    def __init__(self):
        self.gate = QueryGate()
        self.running = []
        self.answers = []

    def start(self, query):
        return asyncio.create_task(self._run(query))

    async def _run(self, query):
        async with self.gate.enter(query):
            answer = asyncio.get_running_loop().create_future()
            self.answers.append(answer)
            self.running.append(query)
            return await answer


@pytest.fixture
def queries():
    return Queries()


async def settle():
    """Let everything run that can run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_goes_first_and_the_others_follow_together(queries):
    tasks = [queries.start("cat") for _ in range(4)]
    await settle()
    first = list(queries.running)
    queries.answers[0].set_result("first")
    await settle()
    all_started = list(queries.running)
    for answer in queries.answers[1:]:
        answer.set_result("later")

    assert (["cat"], ["cat"] * 4) == (first, all_started)
    assert ["first", "later", "later", "later"] == await asyncio.gather(*tasks)


async def test_different_queries_do_not_wait(queries):
    tasks = [queries.start("cat"), queries.start("dog")]
    await settle()
    for answer in queries.answers:
        answer.set_result(None)
    await asyncio.gather(*tasks)

    assert ["cat", "dog"] == queries.running


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_nobody_waits_for_a_query_that_has_ended(queries, end):
    first, second = queries.start("cat"), queries.start("cat")
    await settle()
    if end == "failed":
        queries.answers[0].set_exception(KeyError("cat"))
    else:
        first.cancel()
    await settle()
    queries.answers[1].set_result("answered")

    assert "answered" == await second
    assert isinstance(
        (await asyncio.gather(first, return_exceptions=True))[0], KeyError | asyncio.CancelledError
    )


async def test_a_later_one_goes_first_again(queries):
    for _ in range(2):
        query = queries.start("cat")
        await settle()
        queries.answers[-1].set_result(None)
        await query

    assert ["cat", "cat"] == queries.running
