"""Ignores query parameters without a value: forms and clients send ``?provider=&page=`` for "not set"."""

from collections.abc import Awaitable

from litestar.types import ASGIApp, Receive, Scope, Send


def without_empty_parameters(app: ASGIApp) -> ASGIApp:
    """Return an application that passes on only query parameters with a value."""

    def filtered(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["query_string"]:
            pairs = (pair for pair in scope["query_string"].split(b"&") if pair.partition(b"=")[2])
            scope["query_string"] = b"&".join(pairs)
        return app(scope, receive, send)

    return filtered
