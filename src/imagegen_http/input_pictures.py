"""Reads a picture out of a JSON body: a data URL, or the id of one that is kept here."""

import base64
import binascii
import re

from imagegen_core.errors import InvalidImage
from imagegen_core.images import MAX_BYTES
from imagegen_core.submissions import InputSource, KeptImage

_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]{1,40}(?:;[a-z0-9=.+-]{1,80})*;base64,", re.IGNORECASE)
_KEPT = re.compile(r"image:([1-9][0-9]{0,17})")


def read_picture(text: str, field: str) -> InputSource:
    """Return the bytes of a data URL, or a reference to a kept picture.

    Raises:
        InvalidImage: it is neither, is not base64, or is too large.
    """
    if kept := _KEPT.fullmatch(text):
        return KeptImage(id=int(kept[1]))
    prefix = _DATA_URL.match(text[:200])
    if prefix is None:
        raise InvalidImage(field, "must be a data:image/…;base64, URL or image:<id>")
    encoded = text[prefix.end() :]
    if len(encoded) * 3 // 4 > MAX_BYTES + 2:
        raise InvalidImage(field, f"must be at most {MAX_BYTES} bytes")
    try:
        data = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidImage(field, "is not base64") from error
    if not data:
        raise InvalidImage(field, "is empty")
    return data
