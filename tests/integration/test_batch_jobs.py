"""Batches as batch jobs of their providers: one job, half the price, nothing lost, wherever it is killed."""

import contextlib
import shutil
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import attrs
import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.gemini_batches import FakeGeminiBatches
from tests.fakes.http_server import Break, HttpServer, Reply
from tests.fakes.in_thread import in_thread
from tests.fakes.openai_batches import FakeOpenAIBatches
from tests.integration.api.live_server import LiveServer

PROVIDERS = {
    "openai": (FakeOpenAIBatches, "/v1", {"kind": "http", "extra_config": {"preset": "openai"}}),
    "gemini": (FakeGeminiBatches, "", {"kind": "gemini"}),
}
PARAMS = {"openai": {"size": "1024x1024", "quality": "low"}, "gemini": {"size": "1K"}}
PATIENCE = 60
thorough = pytest.mark.thorough
STARTS = r"^/v1/batches$|:batchGenerateContent$"
FINAL = ("completed", "failed", "cancelled")


def wait_until(condition, awaited):
    """Return the result of ``condition`` once it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {awaited}"
        time.sleep(0.02)
    return value


@attrs.define
class Stage:
    """The service beside one vendor; ``fake`` is driven by the test."""

    provider_name: str
    upstream: HttpServer
    fake: FakeOpenAIBatches | FakeGeminiBatches
    service: LiveServer

    def submit(self, count, *, forbidden=(), **more):
        """Submit a batch of numbered prompts and return its id."""
        prompts = [f"cat {n}" + (" forbidden" if n in forbidden else "") for n in range(count)]
        target = {"provider": self.provider_name}
        body = {
            "mode": "vendor",
            "prompts": prompts,
            "targets": [target],
            "params": PARAMS[self.provider_name],
        }
        with self.service.client() as api:
            answer = api.post("/api/v1/batches", json=body | more)
        assert 202 == answer.status_code, answer.text
        return answer.json()["data"]["batch_id"]

    def job(self):
        """Return the job that the vendor has accepted, once it has."""
        return wait_until(lambda: self.fake.jobs and self.fake.jobs[-1], "a job at the vendor")

    def act(self, verb, batch_id):
        with self.service.client() as api:
            return api.post(f"/api/v1/batches/{batch_id}/{verb}").raise_for_status().json()["data"]

    def batch(self, batch_id):
        with self.service.client() as api:
            return api.get(f"/api/v1/batches/{batch_id}").raise_for_status().json()["data"]

    def tasks(self, batch_id):
        tasks, page = [], 1
        with self.service.client() as api:
            while True:
                data = api.get(f"/api/v1/tasks?batch_id={batch_id}&page={page}&page_size=100").json()["data"]
                tasks += data["items"]
                if not data["has_more"]:
                    return tasks
                page += 1

    def ended(self, batch_id):
        """Return the batch and its tasks, once all have ended."""
        batch = wait_until(
            lambda: (
                (b := self.batch(batch_id))["status"] in ("completed", "cancelled")
                and not b["counts"]["pending"] + b["counts"]["processing"]
                and b
            ),
            "the end of the batch",
        )
        return batch, self.tasks(batch_id)

    def make_older(self, column, *, days):
        """Change when the jobs in the stopped service's database were made, or sent."""
        moment = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        path = self.service.data_dir / "imagegen.db"
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute(f"UPDATE batch_jobs SET {column} = ?", [moment])  # noqa: S608 - our own

    def usage(self):
        with self.service.client() as api:
            (group,) = api.get("/api/v1/usage?group_by=provider").json()["data"]["groups"]
        return group

    def check_paid_once(self, tasks):
        """Every completed request has its image, was made once, and cost half the price."""
        done = [task["prompt"] for task in tasks if task["status"] == "completed"]
        assert sorted(self.fake.ledger) == sorted(done)
        assert all(len(task["images"]) == 1 for task in tasks if task["status"] == "completed")
        assert self.fake.charged == Decimal(self.usage()["estimated"].get("USD", "0"))
        assert {} == self.usage()["possible"]
        assert [] == self.upstream.complaints


@pytest.fixture
def start(tmp_path):
    """Return a function that starts the service beside a vendor."""
    exits = []

    def start(provider_name, **settings):
        kind, path, config = PROVIDERS[provider_name]
        fake = kind()
        entered = in_thread(HttpServer(fake))
        upstream = entered.__enter__()
        exits.append(entered)
        provider = {**config, "api_base": f"{upstream.url}{path}", "api_key": fake.key}
        service = LiveServer(
            tmp_path,
            {
                "security": {"allow_private_upstreams": [upstream.url.partition("//")[2]]},
                "queue": {"batch_poll_seconds": 0.2},
                "providers": {provider_name: provider},
                **settings,
            },
        )
        exits.append(service)
        service.start()
        return Stage(provider_name, upstream, fake, service)

    yield start
    for each in reversed(exits):
        each.end() if isinstance(each, LiveServer) else each.__exit__(None, None, None)


@pytest.fixture(params=PROVIDERS)
def stage(request, start):
    return start(request.param)


# ---------------------------------------------------------------- money


def test_a_batch_is_one_job_at_half_the_price(stage):
    """Of 500 requests, 3 % fail: the others are images, and each ends as any task does."""
    forbidden = range(7, 500, 33)
    batch_id = stage.submit(500, forbidden=forbidden)
    stage.fake.finish(stage.job())

    batch, tasks = stage.ended(batch_id)

    assert 1 == len(stage.fake.jobs)
    assert (485, 15) == (batch["counts"]["completed"], batch["counts"]["failed"])
    assert {False} == {t["error"]["possible_charge"] for t in tasks if t["error"]}
    assert {True} == {bool(t["error"]["upstream_code"]) for t in tasks if t["error"]}
    stage.check_paid_once(tasks)


def test_the_estimate_is_half_of_the_usual(stage):
    """So is what a ceiling of money is compared with."""
    body = {
        "prompts": ["cat"],
        "targets": [{"provider": stage.provider_name}],
        "params": PARAMS[stage.provider_name],
    }
    with stage.service.client() as api:
        usual = api.post(
            "/api/v1/tasks/estimate",
            json={
                "provider": stage.provider_name,
                "params": {"prompt": "cat", **PARAMS[stage.provider_name]},
            },
        )
        half = api.post("/api/v1/batches", json=body | {"mode": "vendor"})

    usual, half = (answer.json()["data"] for answer in (usual, half))
    assert Decimal(usual["cost"]["amount"] or 0) == 2 * Decimal(half["estimate"]["amount"] or 0)


def test_a_ceiling_holds_back_what_it_cannot_pay_for(start):
    """What fits goes into a first job; once its cost is known, the rest goes into the next ones."""
    stage = start("openai")
    with stage.service.client() as api:
        body = {"prompts": ["cat 0"], "targets": [{"provider": "openai"}], "params": PARAMS["openai"]}
        one = api.post("/api/v1/batches", json=body | {"mode": "vendor", "targets": [{"provider": "openai"}]})
    price = Decimal(one.json()["data"]["estimate"]["amount"])
    stage.fake.finish(stage.job())
    stage.ended(one.json()["data"]["batch_id"])
    stage.fake.jobs.clear()
    batch_id = stage.submit(5, max_cost={"amount": f"{price * 3:f}", "currency": "USD"})
    sizes = []
    while stage.batch(batch_id)["status"] == "running":
        job = stage.job()
        if job["status"] == "validating":
            sizes.append(len(stage.fake.files[job["input_file_id"]].splitlines()))
            stage.fake.finish(job)
        time.sleep(0.05)
    batch, _ = stage.ended(batch_id)

    assert 3 == sizes[0]
    assert (5, 5) == (sum(sizes), batch["counts"]["completed"])
    assert Decimal(batch["costs"][0]["amount"]) <= price * 3


@pytest.mark.parametrize(
    "how",
    [
        Break.RESET_AFTER_READ,
        *(pytest.param(how, marks=thorough) for how in (Break.TRUNCATED, Break.HTML, Break.SERVER_ERROR)),
    ],
)
def test_a_lost_answer_is_found_again(stage, how):
    """Nobody knows whether the job was started, so it is looked for before anything is sent."""
    stage.upstream.break_next(how, path=STARTS, method="POST")
    batch_id = stage.submit(20)
    stage.fake.finish(stage.job())

    _, tasks = stage.ended(batch_id)

    assert 1 == len(stage.fake.jobs)
    stage.check_paid_once(tasks)


def test_a_list_with_parts_that_cannot_be_reached_proves_nothing(start):
    """Google says so in place of an error: the job may be in one of them."""
    stage = start("gemini")
    stage.fake.gate.stop_at("start", after=True)
    stage.upstream.break_next(Break.RESET_AFTER_READ, path=STARTS, method="POST")
    batch_id = stage.submit(3)
    assert stage.fake.gate.is_reached.wait(PATIENCE)
    partly = Reply.json({"unreachable": ["locations/europe-west4"]})
    stage.upstream.break_next(partly, path="/batches$", method="GET", times=2)
    stage.fake.gate.open()
    wait_until(lambda: sum(r.path.endswith("/batches") for r in stage.upstream.requests) > 3, "more looks")
    stage.fake.finish(stage.job())

    _, tasks = stage.ended(batch_id)

    assert 1 == len(stage.fake.jobs)
    assert not any(request.method == "DELETE" for request in stage.upstream.requests)
    stage.check_paid_once(tasks)


def test_a_request_that_never_arrived_is_sent_again(stage):
    """The vendor's list proves it, twice: its file is removed in between."""
    stage.upstream.break_next(Break.RESET_BEFORE_READ, path=STARTS, method="POST")
    batch_id = stage.submit(20)
    stage.fake.finish(stage.job())

    _, tasks = stage.ended(batch_id)

    requests = [request for request in stage.upstream.requests if request.method == "DELETE"]
    assert (1, 1) == (len(stage.fake.jobs), len(requests))
    stage.check_paid_once(tasks)


def test_too_many_jobs_wait(stage):
    """A 429 proves that nothing was started."""
    stage.upstream.break_next(
        Reply.json({"error": {"message": "slow down"}}, 429), path=STARTS, method="POST"
    )
    batch_id = stage.submit(5)
    stage.fake.finish(stage.job())

    _, tasks = stage.ended(batch_id)

    assert 1 == len(stage.fake.jobs)
    stage.check_paid_once(tasks)


@pytest.mark.parametrize("path", ["files", STARTS])
def test_a_refused_job_costs_nothing(stage, path):
    """Upload or start: all its tasks fail with the vendor's reason."""
    stage.upstream.break_next(
        Reply.json({"error": {"message": "not this one"}}, 400), path=path, method="POST"
    )

    _, tasks = stage.ended(stage.submit(5))

    assert all(task["error"]["message"].endswith("not this one") for task in tasks)
    assert {("failed", "rejected", False)} == {
        (t["status"], t["error"]["code"], t["error"]["possible_charge"]) for t in tasks
    }
    assert ([], {}) == (stage.fake.jobs, stage.usage()["possible"])


# ---------------------------------------------------------------- killed


@pytest.mark.parametrize(
    ("step", "after"),
    [
        ("start", True),
        *(
            pytest.param(step, after, marks=thorough)
            for step, after in (
                *(("upload", False), ("upload", True)),
                *(("look", False), ("answers", False), ("piece", False)),
            )
        ),
    ],
)
def test_it_survives_a_kill_at_each_step(stage, step, after):
    """With ``kill -9``; the next start goes on with the same job."""
    stage.fake.piece_bytes = 2000
    stage.fake.gate.stop_at(step, after=after)
    batch_id = stage.submit(40, forbidden=[3])
    if step not in ("upload", "start"):
        stage.fake.finish(stage.job())
    assert stage.fake.gate.is_reached.wait(PATIENCE)
    stage.service.kill()
    stage.fake.gate.open()
    stage.service.start()
    job = stage.job()
    if step in ("upload", "start"):
        stage.fake.finish(job)

    batch, tasks = stage.ended(batch_id)

    assert 1 == len(stage.fake.jobs)
    assert (39, 1) == (batch["counts"]["completed"], batch["counts"]["failed"])
    stage.check_paid_once(tasks)


@thorough
def test_a_request_that_arrives_late_starts_nothing(stage):
    """The service is killed while the vendor has not yet read the paid request, which arrives long after."""
    stage.fake.gate.stop_at("start")
    batch_id = stage.submit(10)
    assert stage.fake.gate.is_reached.wait(PATIENCE)
    stage.service.kill()
    stage.service.start()
    wait_until(lambda: any(r.method == "DELETE" for r in stage.upstream.requests), "the removed file")
    stage.fake.gate.open()
    stage.fake.finish(stage.job())

    _, tasks = stage.ended(batch_id)

    assert 1 == len(stage.fake.jobs)
    stage.check_paid_once(tasks)


@thorough
def test_data_from_before_it_was_sent_find_the_same_job(stage, tmp_path):
    """As after a restore: the vendor's list is read before anything is sent."""
    stage.fake.gate.stop_at("upload", after=True)
    batch_id = stage.submit(10)
    assert stage.fake.gate.is_reached.wait(PATIENCE)
    stage.service.kill()
    data = stage.service.data_dir
    shutil.copytree(data, tmp_path / "copy")
    stage.fake.gate.open()
    stage.service.start()
    stage.fake.finish(stage.job())
    stage.ended(batch_id)
    assert 0 == stage.service.stop()
    shutil.rmtree(data)
    (tmp_path / "copy").rename(data)
    stage.service.start()

    _, tasks = stage.ended(batch_id)

    assert 1 == len(stage.fake.jobs)
    stage.check_paid_once(tasks)


@thorough
def test_a_job_that_never_ends_is_given_up(start):
    """Days after the provider should have done so: its tasks end, with a possible charge."""
    stage = start("openai")
    batch_id = stage.submit(3)
    job = stage.job()
    wait_until(lambda: stage.batch(batch_id)["counts"]["processing"] == 3, "all tasks in the job")
    assert 0 == stage.service.stop()
    stage.make_older("sent_at", days=5)
    stage.service.start()

    _, tasks = stage.ended(batch_id)

    assert {("result_expired", True)} == {(t["error"]["code"], t["error"]["possible_charge"]) for t in tasks}
    assert "cancelling" == job["status"]


@thorough
def test_a_job_that_waited_for_days_has_patience_left(start):
    """Paused or behind another one: that says nothing of the provider."""
    stage = start("openai")
    stage.fake.gate.stop_at("upload", after=True)
    batch_id = stage.submit(3)
    assert stage.fake.gate.is_reached.wait(PATIENCE)
    stage.service.kill()
    stage.make_older("created_at", days=2)
    slow = Reply.json({"error": {"message": "slow down"}}, 429)
    stage.upstream.break_next(slow, path=STARTS, method="POST", times=2)
    stage.fake.gate.open()
    stage.service.start()
    wait_until(lambda: stage.fake.jobs or stage.batch(batch_id)["counts"]["failed"], "a job or its failure")
    stage.fake.finish(stage.job())

    _, tasks = stage.ended(batch_id)

    stage.check_paid_once(tasks)
    assert {"completed"} == {task["status"] for task in tasks}


def test_a_stop_and_a_start_go_on_with_the_same_job(stage):
    """And the tasks in it are nobody's orphans meanwhile."""
    batch_id = stage.submit(10)
    job = stage.job()
    wait_until(lambda: stage.batch(batch_id)["counts"]["processing"] == 10, "all tasks in the job")
    assert 0 == stage.service.stop()
    stage.service.start()
    assert {"processing"} == {task["status"] for task in stage.tasks(batch_id)}
    stage.fake.finish(job)

    _, tasks = stage.ended(batch_id)

    assert 1 == len(stage.fake.jobs)
    stage.check_paid_once(tasks)


@pytest.mark.parametrize("is_clean", [True, False])
def test_answers_that_are_cut_off_are_read_again(stage, is_clean):
    """Whether the line says so or not: what was read is kept, and the rest is not lost."""
    batch_id = stage.submit(10)
    job = stage.job()
    stage.fake.finish(job)
    whole = list(stage.fake.files.values())[-1]
    half = Reply(200, whole[: len(whole) // 2 + 7])
    stage.upstream.break_next(half if is_clean else Break.RESET_AFTER_READ, path=r"/content$|:download$")

    _, tasks = stage.ended(batch_id)

    assert {"completed"} == {task["status"] for task in tasks}
    assert 1 == len(stage.fake.jobs)
    stage.check_paid_once(tasks)


@pytest.mark.parametrize("has_name", [True, False])
def test_an_answer_that_cannot_be_read_is_kept(stage, has_name):
    """It is read again, since it may have been cut on its way, and then kept with the task that it names."""
    batch_id = stage.submit(5)
    stage.fake.finish(stage.job())
    file = list(stage.fake.files)[-1]
    lines = stage.fake.files[file].splitlines(keepends=True)
    garbled = lines[2].replace(b'"', b"", 1)[: len(lines[2]) * 2 // 3]
    task_id = next(task["task_id"] for task in stage.tasks(batch_id) if task["task_id"].encode() in garbled)
    if not has_name:
        garbled = garbled.replace(task_id.encode(), b"")
    stage.fake.files[file] = b"".join((*lines[:2], garbled, b"\n", *lines[3:]))

    batch, tasks = stage.ended(batch_id)
    (error,) = (task["error"] for task in tasks if task["task_id"] == task_id)
    with stage.service.client() as api:
        answer = api.get(f"/api/v1/tasks/{task_id}/response")

    assert (4, 1) == (batch["counts"]["completed"], batch["counts"]["failed"])
    assert ("bad_response", True) == (error["code"], error["possible_charge"])
    assert has_name == (f"imagegen tasks response {task_id}" in error["message"])
    if has_name:
        assert garbled == answer.content
    else:
        assert garbled in [
            path.read_bytes() for path in stage.service.data_dir.rglob("*.kept/*") if path.is_file()
        ]


@thorough
def test_a_file_of_answers_that_cannot_be_had_has_no_other_read_again(start):
    """One may have gigabytes, and it is asked for until there is no hope."""
    stage = start("openai")
    batch_id = stage.submit(5, forbidden=[2])
    job = stage.job()
    gone = Reply.json({"error": {"message": "not now"}}, 404)
    stage.upstream.break_next(gone, path=r"^/v1/files/.*/content$", times=4)
    stage.fake.finish(job)
    output, errors = (f"/v1/files/{job[name]}/content" for name in ("output_file_id", "error_file_id"))
    stage.upstream.break_next(gone, path=f"^{errors}$", times=3)

    stage.ended(batch_id)

    requests = Counter(request.path for request in stage.upstream.requests)
    assert (5, 4) == (requests[output], requests[errors])


@thorough
def test_trouble_while_polling_ends_nothing(stage):
    """Whatever a proxy says meanwhile, the job is the vendor's until the vendor says otherwise."""
    batch_id = stage.submit(3)
    job = stage.job()
    for trouble in (
        Break.SERVER_ERROR,
        Break.HTML,
        Break.EMPTY,
        Break.RESET_AFTER_READ,
        Reply(404, b"<p>no</p>"),
    ):
        stage.upstream.break_next(trouble, path=r"/batches/[\w-]+$")
    polls = len(stage.upstream.requests)
    wait_until(lambda: len(stage.upstream.requests) > polls + 6, "more polls")
    stage.fake.finish(job)

    _, tasks = stage.ended(batch_id)

    assert 1 == len(stage.fake.jobs)
    stage.check_paid_once(tasks)


def test_a_job_is_polled_with_the_key_of_now_if_its_own_is_refused(start):
    """The account is the same, so are the answers; the job was sent with the key before."""
    stage = start("openai")
    batch_id = stage.submit(3)
    job = stage.job()
    stage.fake.key = "sk-another-0123456789abcdef"
    config = {"provider_name": "openai", "kind": "http", "api_base": f"{stage.upstream.url}/v1"}
    config |= {"api_key": stage.fake.key, "extra_config": {"preset": "openai"}}
    with stage.service.client() as api:
        api.post("/api/v1/providers/config", json=config).raise_for_status()
    stage.fake.finish(job)

    _, tasks = stage.ended(batch_id)

    assert {"completed"} == {task["status"] for task in tasks}
    stage.check_paid_once(tasks)


# ---------------------------------------------------------------- other ends


def test_an_expired_job_keeps_what_is_done(start):
    """OpenAI says that the rest is free."""
    stage = start("openai")
    batch_id = stage.submit(10)
    stage.fake.finish(stage.job(), status="expired", share=0.6)

    batch, tasks = stage.ended(batch_id)

    assert (6, 4) == (batch["counts"]["completed"], batch["counts"]["failed"])
    assert {("result_expired", False)} == {
        (t["error"]["code"], t["error"]["possible_charge"]) for t in tasks if t["error"]
    }
    stage.check_paid_once(tasks)


def test_of_an_expired_job_a_task_whose_answer_is_lost_may_be_paid(start):
    """OpenAI says that what was not done is free: that is not what the line was that nobody can read."""
    stage = start("openai")
    batch_id = stage.submit(5)
    stage.fake.finish(stage.job(), status="expired", share=0.6)
    output = stage.fake.jobs[-1]["output_file_id"]
    lines = stage.fake.files[output].splitlines(keepends=True)
    stage.fake.files[output] = b"".join((b"<html>\n", *lines[1:]))

    batch, tasks = stage.ended(batch_id)

    assert (2, 3) == (batch["counts"]["completed"], batch["counts"]["failed"])
    assert [False, False, True] == sorted(t["error"]["possible_charge"] for t in tasks if t["error"])


def test_of_an_expired_job_of_gemini_nobody_knows_the_cost(start):
    """It has no results, and Google's pages do not say that it is free."""
    stage = start("gemini")
    batch_id = stage.submit(3)
    stage.fake.finish(stage.job(), status="expired")

    _, tasks = stage.ended(batch_id)

    assert {("result_expired", True)} == {(t["error"]["code"], t["error"]["possible_charge"]) for t in tasks}


def test_a_cancelled_batch_keeps_what_is_done(start):
    """The vendor is asked to stop; what it has done is kept and paid for."""
    stage = start("openai")
    batch_id = stage.submit(10)
    job = stage.job()
    stage.act("cancel", batch_id)
    wait_until(lambda: job["status"] == "cancelling", "the vendor is asked")
    stage.fake.advance(job)

    batch, tasks = stage.ended(batch_id)

    assert "cancelled" == batch["status"]
    assert (5, 5) == (batch["counts"]["completed"], batch["counts"]["cancelled"])
    assert {False} == {t["error"]["possible_charge"] for t in tasks if t["error"]}
    stage.check_paid_once(tasks)


def test_a_job_that_was_not_sent_is_cancelled_for_free(stage):
    """Nothing is at the vendor but a file."""
    stage.upstream.break_next(
        Reply.json({"error": {"message": "slow down"}}, 429), path=STARTS, method="POST", times=1000
    )
    batch_id = stage.submit(5)
    wait_until(
        lambda: any(r.path.endswith("batches") or ":batch" in r.path for r in stage.upstream.requests),
        "a try",
    )
    stage.act("cancel", batch_id)

    batch, tasks = stage.ended(batch_id)

    assert ("cancelled", 5) == (batch["status"], batch["counts"]["cancelled"])
    assert ([], {False}) == (stage.fake.jobs, {t["error"]["possible_charge"] for t in tasks})


def test_a_provider_that_is_switched_off_meanwhile_gets_no_job(start):
    """One that waits to be started is like a task that waits: the switch is for what is not yet paid."""
    stage = start("openai")
    stage.fake.gate.stop_at("upload", after=True)
    batch_id = stage.submit(3)
    assert stage.fake.gate.is_reached.wait(PATIENCE)
    with stage.service.client() as api:
        config = {"provider_name": "openai", "kind": "http", "api_base": f"{stage.upstream.url}/v1"}
        config |= {"api_key": stage.fake.key, "extra_config": {"preset": "openai"}}
        api.post("/api/v1/providers/config", json=config).raise_for_status()
        off = api.patch("/api/v1/providers/config/openai/toggle", json={"enabled": False})
    assert 200 == off.status_code
    stage.fake.gate.open()

    _, tasks = stage.ended(batch_id)

    assert {("provider_disabled", False)} == {
        (t["error"]["code"], t["error"]["possible_charge"]) for t in tasks
    }
    assert [] == stage.fake.jobs


def test_a_batch_that_is_cancelled_during_the_look_before_the_start_is_free(start):
    """The vendor's list may have many pages: the last word before the paid act is the batch's."""
    stage = start("openai")
    stage.fake.gate.stop_at("find")
    batch_id = stage.submit(3)
    assert stage.fake.gate.is_reached.wait(PATIENCE)
    stage.act("cancel", batch_id)
    stage.fake.gate.open()

    wait_until(lambda: stage.fake.jobs or stage.batch(batch_id)["counts"]["cancelled"], "a job, or none")

    assert [] == stage.fake.jobs
    batch, tasks = stage.ended(batch_id)
    assert ("cancelled", 3) == (batch["status"], batch["counts"]["cancelled"])
    assert {False} == {task["error"]["possible_charge"] for task in tasks}


def test_a_task_in_a_job_cannot_be_recalled(stage):
    """That is refused by a code of its own, and changes nothing."""
    batch_id = stage.submit(3)
    job = stage.job()
    task_id = stage.tasks(batch_id)[0]["task_id"]
    with stage.service.client() as api:
        refused = api.post(f"/api/v1/tasks/{task_id}/cancel")
        others = api.post("/api/v1/tasks/cancel", json={"status": "processing"})
    stage.fake.finish(job)

    _, tasks = stage.ended(batch_id)

    assert (409, 40901) == (refused.status_code, refused.json()["code"])
    assert {"cancelled": 0} == others.json()["data"]
    assert {"completed"} == {task["status"] for task in tasks}


def test_what_fails_is_made_again_in_another_job(stage):
    """Each once, as in any batch."""
    batch_id = stage.submit(5, forbidden=[2])
    stage.fake.finish(stage.job())
    stage.ended(batch_id)
    stage.fake.refuses = "nothing at all"
    stage.act("retry-failed", batch_id)
    wait_until(lambda: len(stage.fake.jobs) == 2, "another job")
    stage.fake.finish(stage.job())

    batch, _ = stage.ended(batch_id)

    assert 5 == batch["counts"]["completed"]
    assert 5 == len(stage.fake.ledger)


def test_a_job_that_the_provider_fails_costs_nothing(start):
    """Such as one with too many tokens: its own code is told."""
    stage = start("openai")
    stage.fake.tokens_left = False
    batch_id = stage.submit(3)
    stage.fake.advance(stage.job())

    _, tasks = stage.ended(batch_id)

    assert {("token_limit_exceeded", False)} == {
        (t["error"]["upstream_code"], t["error"]["possible_charge"]) for t in tasks
    }


def test_single_tasks_go_on_beside_a_job(start):
    """However many tasks are in it: they take no place of the provider's."""
    stage = start("openai")
    stage.submit(40)
    stage.job()
    with stage.service.client() as api:
        body = {"provider": "openai", "params": {"prompt": "dog", **PARAMS["openai"]}}
        answer = api.post("/api/v1/tasks/generate", json=body, headers={"Prefer": "wait=30"})

    assert (200, "completed") == (answer.status_code, answer.json()["data"]["status"])


def test_an_upload_goes_to_the_providers_own_host(start):
    """Whatever host the answer names: the key goes along."""
    stage = start("gemini")
    stage.fake.upload_host = "elsewhere.example"
    batch_id = stage.submit(2)
    stage.fake.finish(stage.job())

    _, tasks = stage.ended(batch_id)

    stage.check_paid_once(tasks)


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("provider_name", "change", "field"),
    [
        ("openai", {"targets": [{"provider": "demo"}], "params": {}}, "mode"),
        ("openai", {"targets": [{"provider": "openai", "model_id": "gpt-image-2.6-flare"}]}, "mode"),
        ("openai", {"params": {"partial_images": 2}}, "params"),
        ("gemini", {"params": {"num": 2}}, "params.num"),
    ],
)
def test_what_cannot_go_into_a_job_is_refused(start, provider_name, change, field):
    """By one clear sentence, with nothing stored or sent."""
    stage = start(provider_name)
    body = {"mode": "vendor", "prompts": ["cat"], "targets": [{"provider": provider_name}], **change}
    with stage.service.client() as api:
        answer = api.post("/api/v1/batches", json=body).json()

    assert (40000, [field]) == (answer["code"], [error["field"] for error in answer["data"]["errors"]])
    assert [] == stage.upstream.requests
