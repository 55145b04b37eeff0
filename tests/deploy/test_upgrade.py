"""An installation of long ago becomes the present one, goes back, and comes again; each on a new machine."""

import json

import pytest

from tests.deploy.machine import CALL

# Several installations, on a machine that is busy.
pytestmark = pytest.mark.timeout(1200)

NOW = "/checkouts/now/deploy/install.sh"
BEFORE = "/checkouts/before/deploy/install.sh"
PROMPTS = ("a cat in the rain", "雨中的猫")
BY_HAND = "/opt/imagegen/deploy/imagegen.service"
SETTINGS = "/etc/imagegen/config.yaml"
RELEASES = "readlink /opt/imagegen/current; ls /opt/imagegen/releases"


def ask(machine, path):
    return json.loads(machine.run(f"{CALL}/api/v1/{path}"))["data"]


def make(machine, *prompts):
    """Make images through the running service."""
    for prompt in prompts:
        body = json.dumps({"params": {"prompt": prompt}}, ensure_ascii=False)
        head = "-H 'Content-Type: application/json' -H 'Prefer: wait=60'"
        answer = machine.run(f"{CALL}/api/v1/tasks/generate {head} -d '{body}'")
        assert "completed" == json.loads(answer)["data"]["status"], answer


def contents(machine):
    """Return the service's tasks, its images with their checksums, and what a search finds."""
    tasks = sorted(task["task_id"] for task in ask(machine, "tasks")["items"])
    ids = sorted(image["id"] for image in ask(machine, "images")["items"])
    images = [machine.run(f"{CALL}/api/v1/images/{name}/content | sha256sum") for name in ids]
    words = ("cat", "%E7%8C%AB")
    hits = [[image["id"] for image in ask(machine, f"images/search?keyword={w}")["items"]] for w in words]
    return tasks, dict(zip(ids, images, strict=True)), hits


def test_it_is_upgraded_by_fifty_commits_rolled_back_and_upgraded_again(bare):
    """With its images, tasks, search and settings, and every time the service runs."""
    bare.run(BEFORE)
    bare.log_in()
    settings = bare.run("cat /etc/imagegen/config.yaml")
    make(bare, *PROMPTS)
    before = contents(bare)
    bare.run(f"{NOW} --upgrade")
    upgraded = contents(bare)
    # The database goes back as well where it was changed.
    bare.run(f"{NOW} --rollback || {NOW} --rollback --with-database")
    returned = contents(bare)
    bare.run(f"{NOW} --upgrade")
    again = contents(bare)
    bare.run("imagegen doctor")

    assert [2, 2, [1, 1]] == [len(before[0]), len(before[1]), [len(hits) for hits in before[2]]]
    assert [before] * 3 == [upgraded, returned, again]
    assert (settings, "") == (
        bare.run(f"cat {SETTINGS}"),
        bare.run("find /var/lib/imagegen ! -user imagegen"),
    )


def test_data_of_a_user_that_systemd_made_up_are_taken_over(bare):
    """With the unit that a page of then told to install; what was made belongs to the present one's user."""
    bare.run("cp -r /checkouts/before/. /opt/imagegen; /opt/imagegen/run setup")
    bare.run(f"cp /checkouts/by-hand/deploy/imagegen.service {BY_HAND}")
    bare.run(f"mkdir /etc/imagegen; echo 'data_dir: /var/lib/imagegen' >{SETTINGS}; touch /run/token")
    # On Debian 13 its filter killed it at the start; whoever used it there had found this out.
    bare.run(f"sed -i '/^SystemCallFilter=@/i SystemCallErrorNumber=EPERM' {BY_HAND}")
    bare.run(f"install -m 644 {BY_HAND} /etc/systemd/system; systemctl enable --now imagegen")
    bare.run("curl -sf --retry 60 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/health/live")
    make(bare, *PROMPTS)
    before = contents(bare)
    place = bare.run("readlink /var/lib/imagegen")
    bare.run(NOW)

    assert ("private/imagegen", before) == (place, contents(bare))
    assert "" == bare.run("find /var/lib/imagegen ! -user imagegen; ls /var/lib/private")
    assert "fail" not in bare.run("imagegen doctor")


def test_a_data_directory_that_the_settings_name_is_copied_and_taken_back(bare):
    """Not the one that would be there without them; root's own variables change nothing."""
    bare.run(f"{NOW} --no-start")
    bare.run(
        "install -d -m 700 -o imagegen -g imagegen '/srv/my images'; "
        f"sed -i 's#^data_dir:.*#data_dir: /srv/my images#' {SETTINGS}; "
        "cd /etc/systemd/system; mkdir imagegen.service.d; "
        "printf '[Service]\\nReadWritePaths=\"/srv/my images\"\\n' >imagegen.service.d/data.conf"
    )
    bare.run(NOW)
    bare.log_in()
    make(bare, *PROMPTS)
    bare.run(f"IMAGEGEN_DATA_DIR=/run/nowhere {NOW} --upgrade")
    make(bare, "made since")
    upgraded = contents(bare)
    bare.run(f"IMAGEGEN_DATA_DIR=/run/nowhere {NOW} --rollback --with-database")
    returned = contents(bare)
    output = bare.run(f"{NOW} --uninstall")

    assert (3, 2) == (len(upgraded[0]), len(returned[0]))
    assert ("imagegen.db", "") == (
        bare.run("cd /var/backups/imagegen/before-upgrade; ls imagegen.db"),
        bare.run("find '/srv/my images' ! -user imagegen; ls /var/lib/imagegen"),
    )
    assert "kept: /srv/my images (" in output


def test_wrong_settings_stop_an_upgrade_before_it_begins(bare):
    """Since nobody can know whose database to copy; what runs goes on."""
    bare.run(f"{NOW}; echo 'nonsense: 1' >>{SETTINGS}")
    before = bare.run(RELEASES)
    output = bare.run(f"{NOW} --upgrade 2>&1", code=1)

    assert (True, True) == ("nonsense" in output, "nothing was changed" in output)
    assert (before, "active") == (bare.run(RELEASES), bare.show("ActiveState")["ActiveState"])
