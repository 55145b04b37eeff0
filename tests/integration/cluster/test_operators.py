"""What an operator of several nodes sees, and what no one may see."""

import json
import subprocess
import sys

import pytest
import yaml
from cryptography.fernet import Fernet

from tests.integration.api.asking import CONFIG, data, finished
from tests.integration.api.live_server import clean_environ
from tests.integration.cluster.conftest import KEY, PASSWORD

pytestmark = pytest.mark.one_python


def doctor(node):
    """Return exit code and checks, by name."""
    done = node.imagegen("doctor", "--json", environ={"LC_ALL": "C.UTF-8"})
    assert done.stdout, done.stderr
    return done.returncode, {
        check["name"]: (check["status"], check["message"]) for check in json.loads(done.stdout)["checks"]
    }


def test_a_cluster_that_is_well(nodes):
    """But for the tests' server, which is fast because it may forget."""
    node = nodes.start()
    with node.client() as client:
        finished(client)
    code, checks = doctor(node)

    assert 1 == code
    assert ["durability"] == [name for name, (status, _) in checks.items() if status == "fail"]
    assert [] == [name for name, (status, _) in checks.items() if status == "warn"]
    assert {"database", "connections", "clock", "nodes", "master key", "tasks", "search index", "oss"} <= set(
        checks
    )
    assert checks["nodes"][1].startswith("1 alive: ")


def test_a_database_that_no_node_has_used(nodes, postgresql):
    """Its tables are made by the first start, not by those who look."""
    node = nodes.make()
    node.configure({**node.config, "database": postgresql.create_database("unused")})
    code, checks = doctor(node)

    assert (0, "warn") == (code, checks["database"][0])


def test_a_server_that_does_not_answer(nodes, tmp_path):
    """It is named, without its password, and the exit code says that another try may help."""
    node = nodes.make()
    url = f"postgresql://imagegen:{PASSWORD}@127.0.0.1:9/imagegen"
    node.configure({**node.config, "database": url})
    served = node.imagegen("serve", "--port", "0")
    code, checks = doctor(node)

    assert (1, 1, "fail") == (served.returncode, code, checks["database"][0])
    assert not node.data_dir.exists()
    assert "postgresql://imagegen:****@127.0.0.1:9/imagegen" in served.stderr
    assert PASSWORD not in served.stderr


def test_a_standby_is_refused(nodes, postgresql):
    """Nothing could be written there, and nothing is here."""
    node = nodes.make()
    with postgresql.standby() as standby:
        node.configure({**node.config, "database": standby.dsn("postgres")})
        served = node.imagegen("serve", "--port", "0")
        _, checks = doctor(node)

    health, message = checks["database"]
    assert ("fail", True, 1) == (health, "standby" in message, served.returncode)
    assert not node.data_dir.exists()


def test_a_node_with_another_master_key(nodes):
    """It is refused before it seals anything, with the exit code of what no restart mends."""
    nodes.start()
    other = nodes.make(key=Fernet.generate_key().decode())
    served = other.imagegen("serve", "--port", "0")
    _, checks = doctor(other)

    assert (3, "fail") == (served.returncode, checks["master key"][0])
    assert not other.data_dir.exists()
    assert KEY not in served.stderr


def test_a_new_master_key_beside_running_nodes(nodes):
    """They have the new one in front by then; afterwards the old one opens nothing any more."""
    new = Fernet.generate_key().decode()
    with nodes.start(key=f"{new},{KEY}").client() as client:
        data(client.post(CONFIG, json={"provider_name": "openai", "api_key": "sk-0123456789"}))
    rotated = nodes.make(key=f"{new},{KEY}").imagegen("keys", "rotate")
    with nodes.start(key=new).client() as client:
        config = data(client.get(f"{CONFIG}/openai"))
    old = nodes.make().imagegen("serve", "--port", "0")

    assert (0, "sk-****6789", 3) == (rotated.returncode, config["api_key"], old.returncode)


def test_nobody_sees_the_password(nodes):
    """Not in the log, nor in the health, nor where the settings are shown."""
    node = nodes.start(log={"level": "debug"})
    with node.client() as client:
        health = client.get("/health").text
    shown = node.imagegen("config", "show").stdout

    assert ":****@" in yaml.safe_load(shown)["database"]
    assert [] == [text for text in (node.log, health, shown) if PASSWORD in text or KEY in text]


def test_a_data_directory_with_a_database_of_its_own(nodes):
    """Nothing of it is used or removed, and the log tells how to move it."""
    node = nodes.make()
    spooled = node.data_dir / "spool" / "an-owner" / "input"
    spooled.parent.mkdir(parents=True)
    for path in (spooled, node.data_dir / "imagegen.db"):
        path.touch()
    node.start()

    assert "imagegen migrate" in node.log
    assert spooled.exists()


def test_no_key_file_is_made(nodes):
    """The data directory has nothing that another node would need."""
    node = nodes.start()
    names = {path.name for path in node.data_dir.iterdir()}

    assert set() == names & {"master.key", "master.check", "imagegen.db", "images"}


def test_backups_are_not_made_here(nodes):
    """One of the data directory would hold nothing."""
    done = nodes.make().imagegen("backup", "backup.tar")

    assert (2, True) == (done.returncode, "pg_dump" in done.stderr)


def test_the_extra_that_is_missing(nodes):
    """One line says what to install."""
    node = nodes.make()
    code = "import sys; sys.modules['asyncpg'] = None; from imagegen_http.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "serve"],
        cwd=node.folder,
        env=clean_environ(**node.environ),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (2, True) == (done.returncode, "`./run setup cluster`" in done.stderr)
