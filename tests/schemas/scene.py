"""What a service of some time is used for before it is killed: each status, each phase of an attempt."""

from contextlib import closing

from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_adapters.system import new_id
from tests.chaos.service import post_task, wait_until
from tests.fakes.images import png
from tests.integration.api.asking import data_url
from tests.schemas.directories import MASTER_KEY, SAVED_KEY, SECRET_HEADER

SMALL = {"width": 64, "height": 64}
REPEATED = {"provider": "demo", "params": {"prompt": "两只狗 and a river", "num": 2, **SMALL}}
IDEMPOTENT = {"Idempotency-Key": "of-then"}

ENDS = {
    "一只猫在雨中的屋檐下": "completed",
    "a lighthouse at night": "completed",
    "两只狗 and a river": "completed",
    "to be deleted": "completed",
    "waits for its upload": "completed",
    "a failure of then": "cancelled",
    "received and not stored": "completed",
    "a job under way": "completed",
    "a call without an answer": "failed",
    "prepared, not sent": "completed",
    "waits with a key of its own": "completed",
    "waits with its picture": "completed",
    "等待的任务": "completed",
    "waits for a moment": "completed",
}
"""How each task of the scene ends; the failed one shares its prompt with its retry, which was cancelled."""

SENT = {"prepared, not sent", "waits with a key of its own", "等待的任务", "waits for a moment"}
"""The tasks that are paid for after it, since they had not been sent before."""


def settings(upstream, oss):
    """Return what the service is started with, beside what all of them have."""
    bucket = {
        "endpoint": oss.endpoint,
        "region": oss.region,
        "bucket": oss.bucket,
        "access_key_id": oss.key_id,
        "access_key_secret": oss.secret,
        "prefix": "team/a/",
    }
    hosts = [upstream.url.removeprefix("http://"), f"127.0.0.1:{oss.port}"]
    return {
        "queue": {"workers": 2},
        "providers": {"chaos": {"timeout_seconds": 10}},  # some versions wait it out after a cancellation
        "storage": {"oss": bucket},
        "security": {"allow_private_upstreams": hosts},
    }


def play(service, oss):
    """Use the service, kill it in the middle of its work, and leave it to be looked at."""
    service.data_dir.mkdir(mode=0o700)
    key = service.data_dir / "master.key"
    key.write_text(f"{MASTER_KEY}\n")
    key.chmod(0o600)
    service.start()
    with service.client() as api:
        _save_configurations(api)
        _make_images(service, api, oss)
        _end_otherwise(service, api)
        _leave_work(service, api)
        service.kill()
    images = service.data_dir / "images"
    if images.is_file():
        images.unlink()
        images.with_name("images.away").rename(images)
    with closing(sqlite3.connect(service.data_dir / "imagegen.db")) as connection, connection:
        _add_what_lasts_no_moment(connection)
        connection.execute("UPDATE idempotency_keys SET expires_at = '2999-01-01T00:00:00.000Z'")
    service.data_dir.joinpath("server.json").unlink(missing_ok=True)


def _save_configurations(api):
    saved = {"provider_name": "kept", "kind": "demo", "api_key": SAVED_KEY}
    extra = {"headers": {"X-Api-Key": SECRET_HEADER, "X-Team": "a"}}
    headed = {"provider_name": "headed", "kind": "demo", "extra_config": extra, "enabled": False}
    for body in (saved, headed):
        api.post("/api/v1/providers/config", json=body).raise_for_status()


def _make_images(service, api, oss):
    """Two vendors, two languages, two pictures of one task, one that goes away and one that waits for OSS."""
    _completed(service, api, "direct", prompt="一只猫在雨中的屋檐下")
    _completed(service, api, "job", prompt="a lighthouse at night")
    for _ in range(2):
        answer = api.post("/api/v1/tasks/generate", json=REPEATED, headers=IDEMPOTENT).raise_for_status()
    service.ended(answer.json()["data"]["task_id"])
    gone = _completed(service, api, "direct", prompt="to be deleted")["images"][0]["id"]
    wait_until(
        lambda: api.get(f"/api/v1/images/{gone}").json()["data"]["storage"] == "both", awaited="an upload"
    )
    oss.down()
    api.delete(f"/api/v1/images/{gone}").raise_for_status()
    _completed(service, api, "direct", prompt="waits for its upload")


def _end_otherwise(service, api):
    """A failure that may have cost something, its retry that fails for another reason, and a cancellation."""
    service.upstream.be(fault="500")
    failed = service.submit("direct", prompt="a failure of then")
    assert service.ended(failed)["status"] == "failed"
    service.upstream.be(fault=None, hold=True)
    retried = api.post(f"/api/v1/tasks/{failed}/retry").raise_for_status().json()["data"]["task_id"]
    service.upstream.has_calls(1)
    api.post(f"/api/v1/tasks/{retried}/cancel").raise_for_status()
    assert service.ended(retried)["status"] == "cancelled"
    service.upstream.be(hold=False)


def _leave_work(service, api):
    """An answer that cannot be stored, a job, a call without an answer, and tasks that wait behind them."""
    images = service.data_dir / "images"
    images.rename(images.with_name("images.away"))
    images.touch()
    received = service.submit("direct", prompt="received and not stored")
    _reaches(service, received, "received")
    service.upstream.be(hold=True)
    _reaches(service, service.submit("job", prompt="a job under way"), "accepted")
    _reaches(service, service.submit("direct", prompt="a call without an answer"), "submitting")
    override = {"provider": "chaos", "model_id": "direct", "config": {"api_key": "sk-of-one-task"}}
    waiting = {**override, "params": {"prompt": "waits with a key of its own"}}
    api.post("/api/v1/tasks/generate", json=waiting).raise_for_status()
    edit = {"provider": "demo", "prompt": "waits with its picture", "image": data_url(png(3, (64, 64)))}
    api.post("/api/v1/images/edit", json=edit).raise_for_status()
    post_task(api, "direct", prompt="等待的任务").raise_for_status()


def _completed(service, api, model, **params):
    """Return the task once it is completed."""
    task = service.ended(post_task(api, model, **params).raise_for_status().json()["data"]["task_id"])
    assert task["status"] == "completed", task
    return task


def _reaches(service, task_id, phase):
    """Wait until the task's attempt is in this phase, on the disk."""
    sql = "SELECT 1 FROM attempts WHERE task_id = ? AND phase = ?"
    wait_until(lambda: service.rows(sql, task_id, phase), awaited=f"the phase {phase}")


def _add_what_lasts_no_moment(connection):
    """A call that is prepared and not sent, a task that waits for a moment, an end without its event."""
    connection.row_factory = sqlite3.Row
    submitted = connection.execute("SELECT * FROM attempts WHERE phase = 'submitting'").fetchone()
    task = connection.execute("SELECT * FROM tasks WHERE task_id = ?", (submitted["task_id"],)).fetchone()
    waiting = connection.execute("SELECT * FROM tasks WHERE prompt = '等待的任务'").fetchone()
    prepared = {"seq": None, "task_id": new_id(), "prompt": "prepared, not sent"}
    unsent = {"seq": None, "attempt_id": new_id(), "task_id": prepared["task_id"], "phase": "reserved"}
    empty = {name: None for name in ("config", "sealed_config") if name in submitted.keys()}  # noqa: SIM118 - a row
    deferred = {"seq": None, "task_id": new_id(), "prompt": "waits for a moment"}
    _insert(connection, "tasks", {**task, **prepared})
    _insert(connection, "attempts", {**submitted, **unsent, **empty, "charge": "none"})
    _insert(connection, "tasks", {**waiting, **deferred, "not_before": waiting["created_at"]})


def _insert(connection, table, row):
    names = ", ".join(row)
    places = ", ".join(f":{name}" for name in row)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", row)  # noqa: S608 - our own names
