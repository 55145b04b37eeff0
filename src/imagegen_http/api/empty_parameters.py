"""A query parameter without a value says nothing: forms and clients send ``?provider=&page=`` so."""

from litestar.types import ASGIApp, Receive, Scope, Send


def without_empty_parameters(app: ASGIApp) -> ASGIApp:
    """Return the application that sees only query parameters with a value."""

    async def filtered(scope: Scope, receive: Receive, send: Send) -> None:
        kept = b"&".join(p for p in scope["query_string"].split(b"&") if p.partition(b"=")[2])
        scope["query_string"] = kept
        await app(scope, receive, send)

    return filtered
