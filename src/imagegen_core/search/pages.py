"""Pages of a list, and the opaque cursors that lead from one to the next."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import DEFAULT_PAGE_SIZE, MAX_EXACT_TOTAL, MAX_PAGE, MAX_PAGE_SIZE
from imagegen_core.problems.fields import ProblemCode

_encoder = json.JSONEncoder(sort_keys=True, default=str)

T = TypeVar("T")
U = TypeVar("U")


@attrs.frozen(kw_only=True)
class Paging:
    """Which page: by number from 1, or after a position (a row number, newest first) at any depth."""

    page: int = 1
    page_size: int = DEFAULT_PAGE_SIZE
    after: int | None = None

    def __attrs_post_init__(self) -> None:
        ValidationFailed.check_range("page", self.page, minimum=1, maximum=MAX_PAGE)
        ValidationFailed.check_range("page_size", self.page_size, minimum=1, maximum=MAX_PAGE_SIZE)

    @property
    def offset(self) -> int:
        """Number of rows to skip when the page is chosen by number; 0 with a cursor."""
        return 0 if self.after is not None else (self.page - 1) * self.page_size


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list, newest first; ``last`` is the position of its last item, for the next cursor."""

    items: tuple[T, ...]
    total: int
    has_more: bool
    total_is_exact: bool = True
    last: int | None = None

    @classmethod
    def of_all(cls, items: Sequence[T], *, number: int, size: int) -> "Page[T]":
        """Return a page of items that are all there, or of which `enough` are, so that it has no position."""
        start, end = (number - 1) * size, number * size
        return cls(
            items=tuple(items[start:end]),
            total=min(len(items), MAX_EXACT_TOTAL),
            total_is_exact=len(items) <= MAX_EXACT_TOTAL,
            has_more=end < len(items),
        )

    @staticmethod
    def enough(number: int, size: int) -> int:
        """Return how many items it takes to say of a page whether one follows, and how many there are."""
        return max(MAX_EXACT_TOTAL, number * size) + 1

    def with_items(self, items: Iterable[U]) -> "Page[U]":
        """Return the same page of other items, one for each of these."""
        return Page(
            items=tuple(items),
            total=self.total,
            has_more=self.has_more,
            total_is_exact=self.total_is_exact,
            last=self.last,
        )


def encode_cursor(position: int, query: Any) -> str:
    """Return an opaque cursor that continues ``query`` (any JSON-serialisable value) after ``position``."""
    body = f'[{position},"{_fingerprint(query)}"]'.encode()
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def decode_cursor(cursor: str, query: Any) -> int:
    """Return the position in a cursor that was made for the same query.

    Raises:
        ValidationFailed: this API did not issue the cursor, or issued it for another query.
    """
    try:
        body = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position, fingerprint = json.loads(body)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise ValidationFailed.for_field("cursor", ProblemCode.NOT_A_CURSOR()) from error
    if not isinstance(position, int) or isinstance(position, bool) or not 0 <= position < 2**63:
        raise ValidationFailed.for_field("cursor", ProblemCode.NOT_A_CURSOR())
    if fingerprint != _fingerprint(query):
        raise ValidationFailed.for_field("cursor", ProblemCode.OTHER_QUERY())
    return position


def _fingerprint(query: Any) -> str:
    return hashlib.sha256(_encoder.encode(query).encode()).hexdigest()[:12]
