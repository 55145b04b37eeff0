"""The real packages, each in its own process with default settings, before a provider that counts."""

import json
import os
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clients.forks import ENDED
from tests.clients.nginx import Nginx, free_ports
from tests.clients.packages import Clients
from tests.clients.upstream import JOBS, KEY, CountingUpstream
from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.integration.api.live_server import LiveServer

HERE = Path(__file__).parent
INSTALLED, FORKS = HERE / ".installed", HERE / "forks.py"
ASK_SECONDS = 900
CLIENTS = ("ai_openai", "ai_openai_compatible", "litellm_router", "openai_npm", "openai_python")
MOODS = ("quick", "slow", "large")
FAILURES = {
    "broken": "outcome_unknown",
    "reset": "outcome_unknown",
    "silent": "timeout",
    "page": "bad_response",
    "gone": "download_failed",
    "garbage": "invalid_image",
    "expired": "result_expired",
}
"""Each way to fail after the provider has charged, and the failure that it is to be."""


@pytest.fixture(scope="session")
def installed():
    """The packages; nothing is skipped when a tool is missing."""
    missing = [tool for tool in ("node", "npm", "nginx") if shutil.which(tool) is None]
    assert not missing, f"missing: {', '.join(missing)}; Debian's packages have these names"
    return Clients.installed(INSTALLED)


@pytest.fixture(scope="session")
def clients(installed):
    """Each program as a function of address, model and prompt."""
    assert set(CLIENTS) == set(installed.commands)
    return installed.commands


@pytest.fixture(scope="session")
def forks(installed):
    """The address of what runs the programs in Python."""
    command = [installed.python, str(FORKS)]
    with subprocess.Popen(command, env=environ_of_clients(), stdout=subprocess.PIPE, text=True) as process:
        yield "127.0.0.1", int(process.stdout.readline())
        process.terminate()


@pytest.fixture
def upstream():
    with in_thread(HttpServer(CountingUpstream())) as server:
        yield server
    assert [] == server.complaints


@pytest.fixture
def service(upstream, tmp_path):
    """A service with a provider for each behaviour of the upstream; its port survives restarts."""
    providers = {
        mood: {
            "kind": "http",
            "api_base": f"{upstream.url}/{mood}/v1",
            "api_key": KEY,
            "models": [{"id": "m"}],
            "timeout_seconds": 900,
            "extra_config": {"preset": "openai-compatible", "max_concurrency": 100},
        }
        for mood in (*MOODS, *FAILURES)
    }
    providers["silent"]["timeout_seconds"] = 1
    providers["expired"]["extra_config"] = {"spec": JOBS}
    authority = upstream.url.partition("//")[2]
    config = {
        "security": {"allow_private_upstreams": [authority]},
        "providers": providers,
        "queue": {"workers": 100},
    }
    server = LiveServer(tmp_path, config, port=free_ports(1)[0]).start()
    yield server
    server.end()


@pytest.fixture
def start_nginx(service, tmp_path):
    """Return a function that starts nginx in front of the service, with other sites of these time-outs."""
    folder = tmp_path / "nginx"
    folder.mkdir()
    nginx = Nginx(folder, service.url)
    yield nginx.start
    nginx.end()


@pytest.fixture
def ask_all(clients, installed, forks):
    """Return a function that lets all clients ask at once, and says who got how many images.

    ``addresses`` has one for each client and way; a client without an image counts as 0.
    """

    def ask(addresses, *models, certificate="", during=lambda: None):
        environ = environ_of_clients()
        if certificate:
            environ |= {"NODE_EXTRA_CA_CERTS": str(certificate), "SSL_CERT_FILE": str(certificate)}

        def images(prompt):
            interpreter, program = clients[prompt.split()[0]]
            words = [program, f"{addresses[prompt]}/v1", prompt, *models]
            if interpreter == installed.python:
                return _images(_answer(forks, words, environ))
            return _images(_output([interpreter, *words], environ))

        with ThreadPoolExecutor(len(addresses) + 1) as pool:
            asking = {prompt: pool.submit(images, prompt) for prompt in addresses}
            during()
            return {prompt: answer.result() for prompt, answer in asking.items()}

    return ask


def environ_of_clients():
    """Return the environment in which the programs run: no proxy, and no calls but to us."""
    environ = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {**environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}


def _output(command, environ):
    """Return what a program wrote that a command starts."""
    process = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=ASK_SECONDS, check=False
    )
    assert 0 == process.returncode, process.stderr
    return process.stdout


def _answer(forks, words, environ):
    """Return what a program wrote that is forked."""
    with (
        socket.create_connection(forks, timeout=ASK_SECONDS) as connection,
        connection.makefile("rw") as lines,
    ):
        print(json.dumps({"argv": words, "environ": environ}), file=lines, flush=True)
        output = lines.read()
    assert output.endswith(f"{ENDED}\n"), output
    return output


def _images(output):
    return sum(int(line) for line in output.splitlines() if line.isdigit())
