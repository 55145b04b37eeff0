"""imagegen as systemd runs it, from the installation to its end; each test leaves the service running."""

import json

import pytest

from tests.deploy.machine import CALL

# An installation takes a minute, and several on a machine that is busy.
pytestmark = pytest.mark.timeout(900)

DATA = "/var/lib/imagegen"
SETTINGS = "/etc/imagegen/config.yaml"
LATER = """
from imagegen_adapters.stores.sqlite.engine import sqlite3
connection = sqlite3.connect("/var/lib/imagegen/imagegen.db")
connection.execute("UPDATE _sqlite_migrations SET name = 'm999_later' WHERE rowid = 1")
connection.commit()
connection.close()
"""


def images(machine):
    """Return how many images the service has."""
    return json.loads(machine.run(f"{CALL}/api/v1/images"))["data"]["total"]


def others_in(machine, folder=DATA):
    """Return what belongs to somebody else than the service."""
    return machine.run(f"find {folder} ! -user imagegen")


def test_the_unit_starts_and_says_when_it_is_ready(machine):
    """The system-call filter lets through what Python and its libraries need; nothing was restarted."""
    shown = machine.show("ActiveState", "NRestarts", "StatusText", "Type")

    assert {
        "ActiveState": "active",
        "NRestarts": "0",
        "StatusText": "listening at http://127.0.0.1:8080",
        "Type": "notify",
    } == shown


def test_a_first_image(machine):
    """Decoded by the child that limits itself; over HTTP nobody gets in without the token."""
    machine.run("cd / && imagegen generate 'a cat' -o /run/cat.png")
    signature = machine.run("head -c 4 /run/cat.png | tail -c 3")

    assert ("PNG", 1) == (signature, images(machine))
    assert "401" == machine.run("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/api/v1/images")


def test_installing_again_changes_nothing(machine):
    """Neither settings nor token nor data."""
    look = "cd /etc/imagegen; cat config.yaml credentials/auth_token; readlink /opt/imagegen/current"
    before = machine.run(look)
    machine.run("/checkout/deploy/install.sh")

    assert (before, 1) == (machine.run(look), images(machine))


def test_secrets_are_the_services_only(machine):
    """Root's file reaches the service as a credential."""
    places = f"/etc/imagegen/credentials {DATA} {DATA}/master.key /etc/imagegen/config.yaml"
    modes = machine.run(f"stat -c '%U %a' {places}")

    assert ["root 700", "imagegen 700", "imagegen 600", "root 640"] == modes.splitlines()


def test_it_is_sound(machine):
    """As doctor says, who is root here."""
    output = machine.run("imagegen doctor")

    assert "fail" not in output, output


def test_a_killed_service_comes_back(machine):
    """Soon and whole."""
    machine.run("systemctl kill -s KILL imagegen")
    machine.until("NRestarts", "1")
    machine.until("ActiveState", "active")

    assert 1 == images(machine)


def test_a_service_that_hangs_is_started_again(machine):
    """Its event loop gives no sign of life any more."""
    machine.run(
        "mkdir -p /run/systemd/system/imagegen.service.d; "
        "printf '[Service]\nWatchdogSec=3\n' >/run/systemd/system/imagegen.service.d/quick.conf; "
        "systemctl daemon-reload; systemctl restart imagegen; systemctl kill -s STOP imagegen"
    )
    machine.until("Result", "watchdog")
    machine.until("ActiveState", "active")
    machine.run("rm -r /run/systemd/system/imagegen.service.d; systemctl daemon-reload")
    machine.run("systemctl restart imagegen")

    assert 1 == images(machine)


@pytest.mark.parametrize(
    ("break_it", "mend_it", "code"),
    [
        (f"echo 'nonsense: 1' >>{SETTINGS}", f"sed -i /nonsense/d {SETTINGS}", "2"),
        (f"chmod 644 {DATA}/master.key", f"chmod 600 {DATA}/master.key", "3"),
        (f"chown root {DATA}/imagegen.db", f"chown imagegen {DATA}/imagegen.db", "3"),
    ],
    ids=["settings", "master key", "owner"],
)
def test_what_no_restart_mends_is_not_restarted(machine, break_it, mend_it, code):
    """The unit is failed at once, where an operator sees it; mended, it starts."""
    machine.run(f"{break_it}; systemctl stop imagegen; systemctl start imagegen || true")
    shown = machine.show("ActiveState", "ExecMainStatus", "NRestarts")
    machine.run(f"{mend_it}; systemctl reset-failed imagegen; systemctl start imagegen")

    assert {"ActiveState": "failed", "ExecMainStatus": code, "NRestarts": "0"} == shown


def test_what_root_does_while_it_is_stopped_does_not_lock_it_out(machine):
    """Each command works as the service's user."""
    machine.run("systemctl stop imagegen; cd /; imagegen generate 'a dog' -o /tmp/dog.png")
    for command in ("keys rotate", "storage verify", "images list", "reindex", "doctor"):
        machine.run(f"imagegen {command}")
    strangers = others_in(machine)
    machine.run("systemctl start imagegen")

    assert ("", 2) == (strangers, images(machine))


def test_root_is_refused_where_the_owner_may_not_write(machine):
    """Before anything is paid for."""
    machine.run("systemctl stop imagegen; mkdir -p -m 700 /root")
    output = machine.run("cd /; imagegen generate 'a bird' -o /root/bird.png 2>&1", code=1)
    machine.run("systemctl start imagegen")

    assert ("/root: imagegen, who does the work, cannot write there" in output, 2) == (True, images(machine))


def test_a_backup_is_restored(machine):
    """Made by the timer's unit, beside the running service; restored by root, started by the service."""
    machine.run("systemctl start imagegen-backup")
    machine.run(
        f"systemctl stop imagegen; cp {DATA}/master.key /run/; find {DATA} -mindepth 1 -delete; "
        "imagegen restore /var/backups/imagegen/*.backup; "
        f"install -o imagegen -g imagegen -m 600 /run/master.key {DATA}/"
    )
    strangers = others_in(machine)
    output = machine.run("imagegen doctor")
    machine.run("systemctl start imagegen")

    assert ("", 2, False) == (strangers, images(machine), "fail" in output)


def test_an_upgrade_and_back(machine):
    """The code changes over and back; images and settings stay."""
    before = machine.run("readlink /opt/imagegen/current")
    machine.run("echo '# of then' >>/opt/imagegen/current/units/imagegen.service")
    machine.run("/checkout/deploy/install.sh --upgrade")
    after, counted = machine.run("readlink /opt/imagegen/current"), images(machine)
    machine.run("/checkout/deploy/install.sh --rollback")

    assert (True, 2) == (before != after, counted)
    assert "# of then" == machine.run("tail -n 1 /etc/systemd/system/imagegen.service")
    assert (before, 2) == (machine.run("readlink /opt/imagegen/current"), images(machine))


def test_a_rollback_over_a_migration_is_refused_unless_the_database_goes_back_too(machine):
    """What was made since is then no longer known, so it has to be said."""
    machine.run("/checkout/deploy/install.sh --upgrade; systemctl stop imagegen")
    machine.run(f"cat >/run/later.py <<'END'{LATER}END")
    become = "setpriv --reuid=imagegen --regid=imagegen --clear-groups"
    machine.run(f"{become} /opt/imagegen/current/bin/python /run/later.py")
    output = machine.run("/checkout/deploy/install.sh --rollback 2>&1", code=1)
    machine.run("/checkout/deploy/install.sh --rollback --with-database")

    assert ("--with-database" in output, 2, "") == (True, images(machine), others_in(machine))


def test_uninstalling_keeps_the_data(machine):
    """A new installation goes on with them; what somebody else put beside the code stays, too."""
    before = images(machine)
    machine.run("touch /opt/imagegen/checkout; /checkout/deploy/install.sh --uninstall")
    look = "ls /opt/imagegen /usr/local/bin; systemctl list-unit-files 'imagegen*' --no-legend || true"
    listing = machine.run(look)
    machine.run("rm /opt/imagegen/checkout; /checkout/deploy/install.sh")

    assert ("/opt/imagegen:\ncheckout\n\n/usr/local/bin:", before) == (listing, images(machine))
