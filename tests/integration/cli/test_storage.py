"""``imagegen storage`` with and without a running server, over a loopback OSS."""

import json
import signal

import pytest
import yaml

from imagegen_adapters.archives.prefix import OWNER_MARK
from tests.fakes.oss import FakeOss, StoredObject
from tests.integration.api.asking import data, finished, make_image, until
from tests.integration.cli.outcomes import failed, good
from tests.integration.cli.test_backup import image_files

SYNC, EXPIRE, VERIFY = (f"/api/v1/storage/{name}" for name in ("sync", "expire", "verify"))


@pytest.fixture
def oss():
    with FakeOss() as oss:
        yield oss


def config_of(oss, *, retention_days=7):
    return {
        "storage": {
            "local": {"retention_days": retention_days},
            "oss": {
                "endpoint": oss.endpoint,
                "region": oss.region,
                "bucket": oss.bucket,
                "access_key_id": oss.key_id,
                "access_key_secret": oss.secret,
            },
        },
        "security": {"allow_private_upstreams": [f"127.0.0.1:{oss.port}"]},
    }


def with_oss(desk, oss, **more):
    desk.config = config_of(oss, **more)
    desk.folder.joinpath("config.yaml").write_text(yaml.safe_dump(desk.config))
    return desk


def with_claimed_oss(desk, oss):
    """The same, with a prefix that is ours already, so that each put is one of an image."""
    desk.data_dir.joinpath("installation").write_text("ours")
    oss.objects[OWNER_MARK] = StoredObject(b"ours", "", "")
    return with_oss(desk, oss)


def run_pass(server, *args):
    return json.loads(good(server.imagegen("storage", *args, "--json")))


def run_failing_pass(server, *args):
    return json.loads(server.imagegen("storage", *args, "--json").stdout)


def states(server):
    return {i["storage"] for i in json.loads(good(server.imagegen("images", "list", "--json")))}


def test_without_a_server_sync_carries_out_pending_uploads(desk, oss):
    """And listing images does not: commands without a server do nothing but their own work."""
    with_oss(desk, oss)
    before = states(desk)
    output = good(desk.imagegen("storage", "sync"))

    assert ({"local"}, {"both"}, 2) == (before, states(desk), sum(key != OWNER_MARK for key in oss.objects))
    assert "2 uploaded" in output


def test_a_dry_run_changes_nothing(desk, oss):
    """It reports what would be done."""
    with_oss(desk, oss, retention_days=0)
    good(desk.imagegen("storage", "sync"))
    would = run_pass(desk, "expire", "--dry-run")
    file_count = len(image_files(desk.data_dir))
    done = run_pass(desk, "expire")

    assert (2, 2, 2) == (would["expired"], file_count, done["expired"])
    assert ([], {"oss"}) == (image_files(desk.data_dir), states(desk))


def test_expire_without_oss_is_refused(desk):
    """The local file is the only copy."""
    assert "local files are never removed" in failed(desk.imagegen("storage", "expire"))


def test_sync_without_oss_has_nothing_to_do(desk):
    """That is not an error."""
    assert "0 uploaded" in good(desk.imagegen("storage", "sync"))


def test_sync_says_why_it_failed(desk, oss):
    """In one line, and a later one succeeds."""
    with_oss(desk, oss)
    oss.fail("denied", "put", times=10)
    refused = desk.imagegen("storage", "sync")
    oss.faults.clear()
    good(desk.imagegen("storage", "sync"))

    assert (1, 1) == (refused.returncode, len(refused.stderr.splitlines()))
    assert {"both"} == states(desk)


def test_verify_fetches_a_damaged_file_back(desk, oss):
    """From OSS, which has it."""
    with_oss(desk, oss)
    good(desk.imagegen("storage", "sync"))
    file = image_files(desk.data_dir)[0]
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"\0")
    dry_run = desk.imagegen("storage", "verify", "--dry-run")
    blind = desk.imagegen("storage", "verify", "--dry-run", "--sizes-only")
    mended = run_pass(desk, "verify")

    assert (1, 0) == (dry_run.returncode, blind.returncode)
    assert f"local_damaged\t{file.parent.name}/{file.name}" in dry_run.stdout
    assert (1, 1, whole) == (mended["wrong"], mended["mended"], file.read_bytes())


def test_verify_reports_a_lost_image_and_an_orphan_file(desk):
    """An orphan file alone is not a failure."""
    lost = image_files(desk.data_dir)[0]
    stray = lost.with_name("stray.png")
    stray.write_bytes(b"stray")
    harmless = good(desk.imagegen("storage", "verify"))
    lost.unlink()
    result = desk.imagegen("storage", "verify")

    assert f"orphan_local\t{stray.parent.name}/stray.png" in harmless
    assert (1, True, True) == (
        result.returncode,
        f"lost\t{lost.parent.name}" in result.stdout,
        stray.exists(),
    )


def test_the_routes_of_a_running_server(other, oss):
    """The same through its API, which commands use."""
    other.config = config_of(oss)
    with other.start().client() as api:
        make_image(api)
        until(lambda: data(api.get("/api/v1/images"))["items"][0]["storage"], lambda s: s == "both")
        synced = data(api.post(SYNC, json={"dry_run": True}))
        expired = data(api.post(EXPIRE, json={}))
        verified = data(api.post(VERIFY, json={"checksums": True}))
        unknown = api.post(SYNC, json={"dryrun": True}).json()
        by_command = run_pass(other, "verify")

    assert (0, True, 0) == (synced["uploaded"], synced["dry_run"], synced["failed"])
    nothing = {"expired": 0, "freed_bytes": 0, "kept": 0, "unreachable": False, "last_error": None}
    assert {"dry_run": False, **nothing} == expired
    fields = ("pictures", "wrong", "archive_checked", "findings")
    assert (1, 0, True, []) == tuple(verified[field] for field in fields)
    assert (40000, 1) == (unknown["code"], by_command["pictures"])


def test_expire_by_the_api_without_oss_is_40000(other):
    """With the missing setting."""
    with other.start().client() as api:
        finished(api)
        answer = api.post(EXPIRE, json={}).json()

    assert (40000, "storage.oss") == (answer["code"], answer["data"]["errors"][0]["field"])


def two_uploaded(server, oss):
    """Start a server and wait until two images are in both stores."""
    with_oss(server, oss).start()
    with server.client() as api:
        finished(api, num=2)
        until(
            lambda: [image["storage"] for image in data(api.get("/api/v1/images"))["items"]],
            lambda states: states == ["both"] * 2,
        )


def hang_at(oss, number, operation):
    """Let this request hang until `FakeOss.release`, and let those before it pass."""
    if number > 1:
        oss.fail("", operation, times=number - 1)
    oss.fail("delay", operation)


def test_a_terminal_shows_the_progress_of_a_pass(desk, oss):
    """How much of how much is done; then the summary."""
    with_claimed_oss(desk, oss)
    oss.fail("delay", "put")
    terminal = desk.on_terminal("storage", "sync")
    terminal.until("1/2")
    oss.release()
    terminal.until("2 uploaded")

    assert 0 == terminal.end()


def test_a_terminal_shows_the_progress_of_a_servers_pass(other, oss):
    """The same, although the server does the work."""
    two_uploaded(other, oss)
    hang_at(oss, 4, "head")  # the first is whether OSS answers at all, then two an image
    terminal = other.on_terminal("storage", "verify")
    terminal.until("1/2")
    oss.release()
    terminal.until("2 image(s)")

    assert 0 == terminal.end()


def test_a_pass_ends_with_the_command_that_started_it(other, oss):
    """Ctrl-C ends it, with one line and 1; the server goes on, and the next pass finishes the work."""
    two_uploaded(other, oss)
    hang_at(oss, 4, "head")
    terminal = other.on_terminal("storage", "verify")
    terminal.until("1/2")
    terminal.process.send_signal(signal.SIGINT)
    code = terminal.end()
    with other.client() as api:
        ended = until(lambda: data(api.get("/api/v1/storage"))["pass"], lambda name: name is None)
    oss.release()

    assert (1, None, 2) == (code, ended, run_pass(other, "verify")["pictures"])


def test_an_interrupted_upload_is_finished_by_the_next_pass(desk, oss):
    """Without a server, when the command itself was uploading."""
    with_claimed_oss(desk, oss)
    oss.fail("delay", "put", times=2)
    terminal = desk.on_terminal("storage", "sync")
    until(lambda: oss.faults, lambda faults: not faults)
    terminal.process.send_signal(signal.SIGINT)
    oss.release()
    code = terminal.end()
    good(desk.imagegen("storage", "sync"))

    assert (1, {"both"}) == (code, states(desk))


def test_a_dry_run_counts_what_no_pass_has_seen_yet(desk, oss):
    """With its size, and without an upload."""
    with_oss(desk, oss)
    would = run_pass(desk, "sync", "--dry-run")
    sizes = [file.stat().st_size for file in image_files(desk.data_dir)]

    assert (2, sum(sizes), 0) == (would["uploaded"], would["uploaded_bytes"], len(oss.objects))


@pytest.mark.parametrize("name", ["expire", "verify"])
def test_a_refusal_of_oss_is_reported(desk, oss, name):
    """By every command that encounters it, in one line; nothing is reported lost."""
    with_oss(desk, oss, retention_days=0)
    good(desk.imagegen("storage", "sync"))
    oss.secret = "another"
    reason = failed(desk.imagegen("storage", name))

    assert "OSS: 403" in reason
    assert 2 == len(image_files(desk.data_dir))


def test_everything_that_is_wrong_counts(desk):
    """Also beyond the findings that are listed."""
    for file in image_files(desk.data_dir):
        file.unlink()
    result = run_failing_pass(desk, "verify")

    assert (2, 0, 0) == (result["wrong"], result["mended"], result["orphans"])
