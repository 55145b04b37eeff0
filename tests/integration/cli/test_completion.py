"""The shell completes commands as the reference describes."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.integration.api.live_server import IMAGEGEN, clean_environ

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "command-line.md"
SHELLS = re.findall(r"_IMAGEGEN_COMPLETE=(\w+)_source imagegen", PAGE.read_text("utf-8"))


def completed(cwd, **environ):
    return subprocess.run(
        [IMAGEGEN],
        cwd=cwd,
        env=clean_environ(**environ),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_each_documented_shell_gets_its_script(shell, tmp_path):
    """Printed for `eval`."""
    assert "_imagegen_completion" in completed(tmp_path, _IMAGEGEN_COMPLETE=f"{shell}_source")


def test_commands_with_the_typed_prefix_are_offered(tmp_path):
    """Here: bash's request after `imagegen tas` and a tab."""
    completions = completed(
        tmp_path, _IMAGEGEN_COMPLETE="bash_complete", COMP_WORDS="imagegen tas", COMP_CWORD="1"
    )

    assert ["plain,tasks"] == completions.split()
