"""A settings file with secrets that every user of the machine can read."""

import tempfile
from pathlib import Path

import pytest

from tests.integration.api.live_server import imagegen

TOKEN = "a-token-of-4711"
NOTE = "has secrets in clear, and every user of this machine can read it"


@pytest.fixture
def folder():
    """A directory that others may enter; those of other tests they may not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def warnings(folder, text, mode, **environ):
    """Return how often `config check` and `doctor` warn."""
    file = folder / "config.yaml"
    file.write_text(text)
    file.chmod(mode)
    check = imagegen("config", "check", cwd=folder, environ=environ)
    doctor = imagegen("doctor", cwd=folder, environ=environ)
    assert TOKEN not in check.stderr + doctor.stdout
    return check.stderr.count(NOTE), doctor.stdout.count(NOTE)


def test_secrets_that_all_may_read_are_warned_of(folder):
    """By what looks at the settings."""
    assert (1, 1) == warnings(folder, f"server: {{auth_token: {TOKEN}}}", 0o644)


def test_the_password_of_a_database_is_one(folder):
    """Also as it is written in a URL."""
    bucket = "endpoint: 'http://127.0.0.1:9', region: a, bucket: abc, access_key_id: a, access_key_secret: b"
    text = f"""
        database: postgresql://user:{TOKEN}%40@127.0.0.1:9/db
        storage: {{local: null, s3: {{{bucket}}}}}
    """

    assert (1, 1) == warnings(folder, text, 0o604, IMAGEGEN_MASTER_KEY="x" * 43 + "=")


@pytest.mark.parametrize(
    ("text", "mode", "above"),
    [
        (f"server: {{auth_token: {TOKEN}}}", 0o640, 0o755),
        (f"server: {{auth_token: {TOKEN}}}", 0o644, 0o700),
        ("server: {auth_token: env:TOKEN}", 0o644, 0o755),
    ],
    ids=["for a group", "in a closed directory", "elsewhere"],
)
def test_what_others_cannot_read_is_no_matter(folder, text, mode, above):
    """The group is whom the operator has chosen."""
    folder.chmod(above)

    assert (0, 0) == warnings(folder, text, mode, TOKEN=TOKEN)
