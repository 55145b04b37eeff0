"""A stranger's package, from an empty directory to an image; and packages that cannot be loaded."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.plugins import installed
from imagegen_adapters.providers import compose_providers
from imagegen_adapters.system import SystemClock
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.images import png
from tests.fakes.in_thread import in_thread
from tests.integration.api.asking import CONFIG, ENGLISH, GENERATE, WAIT, data
from tests.integration.api.live_server import IMAGEGEN, LiveServer, clean_environ

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "publish-an-adapter.md"
PYPROJECT, MODULE, _, _, TEST, _, _ = re.findall(r"```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
KEY = "ink-key-0123456789"


class ScriptServer(LiveServer):
    """Started by the installed script, which looks for packages in ``packages`` as well."""

    packages = ROOT

    def start(self):
        self.configure(self.config)
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [IMAGEGEN, "serve", "--port", "0"],
                cwd=self.folder,
                env=clean_environ(PYTHONPATH=str(self.packages)),
                stdout=log,
                stderr=log,
            )
        self._await()
        return self

    def run(self, *args):
        """Return what a command says, however it ends."""
        environ = clean_environ(PYTHONPATH=str(self.packages))
        command = [IMAGEGEN, *args]
        done = subprocess.run(
            command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        return done.stdout + done.stderr


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts a server with the packages of a folder."""
    servers = []

    def start(packages, config):
        folder = tmp_path / "server"
        folder.mkdir()
        servers.append(ScriptServer(folder, config))
        servers[-1].packages = packages
        return servers[-1].start()

    yield start
    for server in servers:
        server.end()


@pytest.fixture(scope="module")
def inkwell(tmp_path_factory):
    """Return the folder into which the package of the page was installed, and that with its test."""
    source, target = tmp_path_factory.mktemp("inkwell"), tmp_path_factory.mktemp("packages")
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "imagegen_inkwell.py").write_text(MODULE)
    options = ["--quiet", "--no-build-isolation", "--no-deps", "--no-index", "--target", target]
    command = [sys.executable, "-m", "pip", "install", *options, "."]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    return target


def answer(request):
    """Be Inkwell."""
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.json == {"text": "猫", "ink": "blue"}
    return Reply(200, png(), {"content-type": "image/png"})


def test_a_package_from_an_empty_directory_makes_an_image(inkwell, serve):
    """It is installed, `kind: inkwell` is written, and that is all; saved through the API, it works too."""
    with in_thread(HttpServer(answer)) as upstream:
        allowed = {"allow_private_upstreams": [upstream.url.removeprefix("http://")]}
        provider = {
            "kind": "inkwell",
            "api_base": upstream.url,
            "api_key": KEY,
            "extra_config": {"ink": "blue"},
        }
        server = serve(inkwell, {"security": allowed, "providers": {"inkwell": provider}})
        with server.client() as api:
            data(api.post(CONFIG, json={"provider_name": "saved", **provider}))
            unknown_key = {"provider_name": "saved", "extra_config": {"inc": "blue"}}
            refusal = api.post(CONFIG, json=unknown_key, headers=ENGLISH).json()["data"]["errors"][0]
            tasks = [
                data(api.post(GENERATE, json={"provider": name, "params": {"prompt": "猫"}}, headers=WAIT))
                for name in ("inkwell", "saved")
            ]
            image = api.get(tasks[0]["image_url"]).content
        doctor = server.run("doctor")

    assert ["completed"] * 2 == [task["status"] for task in tasks], tasks
    assert png() == image
    assert "extra_config.inc" == refusal["field"]
    assert re.search(r"ok +provider inkwell: of imagegen-inkwell 0.1", doctor), doctor
    assert [] == upstream.complaints


def test_the_package_of_the_page_keeps_the_promises_of_its_port(inkwell, tmp_path):
    """Its own test runs as the page says, with pytest's settings of nobody."""
    (tmp_path / "test_inkwell.py").write_text(TEST)
    environ = clean_environ(PYTHONPATH=f"{inkwell}:{ROOT}")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        tmp_path,
        "test_inkwell.py",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=300, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b1[0-9] passed", done.stdout), done.stdout


MUTE = """
from imagegen_adapters.providers.demo.provider import DemoProvider
class Mute(DemoProvider):
    extra_keys = frozenset({'own'})
    def __init__(self, outbound, *, clock): super().__init__(clock)
    def describe(self, config): raise KeyError('models')
"""
BROKEN = {
    "absent": ("import no_such_module", "NOTHING", "ModuleNotFoundError: No module named 'no_such_module'"),
    "leaving": ("raise SystemExit('enough')", "NOTHING", "SystemExit: enough"),
    "panicking": (
        "class Panic(BaseException): ...\nraise Panic('at /opt/secret/place')",
        "NOTHING",
        "Panic: at …",
    ),
    "nameless": ("", "no_such_name", "AttributeError"),
    "uncallable": ("thing = 7", "thing", "TypeError"),
    "shapeless": (
        "def make(outbound, *, clock): return object()",
        "make",
        "has no cancel, collect, describe",
    ),
    "raising": (
        "def make(outbound, *, clock): raise ValueError('no licence')",
        "make",
        "ValueError: no licence",
    ),
    "mute": (
        MUTE,
        "Mute",
        "KeyError: 'models'",
    ),
}
"""Modules by their kind, what the entry point names there, and the reason that is told."""


def package(folder, kind, name, *, module=None, group="imagegen.providers"):
    """Write what an installed package leaves behind: its module, and its metadata."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{kind} = {module or f'broken_{kind}:NOTHING'}\n")


def test_packages_that_cannot_be_loaded_stop_nothing_else(serve, tmp_path):
    """The service starts and draws; each is named with its reason, by the refusal and by `doctor`."""
    folder = tmp_path / "packages"
    for kind, (text, name, _) in BROKEN.items():
        package(folder, kind, f"imagegen-{kind}", module=f"broken_{kind}:{name}")
        (folder / f"broken_{kind}.py").write_text(text)
    package(folder, "demo", "imagegen-mimic", module="broken_raising:make")
    package(folder, "twin", "imagegen-castor", module="broken_raising:make")
    package(folder, "twin", "imagegen-pollux", module="broken_raising:make")
    package(folder, "attic", "imagegen-attic", module="no_such_module:open", group="imagegen.archives")
    keys = {"api_base": "http://127.0.0.1:9", "api_key": KEY, "extra_config": {"own": 1}}
    kinds = [*BROKEN, "twin"]
    server = serve(folder, {"providers": {kind: {"kind": kind, **keys} for kind in kinds}})
    with server.client(**ENGLISH) as api:
        drawn = data(api.post(GENERATE, json={"provider": "demo", "params": {"prompt": "猫"}}, headers=WAIT))
        answers = {
            kind: api.post(GENERATE, json={"provider": kind, "params": {"prompt": "猫"}}).json()
            for kind in kinds
        }
        listed = data(api.get(CONFIG))["total"]
        saved = api.post(CONFIG, json={"provider_name": "x", "kind": "leaving", **keys}).json()
        unknown = api.post(CONFIG, json={"provider_name": "x", "kind": "nobody", **keys}).json()
    doctor = server.run("doctor", "--json")

    assert "completed" == drawn["status"]
    assert 1 + len(kinds) == listed
    for kind in kinds:
        assert 40001 == answers[kind]["code"], answers[kind]
        reason = BROKEN[kind][2] if kind in BROKEN else "several packages have this kind: imagegen-castor"
        assert reason in str(answers[kind]), (kind, answers[kind])
        assert reason in doctor or kind == "mute", (kind, doctor)
        assert kind in server.log
    assert "'demo' is a kind of imagegen itself" in doctor
    assert "archive attic" in doctor
    assert "/opt/secret" not in str(answers) + doctor
    assert (40000, "kind", 40000) == (saved["code"], saved["data"]["errors"][0]["field"], unknown["code"])


def test_an_archive_that_cannot_be_loaded_stops_the_start(tmp_path):
    """Images may be there alone; the reason is one line."""
    package(
        tmp_path / "packages",
        "attic",
        "imagegen-attic",
        module="no_such_module:open",
        group="imagegen.archives",
    )
    server = ScriptServer(
        tmp_path, {"storage": {"archive": {"kind": "attic", "settings": {"password": "hidden-7"}}}}
    )
    server.packages = tmp_path / "packages"
    server.configure(server.config)
    absent = server.run("serve", "--port", "0")
    shown = server.run("config", "show")

    assert "storage.archive.kind: imagegen-attic 1.0 cannot be loaded: ModuleNotFoundError" in absent
    assert "hidden-7" not in shown


@pytest.mark.anyio
async def test_nobody_looks_for_packages_while_kinds_are_ours():
    """A start reads no entry points: that takes milliseconds for each installed package."""
    installed.cache_clear()
    outbound = Outbound()
    providers = compose_providers(SystemClock(), outbound)

    assert "demo" in providers
    assert [*providers] == [kind for kind in providers if providers[kind].extra_keys is not None]
    assert providers.get("") is None
    assert 0 == installed.cache_info().misses
    assert providers.get("nobody") is None
    assert 1 == installed.cache_info().misses
    await outbound.aclose()
