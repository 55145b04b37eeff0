"""Names of tags and collections: how they are written, and which of them are the same."""

import unicodedata
from collections.abc import Iterable

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_COLLECTION_NAME_CHARS, MAX_TAG_CHARS, MAX_TAGS
from imagegen_core.problems.fields import Problem, ProblemCode
from imagegen_core.text_problems import check_name


def fold_name(name: str) -> str:
    """Return what names are compared by: case and width make no difference.

    Unlike prompts, traditional characters stay what they are: what is folded is stored, and dictionaries
    change, whereas Unicode promises that this does not.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded)


def tag_name(text: str, field: str = "tag") -> str:
    """Return a tag as it is stored: trimmed and in Unicode's normal form C.

    Raises:
        ValidationFailed: it is empty, too long, or has control or invisible characters.
    """
    return _clean(text, field, maximum=MAX_TAG_CHARS)


def tag_names(texts: Iterable[str], field: str = "tags") -> tuple[str, ...]:
    """Return the tags of an image in their order, each once.

    Raises:
        ValidationFailed: one of them cannot be a tag, or there are too many.
    """
    names: dict[str, str] = {}
    problems: list[Problem] = []
    for index, text in enumerate(texts):
        try:
            name = tag_name(text, f"{field}.{index}")
        except ValidationFailed as error:
            problems += error.problems
        else:
            names.setdefault(fold_name(name), name)
    if problems:
        raise ValidationFailed(*problems)
    if len(names) > MAX_TAGS:
        raise ValidationFailed.for_field(field, ProblemCode.TOO_MANY_ITEMS(maximum=MAX_TAGS))
    return tuple(names.values())


def collection_name(text: str, field: str = "name") -> str:
    """Return the name of a collection as it is stored, like a tag.

    Raises:
        ValidationFailed: it is empty, too long, or has control or invisible characters.
    """
    return _clean(text, field, maximum=MAX_COLLECTION_NAME_CHARS)


def _clean(text: str, field: str, *, maximum: int) -> str:
    name = unicodedata.normalize("NFC", text.strip())
    check_name(field, name, maximum=maximum)
    return name
