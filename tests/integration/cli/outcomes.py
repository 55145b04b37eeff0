"""How a command ended."""


def good(result):
    """Return the output of a command that succeeded without a warning."""
    assert (0, "") == (result.returncode, result.stderr), result
    return result.stdout


def failed(result, code=1):
    """Return the only line that a failed command prints to stderr."""
    lines = result.stderr.strip().splitlines()
    assert (code, 1) == (result.returncode, len(lines)), result
    assert "Traceback" not in result.stderr
    return lines[0]
