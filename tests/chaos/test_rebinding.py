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
def found(tmp_path_factory):
    """Return what happened in a network of our own, where a name server changes its mind.

    A machine that allows no network namespace fails here: a skipped test would look like a passed one.
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


def test_the_trap_works(found):
    """Checking the name and then calling it reads the secret: the test would notice a naive guard."""
    assert ["93.184.216.34", "METADATA SECRET"] == found["naive"]


@pytest.mark.parametrize("case", ["flips between saving and calling", "one of two", "listed metadata"])
def test_a_name_that_leads_to_metadata_is_refused(found, case):
    """The addresses that are connected to are the ones that were judged."""
    assert "refused" == found[case]


def test_an_answer_after_the_judged_one_changes_nothing(found):
    """One look-up is judged and used; the Host header is still the name."""
    assert "public, called as flips-later.example" == found["flips after connecting"]


def test_a_result_is_judged_at_each_download(found):
    """Public the first time, metadata the second."""
    assert ["public, called as result.example", "download_failed"] == [
        found["result is public"],
        found["result flips"],
    ]


def test_a_redirect_is_judged_by_its_address(found):
    """A public host may not send us to the metadata service."""
    assert "download_failed" == found["redirect"]


def test_nothing_of_ours_ever_connected_to_metadata(found):
    """Refused means no connection, not a connection that is closed again."""
    assert 0 == found["metadata connections"]
