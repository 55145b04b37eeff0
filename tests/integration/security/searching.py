"""Finds a secret in bytes, in any encoding.

It looks for pieces of the secret's core: letters and digits that no text encoding changes. It therefore
finds half a key as well as a whole one, and does not depend on how the service masks keys.
"""

import base64
import random
import string

PIECE = 12
_CORE = 36
_MARK = "qZ7xW4"
"""What each piece of a canary begins with, so that one search finds the piece of any of them."""


def canary(number, prefix="sk-"):
    """Return a unique key: special characters, a core of 36 letters and digits, a tail.

    Its last four characters are shown on purpose, and belong to no piece.
    """
    letters = random.Random(number).choices(string.ascii_letters + string.digits, k=_CORE)
    pieces = ("".join(letters[start + len(_MARK) : start + PIECE]) for start in range(0, _CORE, PIECE))
    return f"""{prefix}+/"\\'<&%=~ {"".join(_MARK + piece for piece in pieces)}?{number:04d}"""


def core_of(key):
    return key.rpartition("?")[0][-_CORE:]


def needles(key):
    """Return the texts to look for: three pieces of the core, each in every encoding."""
    core = core_of(key)
    encodings = set()
    for start in range(0, _CORE, PIECE):
        encodings |= _encoded(core[start : start + PIECE].encode())
    return encodings


def _encoded(piece):
    encodings = {piece, piece.hex().encode(), piece.hex().upper().encode()}
    encodings |= {"".join(f"%{byte:02{case}}" for byte in piece).encode() for case in "xX"}
    encodings |= {"".join(f"\\u{byte:04{case}}" for byte in piece).encode() for case in "xX"}
    encodings |= {piece.decode().encode("utf-16-le")}
    for skipped in range(3):
        encoded = base64.b64encode(b"\0" * skipped + piece)
        whole = encoded[(0, 2, 3)[skipped] : (skipped + len(piece)) * 8 // 6]
        encodings |= {whole, whole.translate(bytes.maketrans(b"+/", b"-_"))}
    return encodings


def leaks(keys, texts):
    """Return (key, name of the text, excerpt) for each text that contains a piece of a canary."""
    needles_by_key = {key: needles(key) for key in keys}
    marks = _encoded(_MARK.encode())
    return [
        (key, name, needle, _around(text, needle))
        for name, text in texts.items()
        if any(mark in text for mark in marks)
        for key, pieces in needles_by_key.items()
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
