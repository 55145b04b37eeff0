"""ComfyUI behind the running service: what becomes of a task when a job there is lost, stopped or refused."""

import json
from contextlib import closing

import attrs
import pytest

from imagegen_adapters.providers.comfyui_workflow import default_workflow
from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.comfyui import FakeComfyUI
from tests.fakes.http_server import HttpServer
from tests.fakes.images import png
from tests.fakes.in_thread import in_thread
from tests.integration.api.asking import CONFIG, GENERATE, TASKS, data, data_url, ended, fields, until
from tests.integration.api.live_server import LiveServer

pytestmark = pytest.mark.one_python

GRAPH = dict(default_workflow().graph)
INPUTS = {"prompt": "Prompt.inputs.text"}
PAGE = {"nodes": [], "links": []}


@attrs.define
class Bench:
    """The service, and the ComfyUI behind it."""

    server: LiveServer
    line: HttpServer

    @property
    def comfyui(self):
        return self.line.fake

    def api(self):
        return self.server.client()

    def submit(self, prompt="a lighthouse", **params):
        """Return the id of a task once ComfyUI has its job and the attempt says so."""
        count = len(self.comfyui.ledger)
        with self.api() as api:
            task_id = data(
                api.post(GENERATE, json={"provider": "comfyui", "params": {"prompt": prompt, **params}})
            )["task_id"]
        until(lambda: len(self.comfyui.ledger), lambda length: length > count)
        until(self.jobs, lambda jobs: len(jobs) > 0)
        return task_id

    def jobs(self):
        """Return the jobs of the attempts that ComfyUI has accepted, as they are stored."""
        return [
            json.loads(text) for (text,) in self.rows("SELECT job FROM attempts WHERE phase = 'accepted'")
        ]

    def rows(self, sql, *values):
        with closing(sqlite3.connect(self.server.data_dir / "imagegen.db")) as database, database:
            return database.execute(sql, values).fetchall()

    def ended(self, task_id):
        with self.api() as api:
            return ended(api, task_id)

    def cancel(self, task_id):
        with self.api() as api:
            data(api.post(f"{TASKS}/{task_id}/cancel"))


def generate(api, **params):
    return data(api.post(GENERATE, json={"provider": "comfyui", "params": params}))["task_id"]


@pytest.fixture
def bench(tmp_path):
    with in_thread(HttpServer(FakeComfyUI())) as line:
        authority = line.url.removeprefix("http://")
        settings = {
            "security": {"allow_private_upstreams": [authority]},
            "providers": {"comfyui": {"api_base": line.url, "timeout_seconds": 120}},
            "shutdown_grace_seconds": 0,
        }
        bench = Bench(LiveServer(tmp_path, settings).start(), line)
        try:
            yield bench
        finally:
            bench.server.end()
        assert [] == line.complaints


def test_a_lost_job_frees_the_only_slot(bench):
    """ComfyUI was restarted: the first task fails, and the second one that waited is done."""
    bench.comfyui.is_held = True
    first = bench.submit()
    with bench.api() as api:
        second = generate(api, prompt="b")
    bench.comfyui.restart()
    bench.comfyui.is_held = False
    tasks = [bench.ended(task_id) for task_id in (first, second)]

    assert [("failed", "result_expired"), ("completed", None)] == [
        (task["status"], (task["error"] or {}).get("code")) for task in tasks
    ]
    assert 2 == len(bench.comfyui.ledger)


def test_a_job_is_resumed_after_a_kill(bench):
    """By its id: it was sent once, and its deadline is still the first one."""
    bench.comfyui.is_held = True
    task_id = bench.submit()
    deadline = bench.jobs()[0]["expires_at"]
    bench.server.kill()
    bench.server.start()
    request_count = len(bench.line.requests)
    until(lambda: len(bench.line.requests), lambda count: count > request_count)
    deadline_after = bench.jobs()[0]["expires_at"]
    bench.comfyui.is_held = False
    task = bench.ended(task_id)

    assert ("completed", 1, 1) == (task["status"], len(task["images"]), len(bench.comfyui.ledger))
    assert deadline == deadline_after


def test_a_deadline_that_passed_while_we_were_down_is_kept(bench):
    """The job still runs, half an hour after it was accepted."""
    bench.comfyui.is_held = True
    task_id = bench.submit()
    bench.server.kill()
    bench.rows("UPDATE attempts SET job = json_set(job, '$.expires_at', '2026-01-01T00:00:00.000Z')")
    bench.server.start()
    task = bench.ended(task_id)

    assert ("timeout", True, 1) == (
        task["error"]["code"],
        task["error"]["possible_charge"],
        len(bench.comfyui.ledger),
    )


def test_a_job_that_comfyui_forgot_while_we_were_down_is_lost(bench):
    """Both were restarted; nothing is sent again."""
    bench.comfyui.is_held = True
    task_id = bench.submit()
    bench.server.kill()
    bench.comfyui.restart()
    bench.server.start()
    task = bench.ended(task_id)

    assert ("result_expired", 1) == (task["error"]["code"], len(bench.comfyui.ledger))


def test_a_running_job_is_cancelled(bench):
    """ComfyUI interrupts it, and the task ends."""
    bench.comfyui.is_held = True
    task_id = bench.submit()
    until(lambda: bench.comfyui.running, bool)
    bench.cancel(task_id)
    task = bench.ended(task_id)

    assert ("cancelled", 1) == (task["status"], len(bench.comfyui.interrupted))


def test_a_waiting_job_is_cancelled(bench):
    """Somebody else's job runs, and goes on."""
    bench.comfyui.is_held = True
    bench.comfyui.running["somebody-else"] = (GRAPH, ["9"])
    task_id = bench.submit()
    bench.cancel(task_id)
    task = bench.ended(task_id)

    assert ("cancelled", [], ["somebody-else"], {}) == (
        task["status"],
        bench.comfyui.interrupted,
        list(bench.comfyui.running),
        bench.comfyui.pending,
    )


def test_a_cancellation_outlives_a_kill(bench):
    """It is sent again by the next process."""
    bench.comfyui.is_held = True
    task_id = bench.submit()
    bench.server.kill()
    bench.rows("UPDATE tasks SET cancel_requested = 1")
    bench.server.start()
    task = bench.ended(task_id)

    assert ("cancelled", 1) == (task["status"], len(bench.comfyui.interrupted))


def test_what_happened_in_comfyui_reaches_the_caller(bench):
    """In the caller's language: an interrupt there, a node that failed, a model that it does not have."""
    bench.comfyui.is_held = True
    interrupted = bench.submit()
    until(lambda: bench.comfyui.running, bool)
    bench.comfyui.interrupt()
    interruption = bench.ended(interrupted)["error"]
    bench.comfyui.is_held, bench.comfyui.failing = False, ("3", "out of memory")
    with bench.api() as api:
        failed = generate(api, prompt="a")
        api.headers["accept-language"] = "zh"
        failure = ended(api, failed)["error"]
        refused = ended(api, generate(api, prompt="a", scheduler="nothing"))["error"]

    assert ("cancelled", "rejected", "rejected") == tuple(
        error["code"] for error in (interruption, failure, refused)
    )
    assert failure["message"].endswith("节点 3（KSampler）出错：out of memory")
    assert "；节点 3（KSampler）：Value not in list: scheduler: 'nothing'" in refused["message"]


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"workflow": PAGE, "inputs": INPUTS}, "workflow"),
        ({"workflow": GRAPH}, "inputs.prompt"),
        ({"workflow": GRAPH, "inputs": {"prompt": "99.inputs.text"}}, "inputs.prompt"),
        ({"workflow": GRAPH, "inputs": {**INPUTS, "steps": "3.inputs.step"}}, "inputs.steps"),
        ({"workflows": GRAPH}, "workflows"),
        ({"preset": "comfyui"}, "preset"),
    ],
)
def test_a_workflow_is_checked_when_it_is_saved(bench, extra, field):
    """The path is named, and nothing is saved."""
    body = {"provider_name": "comfyui-own", "api_base": bench.line.url, "extra_config": extra}
    with bench.api() as api:
        refused = api.post(CONFIG, json=body)
        saved = [config["provider_name"] for config in data(api.get(CONFIG))["items"]]

    assert [f"extra_config.{field}"] == fields(refused)
    assert "comfyui-own" not in saved


def test_an_exported_workflow_repaints_an_image(bench):
    """Saved as the text of its file, with the inputs that it is to have."""
    graph = json.loads(json.dumps(GRAPH))
    graph["10"] = {
        "class_type": "LoadImage",
        "_meta": {"title": "Source"},
        "inputs": {"image": "example.png"},
    }
    graph["11"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["10", 0], "vae": ["4", 2]}}
    graph["3"]["inputs"]["latent_image"] = ["11", 0]
    inputs = {**INPUTS, "image": "Source.inputs.image", "denoise": "KSampler.inputs.denoise"}
    config = {
        "provider_name": "comfyui-edit",
        "api_base": bench.line.url,
        "extra_config": {"workflow": json.dumps(graph), "inputs": inputs},
    }
    body = {
        "provider": "comfyui-edit",
        "prompt": "at night",
        "image": data_url(png(3)),
        "params": {"denoise": 0.5},
    }
    with bench.api() as api:
        data(api.post(CONFIG, json=config))
        task = ended(api, data(api.post("/api/v1/images/edit", json=body))["task_id"])

    ((name, content),) = bench.comfyui.files.items()
    graph_sent = bench.comfyui.ledger[0]
    assert ("completed", png(3)) == (task["status"], content)
    assert [name, "at night", 0.5] == [
        graph_sent["10"]["inputs"]["image"],
        graph_sent["6"]["inputs"]["text"],
        graph_sent["3"]["inputs"]["denoise"],
    ]
