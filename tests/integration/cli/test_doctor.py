"""``imagegen doctor``: its findings and exit codes."""

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import closing

import pytest
import yaml

from imagegen_adapters.stores.rows import to_json
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.messages import WebhookCode
from imagegen_http.cli.words import width_of
from tests.fakes import s3_servers
from tests.fakes.faulty_proxy import FaultyProxy
from tests.fakes.oss import FakeOss
from tests.integration.api.live_server import clean_environ
from tests.integration.cli.conftest import files_below
from tests.integration.cli.test_backup import damage, image_files


def examined(server, *args, environ=None):
    """Return the exit code, and the messages by the name of each check."""
    result = server.imagegen("doctor", "--json", *args, environ=environ)
    assert "" == result.stderr
    report = json.loads(result.stdout)
    checks = {check["name"]: (check["status"], check["message"]) for check in report["checks"]}
    assert report["status"] in {status for status, _ in checks.values()}
    return result.returncode, checks


def test_a_missing_directory_fails(other):
    """It may be another one than the operator means; it is named, and none is created."""
    code, checks = examined(other)

    assert (1, "fail", []) == (code, checks["data directory"][0], list(other.folder.iterdir()))
    assert f"{other.data_dir} is not there" in checks["data directory"][1]


def test_a_pillow_without_avif_is_told(other):
    """As some distributions build it; such images are refused then, and the others are not."""
    (other.folder / "sitecustomize.py").write_text("import sys; sys.modules['PIL._avif'] = None")
    command = [sys.executable, "-m", "imagegen_http", "doctor", "--json"]
    environ = clean_environ(PYTHONPATH=str(other.folder))
    output = subprocess.run(command, cwd=other.folder, env=environ, capture_output=True, check=False).stdout
    lacking = {check["name"]: check for check in json.loads(output)["checks"]}
    _, whole = examined(other)

    assert ("warn", True) == (lacking["pillow"]["status"], "AVIF" in lacking["pillow"]["message"])
    assert "pillow" not in whole


def test_the_settings_may_be_named(other):
    """As where `serve` and `config check` take them."""
    (other.folder / "mine.yaml").write_text("data_dir: /nowhere/else")
    code, checks = examined(other, "--config", "mine.yaml")

    assert (1, True) == (code, "/nowhere/else is not there" in checks["data directory"][1])


def test_a_directory_before_the_first_start_is_a_warning(other):
    """As after an installation."""
    other.data_dir.mkdir(mode=0o700)
    code, checks = examined(other)

    assert (0, "warn", []) == (code, checks["database"][0], list(other.data_dir.iterdir()))


def test_a_used_data_directory_passes_and_is_not_changed(desk):
    """Everything is checked."""
    before = files_below(desk.data_dir)
    code, checks = examined(desk, "--full")
    sqlite, tasks = checks.pop("sqlite"), checks.pop("tasks")

    assert 0 == code
    assert {"ok"} == {status for name, (status, _) in checks.items() if name != "server"}
    assert ("warn", True) == (tasks[0], "1 waiting, 1 running, although no server runs" in tasks[1])
    assert (
        "none runs; server.json was left by one that was killed, and the next start replaces it",
        "opens all 1 saved secret(s)",
    ) == (checks["server"][1], checks["master key"][1])
    assert "2 local files, every byte as recorded" == checks["pictures"][1]
    assert ("warn" == sqlite[0]) == ("WAL-reset" in sqlite[1])
    assert sqlite3.sqlite_version in sqlite[1]
    assert before == files_below(desk.data_dir)


def test_it_works_beside_a_server(other):
    """And reports its address."""
    code, checks = examined(other.start())

    assert (0, f"runs at {other.url}") == (code, checks["server"][1])


def test_people_read_lines(desk):
    """A status, a name, a sentence."""
    (image_files(desk.data_dir)[0]).unlink()
    result = desk.imagegen("doctor")
    line = next(line for line in result.stdout.splitlines() if "pictures:" in line)

    assert (1, "") == (result.returncode, result.stderr)
    assert "fail  pictures: 1 of 2 local files missing" in line


def test_people_read_them_in_their_language(desk):
    """By the locale; names and states are the same in every language."""
    texts = [desk.imagegen("doctor", environ={"LC_ALL": lang}).stdout for lang in ("C.UTF-8", "zh_CN.UTF-8")]
    english, chinese = ([line.partition(": ") for line in text.splitlines()] for text in texts)

    assert [name for name, _, _ in english] == [name for name, _, _ in chinese]
    assert [] == [message for _, _, message in chinese if message.isascii()]
    assert "ok    pictures: 2 个本地文件与记录一致" in texts[1]


def test_a_damaged_database_fails(desk):
    """With what SQLite says."""
    damage(desk.data_dir / "imagegen.db")
    code, checks = examined(desk)

    assert (1, "fail") == (code, checks["database"][0])


def test_a_file_that_is_no_database_fails(desk):
    """The same."""
    (desk.data_dir / "imagegen.db").write_bytes(b"no database at all" * 1000)
    (desk.data_dir / "imagegen.db-wal").unlink(missing_ok=True)

    assert 1 == examined(desk)[0]


def test_a_missing_database_beside_images_fails(desk):
    """There must have been one."""
    for file in desk.data_dir.glob("imagegen.db*"):
        file.unlink()

    assert (1, "fail") == (examined(desk)[0], examined(desk)[1]["database"][0])


def test_a_database_of_a_newer_version_fails(desk):
    """This version must not touch it."""
    with closing(sqlite3.connect(desk.data_dir / "imagegen.db")) as connection, connection:
        connection.execute("UPDATE _sqlite_migrations SET name = 'm999_later' WHERE name = 'm025_settings'")
    code, checks = examined(desk)

    assert (1, True) == (code, "newer version" in checks["database"][1])


def test_a_missing_master_key_fails(desk):
    """And it is not generated."""
    (desk.data_dir / "master.key").unlink()
    code, checks = examined(desk)

    assert (1, "fail", False) == (code, checks["master key"][0], (desk.data_dir / "master.key").exists())


@pytest.mark.parametrize("key", ["A" * 43 + "=", "short", ""])
def test_a_wrong_master_key_fails(desk, key):
    """In the file."""
    (desk.data_dir / "master.key").write_text(key)

    assert (1, "fail") == (examined(desk)[0], examined(desk)[1]["master key"][0])


def test_a_master_key_of_the_environment_counts(desk):
    """It replaces the file's."""
    key = (desk.data_dir / "master.key").read_text().strip()
    (desk.data_dir / "master.key").unlink()

    assert 0 == examined(desk, environ={"IMAGEGEN_MASTER_KEY": key})[0]


def test_an_image_of_another_size_fails(desk):
    """It was truncated."""
    file = image_files(desk.data_dir)[0]
    file.write_bytes(file.read_bytes()[:-1])

    assert (1, "fail") == (examined(desk)[0], examined(desk)[1]["pictures"][0])


def test_a_changed_byte_is_found_by_full(desk):
    """Reading everything takes time, so it is optional."""
    file = image_files(desk.data_dir)[0]
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)

    assert [0, 1] == [examined(desk)[0], examined(desk, "--full")[0]]


def test_warnings_end_with_0(desk):
    """Permissions, disk space, a retired model."""
    (desk.data_dir / "images").chmod(0o755)
    desk.folder.joinpath("config.yaml").write_text(
        yaml.safe_dump(
            {
                "storage": {"min_free_mb": 10**9},
                "providers": {"gemini": {"api_key": "k", "models": [{"id": "imagen-4.0-generate-001"}]}},
            }
        )
    )
    code, checks = examined(desk)

    assert 0 == code
    assert ["warn"] * 3 == [checks[name][0] for name in ("data directory", "disk", "providers")]


def test_a_bucket_of_s3_is_asked_without_leaving_anything_in_it(desk):
    """It may be down, too, since the images are on the disk."""
    with s3_servers.localbucket() as port, FaultyProxy(port) as proxy:
        config = {
            "storage": {
                "s3": {
                    "endpoint": proxy.endpoint,
                    "region": "us-east-1",
                    "bucket": s3_servers.BUCKET,
                    "access_key_id": s3_servers.KEY_ID,
                    "access_key_secret": s3_servers.SECRET,
                }
            },
            "security": {"allow_private_upstreams": [f"127.0.0.1:{proxy.port}"]},
        }
        desk.folder.joinpath("config.yaml").write_text(yaml.safe_dump(config))
        up, methods = examined(desk), set(proxy.methods())
    down = examined(desk)

    assert [(0, "ok"), (0, "warn")] == [(code, checks["s3"][0]) for code, checks in (up, down)]
    assert {"HEAD", "GET"} == methods


def test_oss_is_asked_and_may_be_down(desk):
    """Whether it answers, and whose the prefix is. The images are on the disk, so it is a warning."""
    with FakeOss() as oss:
        config = {
            "storage": {
                "oss": {
                    "endpoint": oss.endpoint,
                    "region": oss.region,
                    "bucket": oss.bucket,
                    "access_key_id": oss.key_id,
                    "access_key_secret": oss.secret,
                }
            },
            "security": {"allow_private_upstreams": [f"127.0.0.1:{oss.port}"]},
        }
        desk.folder.joinpath("config.yaml").write_text(yaml.safe_dump(config))
        up, calls = examined(desk), [call.operation for call in oss.ledger]
    with closing(sqlite3.connect(desk.data_dir / "imagegen.db")) as connection, connection:
        connection.execute(
            "INSERT INTO outbox (kind, blob_key, last_error) VALUES ('upload', 'a', '403 AccessDenied')"
        )
    down = examined(desk)

    assert [(0, "ok"), (0, "warn")] == [(code, checks["oss"][0]) for code, checks in (up, down)]
    assert (["head", "get"], "warn", True) == (
        calls,
        down[1]["outbox"][0],
        "AccessDenied" in down[1]["outbox"][1],
    )


def test_a_webhook_that_was_switched_off_is_a_warning(desk):
    """With why, and how it is switched on."""
    config = {"security": {"allow_webhooks": ["127.0.0.1:9"]}}
    desk.folder.joinpath("config.yaml").write_text(yaml.safe_dump(config))
    assert 0 == desk.imagegen("webhooks", "add", "http://127.0.0.1:9/").returncode
    before = examined(desk)[1].get("webhooks")
    off, reason = "UPDATE webhooks SET enabled = 0, disabled_reason = ?", to_json(WebhookCode.RECEIVER_GONE())
    with closing(sqlite3.connect(desk.data_dir / "imagegen.db")) as connection, connection:
        connection.execute(off, (reason,))
    code, checks = examined(desk)

    assert (None, 0, "warn") == (before, code, checks["webhooks"][0])
    assert "endpoint 1 was switched off: the receiver answered 410" in checks["webhooks"][1]
    assert "imagegen webhooks edit 1 --enable" in checks["webhooks"][1]


def rows(server, *statements):
    """Change the database directly."""
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_an_empty_database_beside_images_fails(desk, other):
    """Somebody replaced it."""
    other.start().stop()
    for file in desk.data_dir.glob("imagegen.db*"):
        file.unlink()
    shutil.copy(other.data_dir / "imagegen.db", desk.data_dir)
    code, checks = examined(desk)

    assert (1, "fail", True) == (code, checks["orphans"][0], "the database is empty" in checks["orphans"][1])


def test_files_without_a_record_are_reported(desk):
    """They take space and are harmless; a paid image may be among them, so nobody should just delete them."""
    (desk.data_dir / "images" / "nobodys.png").write_bytes(b"x")
    code, checks = examined(desk)

    assert (0, "warn", True, True) == (
        code,
        checks["orphans"][0],
        "1 files without a record" in checks["orphans"][1],
        "storage_failed" in checks["orphans"][1],
    )


@pytest.mark.parametrize(("name", "mode"), [("imagegen.db", 0o400), ("images", 0o000), ("master.key", 0o400)])
def test_files_that_the_owner_cannot_use_fail(desk, name, mode):
    """Also when root runs the command, whom no permissions stop."""
    (desk.data_dir / name).chmod(mode)
    code, checks = examined(desk)
    (desk.data_dir / name).chmod(0o700)

    assert (1, "fail", True) == (code, checks["modes"][0], name in checks["modes"][1])


def test_an_announcement_of_a_killed_server_is_no_server(desk):
    """Even if its pid is another process's by now."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    (desk.data_dir / "server.json").write_text(json.dumps({"url": url, "pid": os.getpid()}))

    assert ("warn", True) == (examined(desk)[1]["server"][0], "left by one" in examined(desk)[1]["server"][1])


def test_a_clock_that_was_set_back_is_reported(desk):
    """Compared with the newest task."""
    rows(desk, "UPDATE tasks SET created_at = '2999-01-01T00:00:00.000Z'")

    assert "warn" == examined(desk)[1]["clock"][0]


def test_tasks_with_an_unknown_outcome_are_reported(desk):
    """An operator has to compare them with the bill."""
    rows(
        desk,
        "UPDATE tasks SET status = 'failed', failure = '{\"code\": \"outcome_unknown\"}', "
        "completed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE status = 'processing'",
    )

    assert "1 task(s)" in examined(desk)[1]["unknown outcomes"][1]


def test_tasks_that_are_pending_for_more_than_a_day_are_reported(desk):
    """Something holds them up."""
    rows(
        desk,
        "UPDATE tasks SET created_at = '2020-01-01T00:00:00.000Z'",
        "DELETE FROM tasks WHERE status = 'processing'",
    )

    assert "1 of them for more than a day" in examined(desk)[1]["tasks"][1]


def test_strict_ends_with_4_for_warnings(desk):
    """For a monitor that should alert somebody."""
    assert [0, 4] == [desk.imagegen("doctor", *strict).returncode for strict in ((), ("--strict",))]


def test_invalid_settings_are_wrong_usage(desk):
    """As with every command."""
    desk.folder.joinpath("config.yaml").write_text("nonsense: 1")
    result = desk.imagegen("doctor")

    assert (2, True) == (result.returncode, "nonsense" in result.stderr)


def test_serve_warns_of_such_an_sqlite_in_one_line(other):
    """At the start, where an operator reads it."""
    other.start()
    doctor = examined(other)[1]["sqlite"][0]

    assert ("warn" == doctor) == (1 == other.log.count("WAL-reset"))


def test_findings_fit_a_terminal(desk):
    """They are broken between words, or Chinese characters, and go on below the name of the check."""
    terminal = desk.on_terminal("doctor", columns=40, LC_ALL="zh_CN.UTF-8", NO_COLOR="1")
    terminal.until("剩余")
    lines = terminal.shown.splitlines()
    terminal.end()

    assert [] == [line for line in lines if width_of(line) > 40 and str(desk.data_dir) not in line]
    assert [True, True] == [any(line.startswith(start) for line in lines) for start in ("ok    ", "      ")]
