"""``imagegen --help`` is instant, since it loads next to nothing."""

import subprocess
import sys

import pytest

from tests.integration.api.live_server import clean_environ

SCRIPT = """
import sys
sys.argv = ["imagegen", *sys.argv[1:]]
from imagegen_http.cli import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""
HEAVY = {
    "PIL",
    "cryptography",
    "google",
    "httpx",
    "imagegen_core.imagegen",
    "imagegen_core.use_cases",
    "litestar",
    "oss2",
    "sqlite3",
    "structlog",
    "yaml",
}


@pytest.mark.parametrize(
    "args", [["--help"], ["--version"], ["images", "export", "-h"], ["backup", "--help"]]
)
def test_help_loads_nothing_heavy(args, tmp_path):
    """No SDK, no HTTP client, no database."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *args],
        cwd=tmp_path,
        env={k: v for k, v in clean_environ().items() if not k.startswith("COVERAGE")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert set() == HEAVY & set(ended.stderr.split())
    assert ended.stdout
