"""Cleans queries: a parameter without a value is ignored, one with several different values is refused."""

from collections import Counter
from collections.abc import Awaitable
from urllib.parse import unquote_plus

from litestar.types import ASGIApp, Receive, Scope, Send

from imagegen_core.errors import ValidationFailed
from imagegen_core.problems.fields import Problem, ProblemCode

_API = "/api/"


def with_clean_query(app: ASGIApp) -> ASGIApp:
    """Return an application that passes on query parameters with a value: ``?provider=&page=`` is "not set".

    Which of several values the router would take, nobody who reads the address can tell.

    Raises:
        ValidationFailed: a parameter of the API has several values.
    """

    def filtered(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["query_string"]:
            pairs = dict.fromkeys(p for p in scope["query_string"].split(b"&") if p.partition(b"=")[2])
            if scope["path"].startswith(_API) and len(pairs) > 1:
                _check_once(pairs)
            scope["query_string"] = b"&".join(pairs)
        return app(scope, receive, send)

    return filtered


def _check_once(pairs: dict[bytes, None]) -> None:
    values = Counter(unquote_plus(pair.partition(b"=")[0].decode("latin-1")) for pair in pairs)
    problems = [
        Problem(field=name, reason=ProblemCode.REPEATED()) for name, count in values.items() if count > 1
    ]
    if problems:
        raise ValidationFailed(*problems)
