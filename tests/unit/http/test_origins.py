"""Where settings come from, and what is shown of them."""

from pathlib import Path

import pytest

from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.secrets import Secret
from imagegen_http.settings.loader import load_settings, setting_origins
from imagegen_http.settings.schema import Origin, effective_settings

MASTER_KEY = {"IMAGEGEN_MASTER_KEY": "k"}


@pytest.fixture
def cwd(tmp_path):
    (tmp_path / "config.yaml").write_text(
        """
        server: {port: 9000, auth_token: tok-0123456789abcdef}
        queue: {workers: 4}
        storage: {oss: {endpoint: "https://oss.example", region: r, bucket: b, access_key_id: AKID,
                  access_key_secret: env:SECRET}}
        providers: {filed: {kind: openai, api_key: sk-0123456789abcdef, timeout_seconds: 7}}
        """
    )
    return tmp_path


def shown(cwd, environ, saved=()):
    sources = {"config": None, "environ": {"SECRET": "s3cret", **environ}, "cwd": cwd}
    settings = load_settings(**sources)
    effective = effective_settings(
        settings, setting_origins(**sources), configured=settings.providers, saved=saved
    )
    return {setting.key: (setting.value, setting.origin) for setting in effective}


def test_each_setting_says_where_it_was_set(cwd):
    """A variable counts more than the file, and the file more than the default."""
    settings = shown(cwd, {"IMAGEGEN_QUEUE__WORKERS": "8"})

    assert {
        "server.host": ("127.0.0.1", Origin.DEFAULT),
        "server.port": (9000, Origin.FILE),
        "queue.workers": (8, Origin.ENVIRONMENT),
        "queue.size": (1000, Origin.DEFAULT),
        "storage.oss.bucket": ("b", Origin.FILE),
        "storage.s3": (None, Origin.DEFAULT),
    }.items() <= settings.items()


def test_what_was_saved_counts_field_by_field(cwd):
    """Over the file's, whose other fields still hold."""
    saved = ProviderConfig(
        provider_name="filed",
        source=ConfigSource.DATABASE,
        api_key=Secret.parse("sk-ffffffffffffffff"),
        max_retries=1,
    )
    settings = shown(cwd, {}, [saved])

    assert {
        "providers.filed.api_key": ("****", Origin.DATABASE),
        "providers.filed.max_retries": (1, Origin.DATABASE),
        "providers.filed.timeout_seconds": (7.0, Origin.FILE),
    }.items() <= settings.items()


def test_no_secret_is_shown(cwd):
    """Neither those of the file, nor those that it fetches, nor the database's password."""
    environ = {
        **MASTER_KEY,
        "IMAGEGEN_DATABASE": "postgresql://u:geheim@db.example/imagegen",
        "IMAGEGEN_STORAGE__LOCAL": "null",
    }
    settings = shown(cwd, environ)

    for secret in ("tok-0123456789abcdef", "AKID", "s3cret", "sk-0123456789abcdef", "geheim"):
        assert secret not in repr(settings)
    assert ("****", Origin.FILE) == settings["storage.oss.access_key_secret"]
    assert Origin.ENVIRONMENT is settings["database"][1]


def test_every_key_is_shown_once(cwd):
    """As the reference names them."""
    settings = shown(cwd, {})

    page = Path(__file__).parents[3] / "docs/reference/settings.md"
    assert all(f"`{key}`" in page.read_text("utf-8") for key in settings if not key.startswith("providers."))
