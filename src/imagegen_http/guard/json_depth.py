"""How deep a JSON text is nested, without parsing it."""

_KEPT = b'[]{}"'
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_REST = bytes(sorted(set(range(256)) - set(_KEPT)))


MAX_BRACKETS = 100_000
"""More, outside strings, are refused uncounted: no body of this API comes near, and it bounds the work."""

_MAX_MARKS = 1_000_000


def deeper_than(limit: int, text: bytes) -> bool:
    """Return whether a parser of this JSON could meet more than ``limit`` open brackets at once.

    Brackets inside strings do not count. More than `MAX_BRACKETS` of them, or a million quotes and
    brackets, are too many at any depth. What is no JSON may be called deep or not, as long as the part
    that a parser reads before it gives up is at most twice as deep as ``limit``. The work is done by few
    passes of C code: a text with few brackets costs two scans.
    """
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = text.translate(_ONE_KIND, _REST)
    if len(marks) > _MAX_MARKS:
        return True
    left = b"".join(marks.split(b'"')[::2])  # a string that never ends swallows the rest
    return len(left) > MAX_BRACKETS or _brackets_deeper_than(limit, left)


def _brackets_deeper_than(limit: int, left: bytes) -> bool:
    for _ in range(limit):
        shorter = left.replace(b"[]", b"")
        if len(shorter) == len(left):
            break
        left = shorter
    return b"[]" in left or left.count(b"[") > limit
