"""What the pages show can be used as it stands; the Chinese pages show the same, which another test holds."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import attrs
import pytest
import yaml

from imagegen_http.settings.schema import Settings
from tests.fakes.gemini import png
from tests.integration.api.live_server import IMAGEGEN, LiveServer, clean_environ, imagegen
from tests.markdown import DOCS, blocks, name

CLIENT = DOCS / "how-to" / "use-the-openai-client.md"
LABEL = DOCS / "how-to" / "label-ai-images.md"
CHINESE = DOCS / "zh-CN"
SECRET = "a-secret-of-a-page"
WAIT_SECONDS = 60


def _settings(page):
    """Return the page's blocks of settings; a section that is dots is said by the block above."""
    texts = [text.replace("{…}", "{}") for kind, text in blocks(page) if kind == "yaml"]
    read = [yaml.safe_load(text) for text in texts if "…}" not in text]
    return [block for block in read if block.keys() <= attrs.fields_dict(Settings).keys()]


def _over(below, above):
    """Return one mapping laid over another, section by section."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}


PACKAGE = (
    DOCS / "how-to" / "publish-an-adapter.md"
)  # its settings need its package, which its own test installs
PAGES = [
    page
    for page in sorted(DOCS.rglob("*.md"))
    if CHINESE not in page.parents and page != PACKAGE and _settings(page)
]


@pytest.mark.parametrize(
    "folder", [pytest.param(DOCS, id="English"), pytest.param(CHINESE, id="Chinese", marks=pytest.mark.long)]
)
def test_an_image_is_taken_out_of_a_backup_as_the_page_says(folder, tmp_path):
    """By the id of its task from a service that knows it, and from a restored copy by its prompt."""
    for prompt in ("一只猫", "a boat"):
        imagegen("generate", prompt, "--param", "width=64", "--param", "height=64", cwd=tmp_path)
    imagegen("backup", "it.backup", cwd=tmp_path)
    originals = {file.read_bytes() for file in (tmp_path / "data" / "images").rglob("*.png")}
    texts = [text for kind, text in blocks(folder / "how-to" / "run-as-a-service.md") if "it.backup" in text]
    script = re.sub(r"\b7\b", "1", "".join(texts)).replace("sudo ", "")
    script = re.sub(r"/\w+/restored", str(tmp_path / "restored"), script)
    script = re.sub(r"\bimagegen (?=images|restore)", f"{IMAGEGEN} ", script)
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", script],
        cwd=tmp_path,
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    (extracted,) = (tmp_path / "images").rglob("*.png")

    assert (0, True) == (done.returncode, "一只猫" in done.stdout), done.stderr
    assert extracted.read_bytes() in originals
    with zipfile.ZipFile(tmp_path / "seven.zip") as archive:
        assert [extracted.read_bytes()] == [archive.read(one) for one in archive.namelist()]
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_settings_of_a_page_are_valid(page, tmp_path):
    """Each block, over those above it; its secrets are where it says, and files hold the page's JSON."""
    settings, folder = {}, tmp_path / "etc"
    folder.mkdir()
    shown = next((text for kind, text in blocks(page) if kind == "json"), "")
    for block in _settings(page):
        settings = _over(settings, block)
        text = yaml.safe_dump(settings, allow_unicode=True).replace("/etc/imagegen", str(folder))
        for secret in re.findall(r"file:\S+/(\S+)", text):
            (folder / secret).write_text(SECRET)
        for file in re.findall(r"file:(\w+\.json)", text):
            (tmp_path / file).write_text(shown)
        (tmp_path / "config.yaml").write_text(text)
        environ = dict.fromkeys(["IMAGEGEN_MASTER_KEY", *re.findall(r"env:(\w+)", text)], SECRET)
        done = imagegen(
            "config", "check", cwd=tmp_path, environ={**environ, "CREDENTIALS_DIRECTORY": str(folder)}
        )

        assert (0, "the configuration is valid\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts a server with such settings."""
    servers = []

    def start(settings):
        servers.append(LiveServer(tmp_path, settings).start())
        return servers[0]

    yield start
    for server in servers:
        server.end()


def _run(command, cwd):
    path = f"{Path(IMAGEGEN).parent}:/usr/bin:/bin"
    return subprocess.run(
        command,
        cwd=cwd,
        env=clean_environ(PATH=path),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


def test_the_openai_client_works_as_its_page_says(serve):
    """The blocks of Python are one program: two images in files, one changed, one with its task's id."""
    server = serve({})
    program = "\n".join(text for kind, text in blocks(CLIENT) if kind == "python")
    (server.folder / "mask.png").write_bytes(png(512, 512))

    done = _run(
        [sys.executable, "-c", program.replace("http://127.0.0.1:8080", server.url)], cwd=server.folder
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert ["cat-0.png", "cat-1.png"] == sorted(file.name for file in server.folder.glob("cat-*"))
    with server.client() as api:
        images = api.get("/api/v1/images").json()["data"]["items"]
    assert f"{images[0]['task_id']} 1\n" == done.stdout
    assert ["generate", "generate", "edit", "generate", "generate"] == [
        image["operation"] for image in images
    ]


def test_the_label_is_found_as_its_page_says(serve):
    """The command shows the label of an image that was made with the page's settings."""
    (settings,) = _settings(LABEL)
    server = serve(settings)
    (command,) = [text for kind, text in blocks(LABEL) if kind == "sh"]

    done = _run(["sh", "-eu", "-c", command], cwd=server.folder)

    assert (0, "") == (done.returncode, done.stderr)
    assert settings["aigc_label"]["producer"] in done.stdout
