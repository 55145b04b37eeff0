"""How a command ended."""


def good(result):
    """Return what a command printed that did its work and had nothing to complain of."""
    assert (0, "") == (result.returncode, result.stderr), result
    return result.stdout


def failed(result, code=1):
    """Return the one line that a failed command leaves on stderr."""
    lines = result.stderr.strip().splitlines()
    assert (code, 1) == (result.returncode, len(lines)), result
    return lines[0]
