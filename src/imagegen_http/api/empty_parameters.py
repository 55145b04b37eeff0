"""Ignores query parameters without a value: forms and clients send ``?provider=&page=`` for "not set"."""

from litestar.types import ASGIApp, Receive, Scope, Send


def without_empty_parameters(app: ASGIApp) -> ASGIApp:
    """Return an application that passes on only query parameters with a value."""

    async def filtered(scope: Scope, receive: Receive, send: Send) -> None:
        pairs = (pair for pair in scope["query_string"].split(b"&") if pair.partition(b"=")[2])
        scope["query_string"] = b"&".join(pairs)
        await app(scope, receive, send)

    return filtered
