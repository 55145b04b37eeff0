"""A database server behind TLS whose certificate is verified, by a CA of one's own (``verify-full``)."""

import tempfile
from pathlib import Path

import pytest

from tests.fakes.certificate import write_certificate
from tests.fakes.postgresql import USER, Cluster, at_port, free_port, hand_over
from tests.integration.cluster.conftest import PASSWORD

pytestmark = pytest.mark.one_python


@pytest.fixture
def server():
    """Return a server's port, and the directory of its certificate and another one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in (folder / "server.pem", folder / "other.pem"):
            write_certificate(path)
            path.chmod(0o600)
            hand_over(path)
        hand_over(folder)
        pem = str(folder / "server.pem")
        tls = {"ssl": "on", "ssl_cert_file": pem, "ssl_key_file": pem}
        with Cluster.start(**at_port(free_port()), **tls) as cluster:
            yield cluster.port, folder


def served(nodes, url):
    """Return exit code and output of a start that cannot be, which leaves nothing."""
    node = nodes.make()
    node.configure({**node.config, "database": url})
    ended = node.imagegen("serve", "--port", "0")
    assert not node.data_dir.exists()
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(("host", "ca"), [("127.0.0.1", "server.pem"), ("localhost", "other.pem")])
def test_a_certificate_of_another_host_or_ca_is_refused(nodes, server, host, ca):
    """One line says that it is the certificate; nothing is sent to whoever has shown it."""
    port, folder = server
    query = f"sslmode=verify-full&sslrootcert={folder / ca}"
    code, output = served(nodes, f"postgresql://{USER}:{PASSWORD}@{host}:{port}/postgres?{query}")

    assert (1, 1) == (code, output.count("\n"))
    assert "no TLS with the database server (" in output
    assert PASSWORD not in output


def test_a_ca_that_cannot_be_read_is_refused(nodes, server):
    """Before anything is sent."""
    port, folder = server
    query = f"sslmode=verify-full&sslrootcert={folder / 'missing.pem'}"
    code, output = served(nodes, f"postgresql://{USER}@localhost:{port}/postgres?{query}")

    assert (1, output.count("\n")) == (code, 1)


def test_the_right_certificate_is_trusted(nodes, server):
    """By the file that the URL names."""
    port, folder = server
    node = nodes.make()
    query = f"sslmode=verify-full&sslrootcert={folder / 'server.pem'}"
    node.configure({**node.config, "database": f"postgresql://{USER}@localhost:{port}/postgres?{query}"})
    listed = node.imagegen("tasks", "list", "--json")

    assert (0, "[]") == (listed.returncode, listed.stdout.strip()), listed.stderr
