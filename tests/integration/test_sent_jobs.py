"""An accepted job is finished under the configuration that it was sent under, whatever became of that."""

import json
from contextlib import closing

import attrs
import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.http_server import Break, HttpServer, Reply
from tests.fakes.in_thread import in_thread
from tests.fakes.job_upstreams import FakeReplicate
from tests.integration.api.asking import CONFIG, GENERATE, data, ended, until
from tests.integration.api.live_server import LiveServer

pytestmark = pytest.mark.one_python

NEW_KEY = "r8_new_fedcba9876543210"
JOBS = "^/v1/predictions/job-"
NOWHERE = "http://127.0.0.1:9"


class SlowReplicate(FakeReplicate):
    """Its jobs are done once ``released``; a key that is not its own any more is refused."""

    def __init__(self):
        super().__init__()
        self.released = False

    def looked(self, job):
        return self.released and super().looked(job)

    def revoke(self):
        self.key = NEW_KEY


@attrs.define
class Bench:
    """The service, and the provider behind it."""

    server: LiveServer
    line: HttpServer

    @property
    def upstream(self):
        return self.line.fake

    def save(self, **changes):
        with self.server.client() as api:
            return data(api.post(CONFIG, json={"provider_name": "jobs", **changes}))

    def submit(self, **params):
        with self.server.client() as api:
            body = {"provider": "jobs", "params": {"prompt": "a lighthouse", **params}}
            return data(api.post(GENERATE, json=body))["task_id"]

    def polled(self, task_id, *, jobs=1):
        """Return once the provider was asked for so many jobs, whose acceptance is on disk before that."""
        prefix = "/v1/predictions/job-"
        until(
            lambda: {r.path for r in self.line.requests if r.path.startswith(prefix)},
            lambda paths: len(paths) == jobs,
        )
        return task_id

    def ended(self, task_id):
        with self.server.client() as api:
            return ended(api, task_id)

    def sealed(self):
        return rows(self.server, "SELECT sealed_config FROM attempts WHERE sealed_config IS NOT NULL")


def rows(server, sql, *values):
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database, database:
        return database.execute(sql, values).fetchall()


@pytest.fixture
def bench(tmp_path):
    with in_thread(HttpServer(SlowReplicate())) as line:
        settings = {
            "security": {"allow_private_upstreams": [line.url.removeprefix("http://"), "127.0.0.1:9"]},
            "shutdown_grace_seconds": 0,
        }
        bench = Bench(LiveServer(tmp_path, settings).start(), line)
        try:
            bench.save(
                kind="http",
                api_base=line.url,
                api_key=line.fake.key,
                timeout_seconds=120,
                extra_config={"preset": "replicate", "headers": {"X-Auth-Team": "blue-0123456789"}},
            )
            yield bench
        finally:
            bench.server.end()
        assert [] == line.complaints


def switch_off(bench):
    with bench.server.client() as api:
        data(api.patch(f"{CONFIG}/jobs/toggle", json={"enabled": False}))


def delete(bench):
    with bench.server.client() as api:
        data(api.delete(f"{CONFIG}/jobs"))


def change_key(bench):
    bench.save(api_key="r8_of_another_account_0")


def move(bench):
    bench.save(api_base=NOWHERE, api_key="r8_of_another_place_0")


def remove_model(bench):
    bench.save(models=[{"id": "another/model"}])


def change_kind(bench):
    bench.save(kind="demo", extra_config={})


def break_document(bench):
    extra = json.dumps({"spec": {"schema": 1, "operations": "of a version that knew more"}})
    rows(bench.server, "UPDATE provider_configs SET extra_config = ? WHERE provider_name = 'jobs'", extra)


@pytest.mark.parametrize(
    "change", [switch_off, delete, change_key, move, remove_model, change_kind, break_document]
)
def test_an_accepted_job_is_finished_after_a_kill(bench, change):
    """Its image is there, paid for once, and nothing of the old configuration is left behind."""
    task_id = bench.polled(bench.submit())
    sealed = bench.sealed()
    change(bench)
    bench.server.kill()
    bench.upstream.released = True
    bench.server.start()
    task = bench.ended(task_id)

    assert ("completed", 1, None) == (task["status"], len(task["images"]), task["error"])
    assert (1, 1, []) == (len(bench.upstream.ledger), len(sealed), bench.sealed())
    assert all(
        r.headers.get("x-auth-team") == "blue-0123456789"
        for r in bench.line.requests
        if "predictions" in r.path
    )


def test_an_accepted_job_is_finished_after_a_stop(bench):
    """A stop in the right order leaves the same behind."""
    task_id = bench.polled(bench.submit())
    switch_off(bench)
    bench.server.stop()
    bench.upstream.released = True
    bench.server.start()
    task = bench.ended(task_id)

    assert ("completed", 1) == (task["status"], len(bench.upstream.ledger))


def test_an_answer_on_our_disk_is_decoded_after_its_provider_is_gone(bench):
    """Killed while the image is downloaded, deleted, started: it is downloaded again."""
    bench.upstream.released = True
    bench.line.break_next(Break.SILENCE, path="^/files/")
    task_id = bench.submit()
    until(lambda: [r.path for r in bench.line.requests], lambda paths: "/files/1" in paths)
    delete(bench)
    bench.server.kill()
    bench.server.start()
    task = bench.ended(task_id)

    assert ("completed", 1, 1) == (task["status"], len(task["images"]), len(bench.upstream.ledger))


def test_a_job_whose_key_was_revoked_is_asked_for_with_the_new_one(bench):
    """A key that was exchanged for another of the same account does not lose what is paid for."""
    task_id = bench.polled(bench.submit())
    bench.save(api_key=NEW_KEY)
    bench.server.kill()
    bench.upstream.revoke()
    bench.upstream.released = True
    bench.server.start()
    task = bench.ended(task_id)

    assert ("completed", 1) == (task["status"], len(bench.upstream.ledger))


def test_a_new_key_of_another_place_is_not_sent_to_the_old_one(bench):
    """The provider refuses the old key, and gets no other."""
    task_id = bench.polled(bench.submit())
    bench.save(api_base=NOWHERE, api_key=NEW_KEY)
    bench.server.kill()
    bench.upstream.revoke()
    bench.server.start()
    task = bench.ended(task_id)

    assert ("auth_failed", True) == (task["error"]["code"], task["error"]["possible_charge"])
    assert [] == [r for r in bench.line.requests if NEW_KEY in str(r.headers)]


@pytest.mark.parametrize("restart", [True, False])
def test_what_was_not_sent_is_not_sent_by_a_provider_that_is_switched_off(bench, restart):
    """Two of three images wait for their turn: they are missing, the one that was accepted is there."""
    bench.save(extra_config={"preset": "replicate", "max_concurrency": 1})
    task_id = bench.polled(bench.submit(num=3))
    switch_off(bench)
    if restart:
        bench.server.kill()
    bench.upstream.released = True
    if restart:
        bench.server.start()
    task = bench.ended(task_id)

    assert ("completed", 1, 1) == (task["status"], len(task["images"]), len(bench.upstream.ledger))
    assert 2 == sum("provider_disabled" in warning for warning in task["warnings"])


def test_a_task_that_only_waited_still_fails(bench):
    """Nothing of it was sent: ``provider_disabled``, and it was free."""
    bench.save(extra_config={"preset": "replicate", "max_concurrency": 1})
    bench.polled(bench.submit())
    waiting = bench.submit()
    switch_off(bench)
    bench.server.kill()
    bench.server.start()
    bench.upstream.released = True
    task = bench.ended(waiting)

    assert ("provider_disabled", False) == (task["error"]["code"], task["error"]["possible_charge"])
    assert 1 == len(bench.upstream.ledger)


def test_a_locked_master_key_lets_the_job_wait(bench):
    """Without the key nothing can be asked; with it, the job is finished."""
    task_id = bench.polled(bench.submit())
    bench.server.kill()
    bench.upstream.released = True
    key = bench.server.data_dir / "master.key"
    content = key.read_text()
    key.unlink()
    request_count = len(bench.line.requests)
    bench.server.start()
    with bench.server.client() as api:
        task = until(
            lambda: data(api.get(f"/api/v1/tasks/{task_id}")), lambda task: task["status"] == "pending"
        )
    bench.server.stop()
    key.write_text(content)
    key.chmod(0o600)
    rows(bench.server, "UPDATE tasks SET not_before = NULL")
    bench.server.start()
    done = bench.ended(task_id)

    assert ("pending", "completed", 1) == (task["status"], done["status"], len(bench.upstream.ledger))
    assert request_count < len(bench.line.requests)


def test_an_attempt_of_an_earlier_version_uses_the_configuration_of_now(bench):
    """Its row holds none: it is finished as before, while the provider can be used."""
    task_id = bench.polled(bench.submit())
    bench.server.kill()
    rows(bench.server, "UPDATE attempts SET sealed_config = NULL")
    bench.upstream.released = True
    bench.server.start()
    task = bench.ended(task_id)

    assert ("completed", 1) == (task["status"], len(bench.upstream.ledger))


def test_what_is_not_the_upstreams_word_costs_no_image(bench):
    """Pages in br and deflate, a redirect and a firewall's 403 come in its place, also of the image's."""
    page, html = b"<html>sign in</html>", {"content-type": "text/html"}
    login = {"location": "https://login.example/"}
    for path in (JOBS, "^/files/"):
        bench.line.break_next(Reply(200, page, {**html, "content-encoding": "br"}), path=path)
        bench.line.break_next(Reply(403, page, html), path=path)
    bench.line.break_next(Reply(200, page, {"content-encoding": "deflate"}), path=JOBS)
    bench.line.break_next(Reply(302, b"", login), path=JOBS)
    bench.upstream.released = True
    task = bench.ended(bench.submit())

    assert ("completed", None, 1) == (task["status"], task["error"], len(task["images"]))
    assert 1 == len(bench.upstream.ledger)
