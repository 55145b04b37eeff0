"""Finds a secret in bytes, however it was written there.

It looks for pieces of the secret's core: letters and digits that no encoding of text changes. Half a key
is found as well as a whole one, and nothing here knows how the service masks keys.
"""

import base64
import random
import string

PIECE = 12
_CORE = 36


def canary(number, prefix="sk-"):
    """Return a key of its own: special characters, a core of 36 letters and digits, a tail.

    Its last four characters are shown on purpose and belong to no piece.
    """
    letters = random.Random(number).choices(string.ascii_letters + string.digits, k=_CORE)
    return f"""{prefix}+/"\\'<&%=~ {"".join(letters)}?{number:04d}"""


def core_of(key):
    return key.rpartition("?")[0][-_CORE:]


def needles(key):
    """Return what a search looks for: three pieces of the core, each in every encoding."""
    core = core_of(key)
    found = set()
    for start in range(0, _CORE, PIECE):
        found |= _encoded(core[start : start + PIECE].encode())
    return found


def _encoded(piece):
    found = {piece, piece.hex().encode(), piece.hex().upper().encode()}
    found |= {"".join(f"%{byte:02{case}}" for byte in piece).encode() for case in "xX"}
    found |= {"".join(f"\\u{byte:04{case}}" for byte in piece).encode() for case in "xX"}
    found |= {piece.decode().encode("utf-16-le")}
    for skipped in range(3):
        encoded = base64.b64encode(b"\0" * skipped + piece)
        whole = encoded[(0, 2, 3)[skipped] : (skipped + len(piece)) * 8 // 6]
        found |= {whole, whole.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def leaks(keys, texts):
    """Return (key, where, what was found) for each text, by name, that holds a piece of a key."""
    wanted = {key: needles(key) for key in keys}
    return [
        (key, where, needle, _around(text, needle))
        for where, text in texts.items()
        for key, pieces in wanted.items()
        for needle in pieces
        if needle in text
    ]


def files_below(*folders):
    """Return the bytes of each file, by its path."""
    paths = (path for folder in folders for path in sorted(folder.rglob("*")))
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def _around(text, needle):
    at = text.find(needle)
    return text[max(0, at - 200) : at + 100]
