"""What is around the data of every answer below ``/api/v1``."""

from typing import Annotated, Any, Generic, TypeVar

from imagegen_core.search.pages import Page
from imagegen_http.answers.fields import Answer, doc

T = TypeVar("T")


class Success(Answer, Generic[T], frozen=True, kw_only=True):
    """The envelope of an answer without an error."""

    code: Annotated[int, doc("0: no error", 0, const=0)]
    message: Annotated[str, doc("always the same", "success", const="success")]
    data: Annotated[T, doc("what was asked for")]


def success(data: T) -> Success[T]:
    """Return the answer without an error."""
    return Success(code=0, message="success", data=data)


class Deleted(Success[None], frozen=True, kw_only=True):
    """The answer to a deletion."""

    data: Annotated[None, doc("nothing", None)]


DELETED = Deleted(code=0, message="success", data=None)


class ListPage(Answer, Generic[T], frozen=True, kw_only=True):
    """The shape of all lists: a page, and how to get at the next."""

    items: Annotated[list[T], doc("the items of this page")]
    page: Annotated[int, doc("number of this page, from 1", 1)]
    page_size: Annotated[int, doc("how many items a page has at most", 20)]
    total: Annotated[int, doc("how many items all pages have together", 1)]
    total_is_exact: Annotated[
        bool, doc("false where there are more than `total`, which counts to 10,000", example=True)
    ]
    has_more: Annotated[bool, doc("whether a page follows", example=False)]
    next_cursor: Annotated[str | None, doc("`cursor` of the next page; null on the last", None)]

    @classmethod
    def from_page(
        cls, page: Page[Any], items: list[T], *, number: int, size: int, cursor: str | None
    ) -> "ListPage[T]":
        """Return the page with its items as answers have them; ``cursor`` leads behind the last of them."""
        return cls(
            items=items,
            page=number,
            page_size=size,
            total=page.total,
            total_is_exact=page.total_is_exact,
            has_more=page.has_more,
            next_cursor=cursor if page.has_more else None,
        )
