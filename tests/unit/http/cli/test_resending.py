"""A request is sent again where its response was lost, if that cannot do anything twice."""

import httpx
import pytest

from imagegen_http.cli.api import Api, ApiRefusal
from imagegen_http.cli.context import CommandFailed

pytestmark = pytest.mark.anyio

PATH = "/api/v1/tasks"
UNSENT, LOST = httpx.ConnectError("refused"), httpx.ReadTimeout("late")
BAD_GATEWAY = httpx.Response(502, text="<html>Bad Gateway</html>")
TASK = {"task_id": "7"}


def good(value=TASK):
    return httpx.Response(200, json={"code": 0, "message": "success", "data": value})


def unavailable():
    return httpx.Response(503, json={"code": 50301, "message": "stopping", "data": {"error": "unavailable"}})


class Node:
    """Answers what it was given, one after the other."""

    def __init__(self, *outcomes):
        self._outcomes = list(outcomes)
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    @property
    def keys(self):
        return [request.headers.get("Idempotency-Key") for request in self.requests]

    def api(self, delays=(0, 0)):
        client = httpx.AsyncClient(base_url="http://node.test", transport=httpx.MockTransport(self))
        return Api(client, place="http://node.test", retry_delays=delays)


@pytest.mark.parametrize("first", [LOST, httpx.RemoteProtocolError("cut"), BAD_GATEWAY, unavailable()])
async def test_a_submission_whose_response_is_lost_is_sent_again_with_its_key(first):
    """So the service finds the task that it may have made already."""
    node = Node(first, good())
    task = await node.api().submit(PATH)

    assert (TASK, 2, 1) == (task, len(node.keys), len({*node.keys}))
    assert None not in node.keys


async def test_two_submissions_have_two_keys():
    """Whoever asks twice wants two."""
    node = Node(good(), good())
    api = node.api()
    for _ in range(2):
        await api.submit(PATH)

    assert 2 == len({*node.keys})


@pytest.mark.parametrize("outcome", [LOST, BAD_GATEWAY])
async def test_a_submission_that_stays_unanswered_may_have_been_accepted(outcome):
    """The reason says how to look."""
    node = Node(*[outcome] * 3)
    with pytest.raises(CommandFailed, match=r"imagegen --server http://node\.test tasks list"):
        await node.api().submit(PATH)

    assert 3 == len(node.requests)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("outcome", [LOST, BAD_GATEWAY])
async def test_another_change_is_never_sent_again(method, outcome):
    """It may have been made."""
    node = Node(good(), outcome)
    api = node.api()
    await api.call("GET", PATH)
    with pytest.raises(CommandFailed, match="may have been done"):
        await api.call(method, PATH)

    assert 2 == len(node.requests)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_what_was_never_sent_is_sent_again(method):
    """A node that has answered is there again soon."""
    node = Node(good(), UNSENT, UNSENT, good())
    api = node.api()
    await api.call("GET", PATH)

    assert TASK == await api.call(method, PATH)


@pytest.mark.parametrize("outcome", [LOST, BAD_GATEWAY, unavailable()])
async def test_reading_goes_on_after_a_response_is_lost(outcome):
    """It changes nothing."""
    node = Node(good(), outcome, good())
    api = node.api()
    await api.call("GET", PATH)

    assert TASK == await api.call("GET", PATH)


@pytest.mark.parametrize("outcome", [UNSENT, LOST, BAD_GATEWAY])
async def test_nobody_waits_for_an_address_that_has_never_answered(outcome):
    """It may be wrong."""
    node = Node(outcome)
    with pytest.raises(CommandFailed, match=r"^http://node\.test: "):
        await node.api().call("GET", PATH)

    assert 1 == len(node.requests)


async def test_a_submission_that_was_never_sent_is_not_said_to_be_accepted():
    """The reason is that there is no connection."""
    node = Node(UNSENT)
    with pytest.raises(CommandFailed, match=r"not reachable$"):
        await node.api().submit(PATH)


async def test_a_refusal_is_an_answer():
    """It is not asked for again."""
    node = Node(httpx.Response(429, json={"code": 42901, "message": "the queue is full", "data": {}}))
    with pytest.raises(ApiRefusal, match="the queue is full"):
        await node.api().submit(PATH)

    assert 1 == len(node.requests)


async def test_on_this_machine_nothing_is_sent_again():
    """There a lost response means that the server has ended."""
    node = Node(LOST)
    with pytest.raises(CommandFailed, match="may have been accepted"):
        await node.api(delays=()).submit(PATH)

    assert 1 == len(node.requests)
