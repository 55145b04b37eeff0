"""What commands load beside a server, and without one."""

import pytest

from tests.integration.cli.test_help import modules_of

SERVICE = {
    "cryptography",
    "imagegen_core.imagegen",
    "imagegen_core.models",
    "imagegen_core.ports",
    "imagegen_core.running",
    "imagegen_core.services",
    "imagegen_core.task",
    "imagegen_http.app",
    "litestar",
    "msgspec",
    "structlog",
    "uvloop",
}
"""What a command beside a running server leaves to that server."""

UNUSED = {"google.genai", "httpx._main", "oss2", "pydantic", "pygments", "rich", "rich_click"}
"""What neither a command in a pipe nor a service with the demo provider needs."""


@pytest.mark.parametrize(
    "args", [["tasks", "list"], ["images", "search", "猫"], ["providers", "list", "--json"]]
)
def test_a_command_beside_a_server_does_not_load_the_service(args, server):
    """It asks the server over HTTP."""
    code, _, modules = modules_of(*args, cwd=server.folder, **server.environ)

    assert (0, set()) == (code, (SERVICE | UNUSED) & modules)
    assert "httpx" in modules


def test_generate_without_a_server_loads_no_unused_library(tmp_path):
    """The optional parts of libraries are left out, and what makes the database where there is one."""
    modules_of("generate", "a cat", cwd=tmp_path)
    code, _, modules = modules_of("generate", "a cat", cwd=tmp_path)

    assert (0, set()) == (code, (UNUSED | {"sqlite_utils"}) & modules)
