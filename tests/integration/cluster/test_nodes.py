"""What one node accepts another runs, and every node shows it."""

import base64
import contextlib
import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from imagegen_core.requests import Operation
from tests.fakes.images import png
from tests.integration.api.asking import (
    CONFIG,
    ENGLISH,
    IMAGES,
    TASKS,
    data,
    data_url,
    ended,
    make_image,
    row,
    submit,
    total,
    until,
)
from tests.integration.api.held_upstream import HELD, call_of
from tests.integration.cluster.conftest import TOKEN, starting

GENERATIONS = "/v1/images/generations"
REFERENCE = Operation.REFERENCE.rules.path


@pytest.fixture(scope="module")
def nodes(postgresql, postgresql_template, tmp_path_factory):
    """Nodes that several tests share."""
    with starting(postgresql, postgresql_template, tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def worker(nodes):
    return nodes.start(roles=["worker"])


@pytest.fixture(scope="module")
def clients(nodes, worker):
    """Clients of two nodes that only answer requests."""
    with nodes.start(roles=["api"]).client() as near, nodes.start(roles=["api"]).client() as far:
        yield near, far


def test_an_image_that_a_third_node_has_made(clients, nodes):
    """It is in the bucket; each node reads and finds it, and none has a file of it."""
    near, far = clients
    image = make_image(near, "灯塔")
    contents = [client.get(image["image_url"]).content for client in clients]
    hits = data(far.get(f"{IMAGES}/search", params={"keyword": "灯"}))["items"]
    files = [path for node in nodes.started for path in node.data_dir.rglob("*") if path.suffix == ".png"]

    assert contents[0].startswith(b"\x89PNG")
    assert (contents[0], [image["id"]], []) == (contents[1], [hit["id"] for hit in hits], files)


def test_a_node_that_only_runs_tasks_says_so(worker):
    """Its health is everybody's business; for the rest one asks another node."""
    with worker.client(**ENGLISH) as client:
        answers = [client.get(path) for path in ("/health", "/health/live", "/health/ready")]
        refusals = [client.get(path) for path in (IMAGES, "/", "/v1/models", "/docs")]

    assert [200] * 3 == [answer.status_code for answer in answers]
    assert [404] * 4 == [refusal.status_code for refusal in refusals]
    assert "ask one with the role api" in refusals[0].json()["data"]["detail"]
    assert (404, 40400, "not_found") == row(refusals[0])


def test_images_in_one_request(clients):
    """A node that runs nothing waits for what runs elsewhere."""
    body = {"prompt": "a lighthouse", "model": "demo", "size": "64x64"}
    answer = clients[0].post(GENERATIONS, json=body)

    assert answer.json()["data"][0]["b64_json"].startswith("iVBOR")


def test_equal_keys_at_two_nodes(clients):
    """They are one request."""
    headers = {"Idempotency-Key": "one"}
    tasks = [data(submit(client, "a ship", headers=headers)) for client in clients]

    assert tasks[0]["task_id"] == tasks[1]["task_id"]


def test_a_lost_response_is_found_at_another_node(clients, nodes):
    """Whose caller left is claimed by an equal request, wherever that arrives; it is paid for once."""
    near, far = clients
    body = json.dumps({"prompt": "a lost lighthouse", "model": f"{HELD}/default"})
    headers = {"Content-Type": "application/json"}
    nodes.upstream.hold.clear()
    nodes.upstream.begun.clear()
    before = len(nodes.upstream.ledger)
    try:
        with contextlib.closing(http.client.HTTPConnection(near.base_url.host, near.base_url.port)) as lost:
            lost.request("POST", GENERATIONS, body, headers)
            assert nodes.upstream.begun.wait(60)
    finally:
        nodes.upstream.hold.set()
    answer = far.post(GENERATIONS, content=body, headers=headers)

    assert (200, 1) == (answer.status_code, len(nodes.upstream.ledger) - before)


def test_equal_requests_at_two_nodes(clients, nodes):
    """Both callers wait, so each gets a task of its own, as they would at one node."""
    body, before = {"prompt": "two lighthouses", "model": f"{HELD}/default"}, total(clients[0])
    nodes.upstream.hold.clear()
    nodes.upstream.begun.clear()
    try:
        with ThreadPoolExecutor() as threads:
            first = threads.submit(clients[0].post, GENERATIONS, json=body)
            assert nodes.upstream.begun.wait(60)
            second = threads.submit(clients[1].post, GENERATIONS, json=body)
            until(lambda: total(clients[0]), lambda count: count == before + 2)
            nodes.upstream.hold.set()
            ids = {answer.result().headers["x-task-id"] for answer in (first, second)}
    finally:
        nodes.upstream.hold.set()

    assert 2 == len(ids)


def test_a_configuration_is_seen_everywhere_at_once(clients):
    """No node keeps one in memory."""
    near, far = clients
    data(near.post(CONFIG, json={"provider_name": "saved", "kind": "demo", "display_name": "First"}))
    names = [data(far.get(f"{CONFIG}/saved"))["display_name"]]
    data(near.post(CONFIG, json={"provider_name": "saved", "kind": "demo", "display_name": "Second"}))
    names.append(data(far.get(f"{CONFIG}/saved"))["display_name"])

    assert ["First", "Second"] == names


def test_events_of_a_task_that_runs_elsewhere(clients):
    """The stream of one node ends with the end of the task at another."""
    near, far = clients
    task_id = data(submit(near, "events"))["task_id"]
    with far.stream("GET", f"/api/v1/tasks/{task_id}/events") as stream:
        names = [line.removeprefix("event: ") for line in stream.iter_lines() if line.startswith("event")]

    assert ("snapshot", "completed") == (names[0], names[-1])


def test_the_health_of_all_nodes(clients, worker):
    """Each tells who there is, what it does and whether it is alive."""
    reports = [client.get("/health").json()["checks"]["cluster"] for client in clients]
    roles = sorted(node["roles"] for node in reports[0]["nodes"] if node["alive"])
    names = {node["name"] for node in reports[0]["nodes"]}

    assert [["api"], ["api"], ["worker"]] == roles
    assert {reports[0]["node"], reports[1]["node"]} < names
    assert reports[0]["node"] != reports[1]["node"]


def test_a_running_task_is_cancelled_from_another_node(clients, nodes):
    """Its node hears of that and interrupts the call."""
    near, far = clients
    nodes.upstream.hold.clear()
    nodes.upstream.begun.clear()
    try:
        task_id = call_of(near, nodes.upstream)
        data(far.post(f"/api/v1/tasks/{task_id}/cancel"))
        ended(near, task_id)
    finally:
        nodes.upstream.hold.set()

    assert nodes.upstream.interrupted


def test_an_image_that_is_deleted_at_a_node_is_removed_by_another(clients, nodes):
    """From the bucket, and at once: the next regular pass is minutes away."""
    near, far = clients
    image = make_image(near, "a lighthouse to delete")
    key = f"{image['task_id']}-"
    far.get(image["thumbnail_url"])
    until(lambda: objects_of(nodes, key), lambda objects: len(objects) == 2)
    until(lambda: far.get("/health").json()["checks"]["cluster"]["turn"], lambda turn: turn is None)
    far.delete(f"{IMAGES}/{image['id']}")

    assert [] == until(lambda: objects_of(nodes, key), lambda objects: not objects)


def objects_of(nodes, key):
    """Return the objects of a task in the bucket: its image, and the thumbnail."""
    return [name for name in nodes.oss.objects if key in name]


def test_a_node_that_only_answers_keeps_no_inputs(clients, nodes):
    """The database has them, for whichever node runs the task."""
    near, _ = clients
    image = f"data:image/png;base64,{base64.b64encode(png(1, (64, 64))).decode()}"
    body = {"provider": "demo", "prompt": "a ship", "reference_images": [image]}
    task = ended(near, data(near.post(REFERENCE, json=body))["task_id"])
    copies = [path for node in nodes.started for path in node.data_dir.glob("copies/**/*") if path.is_file()]

    assert ("completed", []) == (task["status"], copies)


def test_another_node_serves_the_inputs_of_a_task(clients, worker):
    """Those that were sent are in the database, stored images in the bucket; and it makes the task again."""
    near, far = clients
    image, content = make_image(near), png(9, (40, 30))
    references = [data_url(content), f"image:{image['id']}"]
    body = {"provider": "demo", "prompt": "a tower", "reference_images": references}
    task = ended(near, data(near.post(REFERENCE, json=body))["task_id"])
    again = ended(far, data(far.post(f"{TASKS}/{task['task_id']}/rerun", json={}))["task_id"])
    served = [far.get(one["url"]).content for one in task["inputs"]]
    record = data(far.get(f"{IMAGES}/{image['id']}"))

    assert ("completed", "completed") == (task["status"], again["status"])
    assert [content, near.get(image["image_url"]).content] == served
    assert [one["images"][0]["id"] for one in (again, task)] == record["children"]


def test_a_command_leaves_its_task_to_the_nodes(nodes, worker):
    """Its settings have all roles, and still it claims nothing that would end with it."""
    command = nodes.make().imagegen("generate", "a command's lighthouse", "--json")
    task = json.loads(command.stdout)

    assert (0, "completed") == (command.returncode, task["status"])
    assert task["task_id"] in worker.log


def test_a_task_is_polled_at_any_node_and_its_link_opens_at_all(postgresql, postgresql_template, tmp_path):
    """They share the master key, so each knows the links of the others; a third node makes the image."""
    with starting(postgresql, postgresql_template, tmp_path) as nodes:
        nodes.start(roles=["worker"])
        servers = [nodes.start(roles=["api"], server={"auth_token": TOKEN}) for _ in range(2)]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with servers[0].client(**headers) as near, servers[1].client(**headers) as far:
            body = {"prompt": "灯塔", "size": "64x64"}
            submitted = near.post(f"{GENERATIONS}/async", json=body, headers={"Idempotency-Key": "k"}).json()
            polled = until(
                lambda: far.get(submitted["poll_url"]).json(), lambda task: task["status"] == "completed"
            )
            by_request = far.get(f"{GENERATIONS}/by-request/k").json()
        with servers[0].client() as visitor:
            link = urlsplit(polled["image_url"])
            image = visitor.get(f"{link.path}?{link.query}")

    assert submitted["id"] == polled["id"] == by_request["id"]
    assert f"{link.scheme}://{link.netloc}" == servers[1].url
    assert (200, "image/png") == (image.status_code, image.headers["content-type"])
