"""What root's shell and the place of the checkout must not change, and how install.sh speaks."""

import subprocess

import pytest

from tests.deploy.machine import ROOT

pytestmark = pytest.mark.timeout(900)

INSTALL = ROOT / "deploy" / "install.sh"
ODD = (
    "export LC_ALL=C LANG=zh_CN.GB18030 PIP_TARGET=/run/elsewhere PIP_REQUIRE_VIRTUALENV=1 PIP_USER=1 "
    "PYTHONPATH=/run/other IMAGEGEN_DATA_DIR=/run/elsewhere IMAGEGEN_SERVER__PORT=9"
)
PLACE = '"/srv/odd/it\'s my 检出"'


def test_an_odd_shell_and_an_odd_place_make_the_same_installation(bare):
    """A checkout that root alone can read, below a name with spaces, a quote and Chinese; a umask of 077."""
    bare.run("mkdir -p /run/other/yaml; echo 'raise SystemExit(9)' >/run/other/yaml/__init__.py")
    bare.run(f"umask 077; mkdir -p /srv/odd; cp -r /checkouts/now {PLACE}; chmod -R go= /srv/odd")
    for _ in range(2):
        bare.run(f"umask 077; {ODD}; cd /; {PLACE}/deploy/install.sh")
    bare.run("rm -r /srv/odd; cd /; imagegen generate 'a cat' -o /run/cat.png")

    assert "active" == bare.show("ActiveState")["ActiveState"]
    assert "" == bare.run("find /opt/imagegen/current/ /etc/systemd/system/imagegen* ! -perm -o=r")
    assert "1" == bare.run("ls /opt/imagegen/releases | wc -l; ls /run/elsewhere 2>/dev/null || true")


def test_help_is_complete():
    """It needs no rights, names every option, and fits a terminal."""
    done = subprocess.run([INSTALL, "--help"], capture_output=True, text=True, check=True)
    options = ("--upgrade", "--rollback", "--with-database", "--uninstall", "--no-start", "IMAGEGEN_PYTHON")

    assert ("", []) == (done.stderr, [option for option in options if option not in done.stdout])
    assert max(map(len, done.stdout.splitlines())) <= 120


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--upgrade", "--rollback"], "--upgrade and --rollback exclude each other"),
        (["--with-database"], "--with-database is for --rollback"),
        (["--upgrade", "--with-database"], "--with-database is for --rollback"),
        (["--unistall"], "there is no --unistall"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message):
    """Before anything is done, with 2."""
    done = subprocess.run([INSTALL, *arguments], capture_output=True, text=True, check=False)

    assert (2, f"install.sh: {message}") == (done.returncode, done.stderr.splitlines()[0])
