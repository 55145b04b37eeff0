import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("fake_internet.py")
SETUP = """
set -e
ip link set lo up
ip addr add 93.184.216.34/32 dev lo
ip addr add 169.254.169.254/32 dev lo
mount --bind "$1" "$(readlink -f /etc/resolv.conf)"
exec "$2" "$3"
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return what happened in a separate network with a name server that changes its answers.

    Fails on a machine that allows no network namespace, since a skipped test would look like a passed one.
    """
    resolv_conf = tmp_path_factory.mktemp("dns") / "resolv.conf"
    resolv_conf.write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
    unshare = ["unshare", "--mount", "--net", "--kill-child"]
    if os.geteuid():
        unshare += ["--user", "--map-root-user"]
    command = [*unshare, "--fork", "sh", "-c", SETUP, "sh", resolv_conf, sys.executable, CHILD]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, f"no network namespace on this machine?\n{done.stderr}"
    return json.loads(done.stdout)


def test_the_attack_works(results):
    """Checking the name and then calling it reads the secret, so the tests would detect a naive guard."""
    assert ["93.184.216.34", "METADATA SECRET"] == results["naive"]


@pytest.mark.parametrize("case", ["flips between saving and calling", "one of two", "listed metadata"])
def test_a_name_that_leads_to_metadata_is_refused(results, case):
    """Connections go to the addresses that were checked."""
    assert "refused" == results[case]


def test_a_later_answer_has_no_effect(results):
    """One lookup is checked and used; the Host header still holds the name."""
    assert "public, called as flips-later.example" == results["flips after connecting"]


def test_a_result_is_checked_at_each_download(results):
    """Its name is public at the first download and leads to metadata at the second."""
    assert ["public, called as result.example", "download_failed"] == [
        results["result is public"],
        results["result flips"],
    ]


def test_a_redirect_is_checked_by_its_address(results):
    """A public host may not redirect us to the metadata service."""
    assert "download_failed" == results["redirect"]


def test_nothing_ever_connected_to_metadata(results):
    """A refusal means no connection at all, not one that is closed again."""
    assert 0 == results["metadata connections"]
