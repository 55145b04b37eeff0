"""Responds to a request whose body is not read to its end, so that the client still gets the response."""

from imagegen_http.asgi.types import App, Message, Receive, Scope, Send
from imagegen_http.guard.bodies import IncomingBody


async def respond_early(
    response: App, scope: Scope, receive: Receive, send: Send, *, unread: IncomingBody, seconds: float
) -> None:
    """Send the complete response, drain the request's body for at most ``seconds``, then close.

    If a server closes with unread bytes, the kernel resets the connection, and the reset discards what the
    client has not read yet: the response (RFC 9112, section 9.6).
    """

    async def send_but_not_end(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", []), (b"connection", b"close")]
            await send({**message, "headers": headers})
        else:
            await send({**message, "more_body": True})

    await response(scope, receive, send_but_not_end)
    if unread.must_be_drained:
        await unread.drain(seconds)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
